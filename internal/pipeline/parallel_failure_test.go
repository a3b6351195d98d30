package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"metadb/internal/change"
)

// TestShareFails expects a failed share to be retried alone, without its applied parts, and
// batches not to be divided for a while.
func TestShareFails(t *testing.T) {
	for name, failing := range map[string]int{"the first": 0, "the second": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startTwo(t, nil)
				s.both(0)
				answers := make([]error, 2)
				answers[failing] = errors.New("deadlock detected")
				shares := make([]*change.Batch, 2)
				shares[0], shares[1] = s.shares()
				s.answer(answers[0])
				s.second.answers <- answers[1]
				if again := s.batch(); again != shares[failing] {
					t.Errorf("tried again is %v", offsets(again))
				}
				if done := s.acked(t); done[shares[1-failing].Spans[0].Partition] != 1 || len(done) != 1 {
					t.Errorf("acknowledged is %v", done)
				}
				s.answer(nil)
				synctest.Wait()
				if done := s.acked(t); done[part0] != 1 || done[loanPart0] != 1 {
					t.Errorf("acknowledged is %v", done)
				}
				if len(s.reporter.failures) > 0 {
					t.Errorf("reported %v", <-s.reporter.failures)
				}
				if want := `source \"sensor\": tables are applied one after the other for a while: deadlock detected`; strings.Count(s.log.String(), want) != 1 {
					t.Errorf("the log is %s", s.log)
				}
				s.both(1)
				wantOffsets(t, s.batch(), map[change.Partition][]int64{part0: {1}, loanPart0: {1}})
				s.answer(nil)
				<-time.After(serialPause)
				s.both(2)
				s.shares()
				s.answer(nil)
				s.second.answers <- nil
			})
		})
	}
}

// TestStuckTableOfAShare expects a table that can't be changed to be parked after the usual
// number of tries, and the other share to be applied. The other share may have held a lock:
// it is tried once more.
func TestStuckTableOfAShare(t *testing.T) {
	for code, again := range map[string]int{"0A000": maxTableFailures - 1, "55P03": 1} {
		t.Run(code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startTwo(t, func(c *Config) { c.LongestPause = time.Hour })
				s.both(0)
				_, stuck := s.shares()
				s.answer(nil)
				failure := stuckError{loan, code}
				s.second.answers <- failure
				for range again {
					if s.batch() != stuck {
						t.Fatal("another batch came")
					}
					s.answer(failure)
				}
				s.both(1)
				wantOffsets(t, s.batch(), map[change.Partition][]int64{part0: {1}})
				s.answer(nil)
				synctest.Wait()
				if done := s.acked(t); done[part0] != 2 || done[loanPart0] != 0 {
					t.Errorf("acknowledged is %v", done)
				}
				// It waits until the cause is removed, and catches up then.
				wantOffsets(t, s.batch(), map[change.Partition][]int64{loanPart0: {0, 1}})
				s.answer(nil)
				synctest.Wait()
				if done := s.acked(t); done[part0] != 2 || done[loanPart0] != 2 {
					t.Errorf("acknowledged is %v", done)
				}
			})
		})
	}
}

// TestFenceOnAShare expects the stream to restart if the fence rejects the positions of one
// share, and the outcome of the other share to be reported.
func TestFenceOnAShare(t *testing.T) {
	s := startTwo(t, nil)
	s.both(0)
	s.shares()
	s.answer(nil)
	s.second.answers <- movedError{errors.New("fenced")}
	if err := s.wait(); !errors.Is(err, ErrRestart) {
		t.Errorf("the run ended with %v", err)
	}
	if done := s.acked(t); done[part0] != 1 || done[loanPart0] != 0 {
		t.Errorf("acknowledged is %v", done)
	}
}

// TestStopWhileSharesAreApplied: the run ends when both have.
func TestStopWhileSharesAreApplied(t *testing.T) {
	s := startTwo(t, nil)
	s.both(0)
	s.shares()
	if err := s.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
	if done := s.acked(t); len(done) != 0 {
		t.Errorf("acknowledged is %v", done)
	}
}
