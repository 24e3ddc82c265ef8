package catalog

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/metrana/metrana/go/store"
)

// maxDeliveries is of how many loggers a run keeps the report.
const maxDeliveries = 10_000

// ErrTooManyLoggers says that a run has as many reports of loggers as are kept.
var ErrTooManyLoggers = errors.New("too many loggers have reported")

// Delivery is what a logger said last of its own counters. What each of the counts
// means is the business of those who report and show them.
type Delivery struct {
	Logger   uint64
	Reported time.Time
	Counts   []uint64
}

// Records of reports: 'd' + run, logger (8 bytes, big endian).
const recordDelivery = 'd'

func deliveryKey(id store.RunID, logger uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{recordDelivery}, id[:]...), logger)
}

// ReportDelivery keeps a report in the place of the one before of its logger; it
// returns when that is durable. Errors: ErrDeleting, ErrTooManyLoggers.
func (r *Run) ReportDelivery(d Delivery) error {
	r.editing.Lock()
	defer r.editing.Unlock()
	if r.isDeleting() {
		return fmt.Errorf("%w: %q", ErrDeleting, r.Name)
	}
	r.mu.RLock()
	_, known := r.deliveries[d.Logger]
	full := len(r.deliveries) >= maxDeliveries
	r.mu.RUnlock()
	if full && !known {
		return fmt.Errorf("%w: %d of run %q", ErrTooManyLoggers, maxDeliveries, r.Name)
	}
	record := appendUnsigned(appendTime([]byte{1}, d.Reported), uint64(len(d.Counts)))
	for _, n := range d.Counts {
		record = appendUnsigned(record, n)
	}
	err := r.catalog.db.WriteRecords(func(w store.RecordWriter) error { return w.Put(deliveryKey(r.ID, d.Logger), record) })
	if err != nil {
		return fmt.Errorf("catalog: keeping a report of run %q: %w", r.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keepDelivery(d)
	r.changes.delivery = r.catalog.db.NextRevision()
	r.announce()
	return nil
}

func (r *Run) keepDelivery(d Delivery) {
	if r.deliveries == nil {
		r.deliveries = make(map[uint64]Delivery)
	}
	d.Reported = d.Reported.UTC()
	r.deliveries[d.Logger] = d
}

// Deliveries lists the last report of each logger, by its number.
func (r *Run) Deliveries() []Delivery {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]Delivery, 0, len(r.deliveries))
	for _, d := range r.deliveries {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Delivery) int { return cmp.Compare(a.Logger, b.Logger) })
	return list
}

func (c *Catalog) readDelivery(key, record []byte) error {
	r, logger, err := c.runOfKey(key)
	if err != nil {
		return err
	}
	f := fields{src: record}
	if len(logger) != 8 || f.byte() != 1 {
		return errCorrupt
	}
	d := Delivery{Logger: binary.BigEndian.Uint64(logger), Reported: f.time()}
	count := f.unsigned()
	if count > uint64(len(f.src)) {
		return errCorrupt
	}
	for range count {
		d.Counts = append(d.Counts, f.unsigned())
	}
	r.keepDelivery(d)
	return f.err
}
