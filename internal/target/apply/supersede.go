package apply

import (
	"context"
	"fmt"
	"time"

	"metadb/internal/change"
)

// An event that is applied while an earlier record of its key is set aside
// overtakes that record: retried, the record must not become current. What is in
// the table does not always tell, since an event that equals what is current, or
// that deletes what is not there, leaves no trace. So the time is stored with the record.

// supersedeSQL stores when records were overtaken; supersedeByTruncateSQL those of a
// truncate's topic, in whichever partition.
const (
	supersedeSQL = `
		UPDATE metadb.rejected_event AS r SET later = e.at
			FROM unnest($2::text[], $3::int[], $4::bigint[], $5::timestamptz[]) AS e (topic, partition, "offset", at)
			WHERE r.source_name = $1 AND r.topic = e.topic AND r.partition = e.partition AND r."offset" = e."offset" AND r.later IS NULL`
	supersedeByTruncateSQL = `
		UPDATE metadb.rejected_event AS r SET later = first.at
			FROM (SELECT DISTINCT ON (r.id) r.id, e.at
					FROM unnest($2::text[], $3::int[], $4::bigint[], $5::timestamptz[]) AS e (topic, partition, "offset", at)
					JOIN metadb.rejected_event AS r ON r.topic = e.topic AND (r.partition <> e.partition OR r."offset" < e."offset")
						AND (r.event_time IS NULL OR r.event_time <= e.at)
					WHERE r.source_name = $1 AND r.later IS NULL
					ORDER BY r.id, e.at) AS first
			WHERE r.id = first.id`
)

// timedPositions are positions with a time each, as parameters of a statement.
type timedPositions struct {
	topics  []string
	parts   []int32
	offsets []int64
	times   []time.Time
}

func (p *timedPositions) addPosition(at change.Position, when change.Micros) {
	p.topics, p.parts = append(p.topics, at.Partition.Topic), append(p.parts, at.Partition.Number)
	p.offsets, p.times = append(p.offsets, at.Offset), append(p.times, timestamptz(when))
}

// supersedeRejected notes when the records were overtaken that the events of the batch overtake. It
// comes after those of the batch itself have been stored.
func (r *batchTx) supersedeRejected(ctx context.Context, events []change.Event) error {
	if len(r.rejectedKeys) == 0 && !r.sourceHasRejected {
		return nil
	}
	again := make(map[change.Position]bool, len(r.rejectedEvents))
	for _, rej := range r.rejectedEvents {
		again[rej.event.Position] = true
	}
	var overtaken, truncates timedPositions
	for i := range events {
		e := &events[i]
		switch {
		case again[e.Position]:
		case e.Op == change.Truncate:
			truncates.addPosition(e.Position, e.Time)
		case e.Op == change.Upsert || e.Op == change.Delete:
			for _, at := range r.rejectedKeys.takeSuperseded(e) {
				overtaken.addPosition(at, e.Time)
			}
		}
	}
	for sql, p := range map[string]*timedPositions{supersedeSQL: &overtaken, supersedeByTruncateSQL: &truncates} {
		if len(p.times) == 0 {
			continue
		}
		if _, err := r.tx.Exec(ctx, sql, r.batch.Source, p.topics, p.parts, p.offsets, p.times); err != nil {
			return fmt.Errorf("tell overtaken rejected events: %w", err)
		}
	}
	return nil
}
