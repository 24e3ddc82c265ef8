package client

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/metrana/metrana/go/point"
	"github.com/metrana/metrana/go/wire"
)

// A ValidationError names a value that cannot be and the rule it breaks.
// Nothing of the call that gets one is logged or counted.
type ValidationError struct{ Text string }

func (e *ValidationError) Error() string { return e.Text }

func invalid(format string, args ...any) error {
	return &ValidationError{Text: fmt.Sprintf(format, args...)}
}

// validated makes a ValidationError of what is wrong with a name.
func validated(err error) error {
	if err == nil {
		return nil
	}
	return &ValidationError{Text: err.Error()}
}

// maxStep is the highest step the protocol can carry.
const maxStep = math.MaxInt64

var reservedEnvironments = []string{
	"c", "w", "new", "runs", "environments", "charts", "compare", "settings",
}

var computedEnvironmentPaths = []string{"environment_id", "latest_episode", "latest_rl_step"}

func checkSeries(s point.Series) error { return validated(s.Check()) }

func checkEnvironment(id string) error {
	if err := checkToken("environment id", id, `/\?#%`); err != nil {
		return err
	}
	if slices.Contains(reservedEnvironments, strings.ToLower(id)) {
		return invalid("invalid environment id %q: the name is reserved", id)
	}
	return nil
}

func checkToken(what, text, forbidden string) error {
	return validated(point.CheckToken(what, text, forbidden))
}

// checkRunAttribute checks what may be set on a run: of the system's own
// paths only tags and description.
func checkRunAttribute(a *wire.AttributeUpdate) error {
	if err := checkToken("attribute path", a.Path, ""); err != nil {
		return err
	}
	switch {
	case a.Path == "sys/tags":
		if a.Kind != wire.AttributeStringSet && a.Kind != wire.AttributeStringSetDelta {
			return invalid("attribute %q must be a set of strings", a.Path)
		}
	case a.Path == "sys/description":
		if a.Kind != wire.AttributeString {
			return invalid("attribute %q must be a string", a.Path)
		}
	case a.Path == "sys" || strings.HasPrefix(a.Path, "sys/"):
		return invalid("attribute path %q is reserved: only sys/tags and sys/description can be set", a.Path)
	}
	return checkAttributeText(a)
}

func checkEnvironmentAttribute(a *wire.AttributeUpdate) error {
	if err := checkToken("attribute path", a.Path, ""); err != nil {
		return err
	}
	if slices.Contains(computedEnvironmentPaths, a.Path) {
		return invalid("attribute path %q is reserved: the server computes it", a.Path)
	}
	return checkAttributeText(a)
}

func checkAttributeText(a *wire.AttributeUpdate) error {
	for _, texts := range [][]string{{a.String}, a.Strings, a.Removed} {
		for _, text := range texts {
			if err := point.CheckText("value of the attribute "+a.Path, text); err != nil {
				return validated(err)
			}
		}
	}
	return nil
}

// checkRange checks that n consecutive steps from first exist.
func checkRange(what string, first uint64, n int) error {
	if first > maxStep || uint64(n-1) > maxStep-first {
		return invalid("invalid %s %d for %d points: the last would be above %d", what, first, n, uint64(maxStep))
	}
	return nil
}

func checkSteps(what string, steps []uint64) error {
	for i, step := range steps {
		if step > maxStep {
			return invalid("invalid %s %d at index %d: it is above %d", what, step, i, uint64(maxStep))
		}
	}
	return nil
}
