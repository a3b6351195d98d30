package torture

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	seed    = flag.Uint64("seed", 0, "torture with this seed; 0 runs the short fixed ones")
	minutes = flag.Float64("minutes", 1, "how long to torture")
	kills   = flag.Int("kills", 0, "torture until the server has been killed so often, however long it takes")
	only    = flag.String("only", "", "inflict only these torments, separated by commas")
	// With more than one, others are added too.
	partitions = flag.Int("partitions", 0, "how many partitions each topic has; 0 is 1 to 3, by the seed")
)

// quiet is how long everything may take to come right when it is left alone.
const quiet = time.Minute

// torments is how many there are in a round.
const torments = 12

// TestTorture inflicts torments in rounds; after each round all must be as the
// oracle says.
func TestTorture(t *testing.T) {
	seeds := []uint64{1, 2, 3}
	if *seed != 0 {
		seeds = []uint64{*seed}
	}
	for _, one := range seeds {
		t.Run(fmt.Sprint("seed ", one), func(t *testing.T) {
			w, began := newWorld(t, one), time.Now()
			defer func() {
				// Some seconds of a delayed stream may have no batch that is worth it.
				if *seed != 0 && w.eager && w.sessions < 2 {
					t.Error("no tables were applied side by side")
				}
			}()
			for round := 1; ; round++ {
				w.round()
				t.Logf("round %d is right after %d kills in %s: %v", round, w.kills, time.Since(began).Round(time.Second), w.counts)
				switch {
				case *kills > 0 && w.kills < *kills:
				case *kills == 0 && *seed != 0 && time.Since(began).Minutes() < *minutes:
				default:
					return
				}
				w.source.next()
			}
		})
	}
}

// round lets changes and torments happen, and compares.
func (w *world) round() {
	w.t.Helper()
	w.trail = nil
	w.spoil(torments)
	if w.random.IntN(2) == 0 {
		w.resync()
		w.spoil(torments / 4)
	}
	w.check()
}
