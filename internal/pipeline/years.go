package pipeline

import (
	"fmt"
	"slices"
	"time"

	"metadb/internal/change"
)

// Each year of a table's history is a partition. A transaction that makes or writes many of them
// takes many locks of PostgreSQL's table of locks, which all of its clients share: a batch has
// events of a few years of each table, and what follows is the next batch's.

// DefaultYears is of how many years a batch has events, at most, in one table.
const DefaultYears = 20

// failuresToNarrow is how many times a batch must have failed for want of locks before batches
// of fewer years are tried.
const failuresToNarrow = 3

// YearsError says that a batch with events of several years takes more locks than there are. It
// wraps ErrRestart: with Config.Years, which is lower, the stream may go on.
type YearsError struct {
	Years int
	err   error
}

func (e *YearsError) Error() string {
	return fmt.Sprintf("batches have events of %d years of a table at most from now on: %v", e.Years, e.err)
}

// Unwrap returns ErrRestart and what went wrong.
func (e *YearsError) Unwrap() []error { return []error{ErrRestart, e.err} }

// years are the years of a batch's events, by the tables of the source.
type years map[change.Table]*tableYears

// tableYears are the years of one table. The last one found goes from one time to another.
type tableYears struct {
	from, to change.Micros
	all      []int
}

// add notes the year of an event, unless there are as many as there may be. It reports whether
// the event may be added to the batch.
func (y *years) add(e *change.Event, most int) bool {
	switch e.Op {
	case change.Upsert, change.Delete, change.Truncate:
	case change.Ignore, change.Reject:
		return true
	}
	of := (*y)[e.Source]
	if of == nil {
		if *y == nil {
			*y = make(years)
		}
		of = &tableYears{}
		(*y)[e.Source] = of
	}
	if of.from <= e.Time && e.Time < of.to {
		return true
	}
	year := time.UnixMicro(int64(e.Time)).UTC().Year()
	if !slices.Contains(of.all, year) {
		if len(of.all) >= most {
			return false
		}
		of.all = append(of.all, year)
	}
	of.from = change.Micros(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	of.to = change.Micros(time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	return true
}

// most is the number of years of the table that has most.
func (y years) most() int {
	most := 0
	for _, of := range y {
		most = max(most, len(of.all))
	}
	return most
}

// narrowYears returns a YearsError where a batch of one topic has failed several times, and has
// events of several years. Nil says that the same batch is tried again.
func (b *batch) narrowYears(failure error) error {
	var found years
	for i := range b.Events {
		found.add(&b.Events[i], len(b.Events))
	}
	if b.shortOfLocks++; b.shortOfLocks < failuresToNarrow || found.most() < 2 {
		return nil
	}
	return &YearsError{Years: found.most() / 2, err: failure}
}
