package history

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/change"
)

// An event that is applied while an earlier record of its key is set aside
// overtakes that record: retried, the record must not become current. What is in
// the table does not always tell, since an event that equals what is current, or
// that deletes what is not there, leaves no trace. So the record is told.

// overtakers are events that were applied after a record that is set aside.
type overtakers struct {
	topics  []string
	parts   []int32
	keys    [][]byte
	offsets []int64
	times   []time.Time
}

func (o *overtakers) add(e *change.Event) {
	o.topics, o.parts = append(o.topics, e.Position.Partition.Topic), append(o.parts, e.Position.Partition.Number)
	o.keys, o.offsets = append(o.keys, e.Record.Key), append(o.offsets, e.Position.Offset)
	o.times = append(o.times, moment(e.Time))
}

// overtakeSQL tells the records of the same key, overtakeAllSQL those of a
// truncate's topic, in whichever partition.
const (
	overtakeSQL = `
		UPDATE metadb.rejected_event AS r SET later = first.at
			FROM (SELECT DISTINCT ON (r.id) r.id, e.at
					FROM unnest($2::text[], $3::int[], $4::bytea[], $5::bigint[], $6::timestamptz[]) AS e (topic, partition, key, "offset", at)
					JOIN metadb.rejected_event AS r ON r.key = e.key AND r.topic = e.topic AND r.partition = e.partition AND r."offset" < e."offset"
					WHERE r.source_name = $1 AND r.later IS NULL
					ORDER BY r.id, e."offset") AS first
			WHERE r.id = first.id`
	overtakeAllSQL = `
		UPDATE metadb.rejected_event AS r SET later = first.at
			FROM (SELECT DISTINCT ON (r.id) r.id, e.at
					FROM unnest($2::text[], $3::int[], $4::bytea[], $5::bigint[], $6::timestamptz[]) AS e (topic, partition, key, "offset", at)
					JOIN metadb.rejected_event AS r ON r.topic = e.topic AND (r.partition <> e.partition OR r."offset" < e."offset")
						AND (r.event_time IS NULL OR r.event_time <= e.at)
					WHERE r.source_name = $1 AND r.later IS NULL
					ORDER BY r.id, e.at) AS first
			WHERE r.id = first.id`
)

// tellOvertaken tells the records that the events of the batch overtake. It
// comes after those of the batch itself have been stored.
func (r *run) tellOvertaken(ctx context.Context, events []change.Event) error {
	if len(r.waits) == 0 && !r.anyRejected {
		return nil
	}
	aside := make(map[change.Position]bool, len(r.rejects))
	for _, rej := range r.rejects {
		aside[rej.event.Position] = true
	}
	var keyed, truncates overtakers
	for i := range events {
		e := &events[i]
		switch {
		case aside[e.Position]:
		case e.Op == change.Truncate:
			truncates.add(e)
		case (e.Op == change.Upsert || e.Op == change.Delete) && r.waits.precede(e):
			keyed.add(e)
		}
	}
	for sql, o := range map[string]*overtakers{overtakeSQL: &keyed, overtakeAllSQL: &truncates} {
		if len(o.times) == 0 {
			continue
		}
		if _, err := r.tx.Exec(ctx, sql, r.batch.Source, o.topics, o.parts, o.keys, o.offsets, o.times); err != nil {
			return fmt.Errorf("tell overtaken rejected events: %w", err)
		}
	}
	return nil
}
