package rejected

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// An event that is applied while an earlier record of its key is rejected supersedes that record:
// when retried, the record must not become current. The table does not always show that, since an
// event that equals the current row, or deletes a missing row, makes no version. So the time of the
// event is stored with the record.

// supersedeSQL stores when records were superseded, supersedeByTruncateSQL when a truncate
// superseded those of its topic, in any partition.
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

// timedPositions are positions with a time each, as statement parameters.
type timedPositions struct {
	topics  []string
	parts   []int32
	offsets []int64
	times   []time.Time
}

func (p *timedPositions) addPosition(at change.Position, when change.Micros) {
	p.topics, p.parts = append(p.topics, at.Partition.Topic), append(p.parts, at.Partition.Number)
	p.offsets, p.times = append(p.offsets, at.Offset), append(p.times, when.UTC())
}

// Supersede stores the time for each rejected record that events of the batch supersede. It
// runs after the batch's own rejected events have been stored.
func (s *Set) Supersede(ctx context.Context, tx pgx.Tx, events []change.Event) error {
	if len(s.keys) == 0 && !s.sourceHasRejected {
		return nil
	}
	again := make(map[change.Position]bool, len(s.Events))
	for _, rej := range s.Events {
		again[rej.Event.Position] = true
	}
	var overtaken, truncates timedPositions
	for i := range events {
		e := &events[i]
		switch {
		case again[e.Position]:
		case e.Op == change.Truncate:
			truncates.addPosition(e.Position, e.Time)
		case e.Op == change.Upsert || e.Op == change.Delete:
			for _, at := range s.keys.takeSuperseded(e) {
				overtaken.addPosition(at, e.Time)
			}
		}
	}
	for sql, p := range map[string]*timedPositions{supersedeSQL: &overtaken, supersedeByTruncateSQL: &truncates} {
		if len(p.times) == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, sql, s.source, p.topics, p.parts, p.offsets, p.times); err != nil {
			return fmt.Errorf("tell overtaken rejected events: %w", err)
		}
	}
	return nil
}
