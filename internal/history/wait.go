package history

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// An event that lacks values takes those of the version before it. If a record
// of its key has been set aside, that version may be missing, and the values
// would be those of an older one: the event waits behind the record, set aside
// too, until both are retried (SPEC 8).

// recordKey is the key of a record in its partition.
type recordKey struct {
	part change.Partition
	key  string
}

// waits has the keys of which records were set aside, with the offset of the
// first.
type waits map[recordKey]int64

// add notes that the record of an event was set aside.
func (w waits) add(e *change.Event) {
	if e.Record.Key == nil {
		return
	}
	at := recordKey{e.Position.Partition, string(e.Record.Key)}
	if first, known := w[at]; !known || e.Position.Offset < first {
		w[at] = e.Position.Offset
	}
}

// behind returns the offset that an event waits for, if it does.
func (w waits) behind(e *change.Event) (offset int64, waiting bool) {
	if e.Op != change.Upsert || !e.Row.HasUnavailable() {
		return 0, false
	}
	first, known := w[recordKey{e.Position.Partition, string(e.Record.Key)}]
	return first, known && first < e.Position.Offset
}

// precede reports whether a record of the event's key was set aside before it.
func (w waits) precede(e *change.Event) bool {
	if e.Record.Key == nil {
		return false
	}
	first, known := w[recordKey{e.Position.Partition, string(e.Record.Key)}]
	return known && first < e.Position.Offset
}

// loadWaits finds the records of the batch's keys that were set aside before:
// some of its events have to wait for them, and all others overtake them. Nearly
// always none has ever been. Those that are tried again do not count.
func (r *run) loadWaits(ctx context.Context) error {
	r.waits = make(waits)
	err := r.tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM metadb.rejected_event WHERE source_name = $1)", r.batch.Source).Scan(&r.anyRejected)
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	if !r.anyRejected {
		return nil
	}
	var keys [][]byte
	for i := range r.batch.Events {
		if e := &r.batch.Events[i]; e.Record.Key != nil && (e.Op == change.Upsert || e.Op == change.Delete) {
			keys = append(keys, e.Record.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	rows, err := r.tx.Query(ctx, `
		SELECT DISTINCT r.topic, r.partition, r.key, r."offset"
			FROM unnest($2::bytea[]) AS wanted (key) JOIN metadb.rejected_event AS r ON r.key = wanted.key
			WHERE r.source_name = $1 AND r.id <> ALL ($3)`, r.batch.Source, keys, r.retriedIDs())
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	var e change.Event
	_, err = pgx.ForEachRow(rows, []any{&e.Position.Partition.Topic, &e.Position.Partition.Number, &e.Record.Key, &e.Position.Offset}, func() error {
		r.waits.add(&e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	return nil
}

// holdBack sets the events of a chunk aside that have to wait, and returns the
// others.
func (r *run) holdBack(c *chunk) *chunk {
	if len(r.waits) == 0 || c.truncate {
		return c
	}
	kept := *c
	kept.events = make([]int, 0, len(c.events))
	for _, i := range c.events {
		e := &r.batch.Events[i]
		offset, waiting := r.waits.behind(e)
		if !waiting {
			kept.events = append(kept.events, i)
			continue
		}
		r.outcome.Applied--
		r.reject(i, "waits for offset "+strconv.FormatInt(offset, 10)).unconfirmed = e.Confirm
		if e.Confirm {
			r.keyed = append(r.keyed, len(r.rejects)-1)
		}
	}
	return &kept
}
