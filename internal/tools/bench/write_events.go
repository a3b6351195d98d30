package bench

import (
	"context"
	"errors"
	"time"

	"metadb/internal/testkit/eventgen"
	"metadb/internal/testkit/testbed"
)

// eventFeed writes events to the broker.
type eventFeed struct {
	producer *testbed.Producer
	lsn      uint64
}

// writeSnapshot writes rows 0 to n-1 of some tables, one table after the other, as one attempt with one
// lsn.
func (f *eventFeed) writeSnapshot(ctx context.Context, n int, row func(i int) []any, tables ...eventgen.Table) error {
	f.lsn += 8
	now, all, written := time.Now(), n*len(tables), 0
	for _, table := range tables {
		err := f.writeChanges(ctx, table, n, func(i int) eventgen.Change {
			c := eventgen.Change{Op: 'r', Row: row(i), Time: now, LSN: f.lsn, Snapshot: "true"}
			switch written++; written {
			case 1:
				c.Snapshot = "first"
			case all:
				c.Snapshot = "last"
			}
			return c
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeChanges writes n changes of a table.
func (f *eventFeed) writeChanges(ctx context.Context, table eventgen.Table, n int, next func(i int) eventgen.Change) error {
	return f.writeInTurn(ctx, []eventgen.Table{table}, n, next)
}

// writeInTurn writes n changes of tables in turn, and a tombstone after each delete, as Debezium does.
func (f *eventFeed) writeInTurn(ctx context.Context, tables []eventgen.Table, n int, next func(i int) eventgen.Change) error {
	encoders := make([]*eventgen.Encoder, len(tables))
	for i, table := range tables {
		var err error
		if encoders[i], err = eventgen.NewEncoder(table); err != nil {
			return err
		}
	}
	failures := make(chan error, 1)
	failed := func(err error) {
		select {
		case failures <- err:
		default:
		}
	}
	for i := range n {
		change, encoder := next(i), encoders[i%len(encoders)]
		record, err := encoder.Encode(change)
		if err != nil {
			return err
		}
		f.producer.Send(ctx, failed, record)
		if change.Op == 'd' {
			if record, err = encoder.Tombstone(change); err != nil {
				return err
			}
			f.producer.Send(ctx, failed, record)
		}
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
