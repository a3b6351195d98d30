package grudge

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	minutes = flag.Float64("minutes", 1, "for how long the analyst has his way")
	seed    = flag.Uint64("seed", 1, "what he does follows from it")
	// The documented limit is 5 seconds, on an otherwise idle machine; the tests of other
	// packages run beside this one.
	mostLate = flag.Duration("late", 30*time.Second, "how late a table may be")
)

// analysts is the number of concurrent analysts, changeInterval the time between two changes of
// a table, and widenInterval the time between two new columns.
const (
	analysts       = 4
	changeInterval = 100 * time.Millisecond
	widenInterval  = time.Second
)

// TestAnalystCannotStopTheStream checks that no table is late for more than mostLate, except
// for tables that have to change while the analyst holds them, and while he has exhausted a
// shared resource. In the end all changes are applied.
func TestAnalystCannotStopTheStream(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithTimeout(t.Context(), time.Duration(*minutes*float64(time.Minute)))
	defer stop()
	watching, endWatch := context.WithCancel(t.Context())
	defer endWatch()
	var working, watched sync.WaitGroup
	watched.Go(func() { w.lateness.watch(watching) })
	working.Go(func() { w.stream(ctx) })
	tally := newTally()
	for number := range analysts {
		a := &analyst{environment: w, number: number, random: rand.New(rand.NewPCG(*seed, uint64(number)))}
		working.Go(func() { a.run(ctx, tally) })
	}
	working.Wait()
	w.eventually("be up to date", w.upToDate)
	endWatch()
	watched.Wait()
	w.lateness.mu.Lock()
	defer w.lateness.mu.Unlock()
	t.Logf("at most %s late, %s where excused; %v", w.lateness.worst.Round(time.Millisecond), w.lateness.worstExcused.Round(time.Millisecond), tally.counts)
	for _, fault := range w.lateness.faults {
		t.Error(fault)
	}
	for _, line := range strings.Split(w.log.String(), "\n") {
		if strings.Contains(line, " UTC  ERROR:  ") || strings.Contains(line, " UTC  FATAL:  ") {
			t.Error(line)
		}
	}
	if t.Failed() {
		t.Log(w.log)
	}
}

// stream changes every table at intervals, and adds a column to a random one from time to time.
func (w *environment) stream(ctx context.Context) {
	random := rand.New(rand.NewPCG(*seed, 1000))
	tick, widen := time.NewTicker(changeInterval), time.NewTicker(widenInterval)
	defer tick.Stop()
	defer widen.Stop()
	for {
		select {
		case <-tick.C:
			for _, s := range w.sources {
				w.sendChange(s)
			}
		case <-widen.C:
			if err := w.sources[random.IntN(tables)].addColumn(); err != nil {
				w.t.Error(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// upToDate returns an error until every table has its last change, and the stream is active.
func (w *environment) upToDate() error {
	for _, s := range w.sources {
		var seq int64
		if err := w.db.Pool.QueryRow(w.t.Context(), "SELECT seq FROM library."+s.name).Scan(&seq); err != nil {
			return err
		}
		var versions int64
		if err := w.db.Pool.QueryRow(w.t.Context(), "SELECT count(*) FROM library."+s.name+"__").Scan(&versions); err != nil {
			return err
		}
		s.mu.Lock()
		want := s.seq
		s.mu.Unlock()
		if seq != want || versions != want {
			return fmt.Errorf("table %s is at %d with %d versions, want %d", s.name, seq, versions, want)
		}
	}
	if rows, err := w.tryCommand(w.t.Context(), "list status"); err != nil || rows[0][2] != "active" {
		return fmt.Errorf("status %v, %w", rows, err)
	}
	return nil
}

// run does one act after the other until ctx ends.
func (a *analyst) run(ctx context.Context, tally *tally) {
	var all []analystAct
	for _, one := range analystActs() {
		for range one.weight {
			all = append(all, one)
		}
	}
	for ctx.Err() == nil {
		one := all[a.random.IntN(len(all))]
		err := one.do(a, ctx)
		if ctx.Err() == nil {
			tally.add(one.name, err)
		}
		if errors.Is(err, context.Canceled) {
			return
		}
	}
}

// tally counts the acts, and those that failed.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func newTally() *tally { return &tally{counts: make(map[string]int)} }

func (c *tally) add(name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[name]++
	if err != nil {
		c.counts[name+" (refused)"]++
	}
}
