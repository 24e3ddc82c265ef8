package catalog

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func found(t *testing.T, c *Catalog, name string) *Run {
	t.Helper()
	r, known := c.FindRun("w", "p", name)
	if !known {
		t.Fatalf("no run %q", name)
	}
	return r
}

// The last report of each logger outlives a restart.
func TestTheLastReportOfEachLoggerIsKept(t *testing.T) {
	disk := vfs.NewMem()
	c, end := opened(t, disk)
	r := created(t, c, spec("a"))
	must(t, r.ReportDelivery(Delivery{Logger: 1 << 63, Reported: noon, Counts: []uint64{1, 2, 3}}))
	must(t, r.ReportDelivery(Delivery{Logger: 7, Reported: noon, Counts: []uint64{1}}))
	must(t, r.ReportDelivery(Delivery{Logger: 7, Reported: noon.Add(time.Second), Counts: []uint64{5, 1 << 63}}))
	want := []Delivery{
		{7, noon.Add(time.Second), []uint64{5, 1 << 63}}, {1 << 63, noon, []uint64{1, 2, 3}},
	}
	if got := r.Deliveries(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	end()
	c, end = opened(t, disk)
	defer end()
	if got := found(t, c, "a").Deliveries(); !reflect.DeepEqual(got, want) || len(c.Faults()) > 0 {
		t.Errorf("%v, want %v; %v", got, want, c.Faults())
	}
}

func TestReportsOfTooManyLoggersAreRefused(t *testing.T) {
	c, end := opened(t, vfs.NewMem())
	defer end()
	r := created(t, c, spec("a"))
	for logger := range uint64(maxDeliveries) {
		r.keepDelivery(Delivery{Logger: logger})
	}
	if err := r.ReportDelivery(Delivery{Logger: maxDeliveries}); !errors.Is(err, ErrTooManyLoggers) {
		t.Errorf("got %v", err)
	}
	must(t, r.ReportDelivery(Delivery{Logger: 0}))
}
