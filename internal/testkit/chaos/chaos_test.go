package chaos

import (
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/testbed"
)

var (
	seed    = flag.Uint64("seed", 0, "torture with this seed; 0 runs the short fixed ones")
	minutes = flag.Float64("minutes", 1, "how long to torture")
	kills   = flag.Int("kills", 0, "torture until the server has been killed so often, however long it takes")
	only    = flag.String("only", "", "inflict only these torments, separated by commas")
	// With more than one, others are added too.
	partitions = flag.Int("partitions", 0, "how many partitions each topic has; 0 is 1 to 3, by the seed")
)

// quietTime limits the time in which everything has to recover after the last fault.
const quietTime = pace.Hang

// faultsEachRound is the number of faults in a round.
const faultsEachRound = 12

// TestTorture injects faults in rounds; after each round the tables must be equal to the
// oracle's.
func TestTorture(t *testing.T) {
	seeds := []uint64{1, 2, 3}
	if *seed != 0 {
		seeds = []uint64{*seed}
	}
	for _, one := range seeds {
		t.Run(fmt.Sprint("seed ", one), func(t *testing.T) {
			w, began := newEnvironment(t, one), time.Now()
			for round := 1; ; round++ {
				w.runRound()
				t.Logf("round %d is right after %d kills in %s: %v", round, w.kills, time.Since(began).Round(time.Second), w.counts)
				switch {
				case *kills > 0 && w.kills < *kills:
				case *kills == 0 && *seed != 0 && time.Since(began).Minutes() < *minutes:
				default:
					w.divide()
					return
				}
				w.source.next()
			}
		})
	}
}

// divide writes changes, if the server is eager, until it has applied tables in parallel: a few
// seconds of a delayed stream may not contain a batch with several tables.
func (w *environment) divide() {
	w.t.Helper()
	if !w.eager || w.sessions > 1 {
		return
	}
	err := testbed.Eventually(w.t.Context(), quietTime, "apply tables side by side", func() error {
		w.write(w.source.changes(50))
		w.producer.flush()
		if w.awaitProgress(); w.sessions < 2 {
			return errors.New("one session applies all tables")
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.check()
}

// runRound makes changes, injects faults, and compares.
func (w *environment) runRound() {
	w.t.Helper()
	w.trail = nil
	w.changeUnderFaults(faultsEachRound)
	if w.random.IntN(2) == 0 {
		w.resync()
		w.changeUnderFaults(faultsEachRound / 4)
	}
	w.check()
}
