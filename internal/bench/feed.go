package bench

import (
	"context"
	"errors"
	"time"

	"metadb/internal/eventgen"
	"metadb/internal/rig"
)

// feed writes events to the broker.
type feed struct {
	generator *generator
	producer  *rig.Producer
	lsn       uint64
}

// snapshot writes rows 0 to n-1 to the topics of prefix; updates says how often
// each has been updated so far.
func (f *feed) snapshot(ctx context.Context, prefix string, n int, updates func(row int) int) error {
	f.lsn += 8
	now := time.Now()
	return f.write(ctx, instance(prefix), n, func(i int) eventgen.Change {
		c := eventgen.Change{Op: 'r', Row: f.generator.row(i, updates(i)), Time: now, LSN: f.lsn, Snapshot: "true"}
		switch i {
		case 0:
			c.Snapshot = "first"
		case n - 1:
			c.Snapshot = "last"
		}
		return c
	})
}

// updates writes n updates of the rows that order names, one after the other.
func (f *feed) updates(ctx context.Context, prefix string, n int, order func(i int) (row, updates int)) error {
	return f.write(ctx, instance(prefix), n, func(i int) eventgen.Change {
		f.lsn += 8
		row, updates := order(i)
		return eventgen.Change{Op: 'u', Row: f.generator.row(row, updates), Time: time.Now(), LSN: f.lsn}
	})
}

func (f *feed) write(ctx context.Context, table eventgen.Table, n int, next func(i int) eventgen.Change) error {
	encoder, err := eventgen.NewEncoder(table)
	if err != nil {
		return err
	}
	failures := make(chan error, 1)
	failed := func(err error) {
		select {
		case failures <- err:
		default:
		}
	}
	for i := range n {
		record, err := encoder.Encode(next(i))
		if err != nil {
			return err
		}
		f.producer.Send(ctx, failed, record)
	}
	if err := f.producer.Flush(ctx); err != nil {
		return err
	}
	select {
	case err := <-failures:
		return errors.Join(errors.New("write events to the broker"), err)
	default:
		return nil
	}
}
