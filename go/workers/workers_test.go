package workers

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachDoesAllOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 1000} {
		done := make([]atomic.Int32, n)
		busy := make([]sync.Mutex, 3)
		err := Each(3, n, func(worker, i int) error {
			if !busy[worker].TryLock() {
				t.Errorf("worker %d does two things at a time", worker)
			}
			defer busy[worker].Unlock()
			done[i].Add(1)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range done {
			if times := done[i].Load(); times != 1 {
				t.Fatalf("thing %d of %d was done %d times", i, n, times)
			}
		}
	}
}

func TestEachStopsAWorkerThatFails(t *testing.T) {
	fault, did := errors.New("broken"), 0
	err := Each(1, 10, func(_, i int) error {
		if did++; i == 3 {
			return fault
		}
		return nil
	})
	if !errors.Is(err, fault) || did != 4 {
		t.Fatalf("%v after %d things, want %v after 4", err, did, fault)
	}
}

func TestPartsCoverAllInOrder(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 1000} {
		parts := min(3, n)
		ends := make([]int, parts+1)
		err := Parts(3, n, func(part, from, to int) error {
			if from >= to {
				t.Errorf("part %d of %d things is from %d to %d", part, n, from, to)
			}
			ends[part+1] = to
			return nil
		})
		if err != nil || ends[parts] != n || !slices.IsSorted(ends) {
			t.Fatalf("%d things end at %v, %v", n, ends, err)
		}
	}
}

func TestPartsGiveTheErrorOfTheFirst(t *testing.T) {
	faults := []error{nil, errors.New("second"), errors.New("third")}
	if err := Parts(3, 3, func(part, _, _ int) error { return faults[part] }); !errors.Is(err, faults[1]) {
		t.Fatalf("%v, want %v", err, faults[1])
	}
}

func TestFewThingsAreOnePart(t *testing.T) {
	if PartsOf(0, 64) != 0 || PartsOf(64, 64) != 1 || PartsOf(1<<20, 1) != Count() {
		t.Fatalf("%d, %d, %d parts", PartsOf(0, 64), PartsOf(64, 64), PartsOf(1<<20, 1))
	}
}
