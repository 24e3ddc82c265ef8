package query

import (
	"sync"

	"github.com/metrana/metrana/go/store"
	"github.com/metrana/metrana/go/wire/pb/common"
)

// maxDefinitions bounds what is kept of all runs: some 16 MB.
const maxDefinitions = 1 << 15

// definitionCache keeps identities of series as the wire has them, for answers about
// many: to make them takes longer than all else in such an answer. Answers share
// them, so nobody may change them.
//
// A series keeps its number as long as its run is there; the identity is kept beside,
// so that nothing depends on that. When there is no room, other runs' go.
type definitionCache struct {
	mu   sync.Mutex
	held int
	runs map[store.RunID][]keptDefinition // by number - 1
}

type keptDefinition struct {
	identity   string
	definition *common.SeriesDefinition
}

// of gives the definitions of rows of a run; nil for those that are groups.
func (c *definitionCache) of(run runPoints, rows []summaryRow) []*common.SeriesDefinition {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = make(map[store.RunID][]keptDefinition)
	}
	kept := c.runs[run.ID]
	out := make([]*common.SeriesDefinition, len(rows))
	for i := range rows {
		sums := rows[i].sums
		if sums == nil {
			continue
		}
		if k := int(sums.No) - 1; k < len(kept) && kept[k].identity == sums.Identity {
			out[i] = kept[k].definition
			continue
		}
		out[i] = definition(*sums.Key)
		kept = c.keep(run.ID, kept, sums, out[i])
	}
	return out
}

func (c *definitionCache) keep(run store.RunID, kept []keptDefinition, sums *store.SelectedSums, d *common.SeriesDefinition) []keptDefinition {
	if int(sums.No) > maxDefinitions {
		return kept
	}
	if more := int(sums.No) - len(kept); more > 0 {
		for other := range c.runs {
			if c.held+more <= maxDefinitions {
				break
			}
			if other != run {
				c.held -= len(c.runs[other])
				delete(c.runs, other)
			}
		}
		kept = append(kept, make([]keptDefinition, more)...)
		c.held += more
	}
	kept[sums.No-1] = keptDefinition{sums.Identity, d}
	c.runs[run] = kept
	return kept
}
