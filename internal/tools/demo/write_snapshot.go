package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"metadb/internal/testkit/testbed"
)

// watchableRate is a rate, in rows a second, at which a viewer can follow the snapshot.
const watchableRate = 1500

// writeSnapshot writes a snapshot of the library, with pace rows a second or, for 0, as fast as
// possible, and shows the number of rows that have been read from it, until the log reports that it
// is complete.
func (s *demoStage) writeSnapshot(ctx context.Context, what string, pace int) error {
	log, err := s.metadb.Log()
	if err != nil {
		return err
	}
	records, err := s.library.Snapshot(time.Now())
	if err != nil {
		return err
	}
	var failure error
	failed := func(err error) { failure = err }
	began, sent := time.Now(), 0
	bar := s.newProgressBar(what, len(records))
	err = testbed.Eventually(ctx, stepTimeout, what, func() error {
		due := len(records)
		if pace > 0 {
			due = min(due, int(time.Since(began).Seconds()*float64(pace)))
		}
		s.producer.Send(ctx, failed, records[sent:due]...)
		sent = due
		n, err := s.countApplied(ctx)
		if err != nil {
			return err
		}
		bar.drawProgress(n)
		if n < len(records) {
			return fmt.Errorf("%d of %d records have been read", n, len(records))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := errors.Join(s.producer.Flush(ctx), failure); err != nil {
		return err
	}
	return s.metadb.AwaitLog(ctx, stepTimeout, len(log), "snapshot complete")
}
