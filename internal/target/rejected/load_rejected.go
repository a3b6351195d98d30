package rejected

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// readCursor is the position of the last event that was read.
type readCursor change.Position

// storedRecord is a rejected event as it is stored.
type storedRecord struct {
	change.Record
	id           int64
	position     change.Position
	supersededAt *change.Micros
	// attempts are the present attempts of the snapshots of the synchronizations under way
	// that the event is about: what one of them confirms is confirmed.
	attempts []change.Attempt
}

// confirmsRow reports whether the event confirms rows.
func (r *storedRecord) confirmsRow(e *change.Event) bool {
	return slices.ContainsFunc(r.attempts, func(a change.Attempt) bool { return a.Confirms(e) })
}

// Bounds of one piece, which is one transaction.
const (
	maxTransactionEvents = 500
	maxTransactionBytes  = 8 << 20
)

// nextRejectedSQL reads the next events. A resynchronization, of the data source or of one
// table, is confirmed by what came after it had begun, from the offsets on from
// which events confirm; an initial synchronization where ids of confirmed rows are kept.
const nextRejectedSQL = `
SELECT r.id, r.topic, r.partition, r."offset", r.key, r.value, r.headers, (extract(epoch FROM r.later) * 1000000)::bigint,
       a.positions, a.transactions, a.times
  FROM (SELECT *, row_number() OVER place AS number, sum(coalesce(octet_length(value), 0)) OVER place AS bytes
          FROM (SELECT * FROM metadb.rejected_event
                 WHERE source_name = $1 AND (topic, partition, "offset") > ($2, $3, $4)
                 ORDER BY topic, partition, "offset" LIMIT $5) AS next
        WINDOW place AS (ORDER BY topic, partition, "offset")) AS r
       CROSS JOIN LATERAL (
        SELECT array_agg(y.attempt_lsn) AS positions, array_agg(y.attempt_tx) AS transactions,
               array_agg((extract(epoch FROM y.attempt_time) * 1000000)::bigint) AS times
          FROM metadb.source AS s
               JOIN metadb.resync AS y ON y.source_name = s.name AND (y.table_name = '') = (s.sync <> 0)
               LEFT JOIN metadb.resync_from AS f ON f.source_name = y.source_name AND f.schema_name = y.schema_name
                    AND f.table_name = y.table_name AND f.topic = r.topic AND f.partition = r.partition
         WHERE s.name = r.source_name AND (s.sync <> 1 OR y.keeps_confirmed)
               AND (s.sync = 1 OR r.rejected_time >= y.started_at) AND r."offset" >= coalesce(f.next_offset, 0)
               AND (y.table_name = '' OR r.table_name IS NULL OR r.schema_name = y.schema_name AND r.table_name = y.table_name)) AS a
 WHERE r.number = 1 OR r.bytes <= $6
 ORDER BY r.topic, r.partition, r."offset"`

// loadRejected reads the events behind the cursor that one transaction takes.
func loadRejected(ctx context.Context, db DB, source string, after readCursor) ([]storedRecord, error) {
	rows, err := db.Query(ctx, nextRejectedSQL, source, after.Partition.Topic, after.Partition.Number, after.Offset, maxTransactionEvents, maxTransactionBytes)
	if err != nil {
		return nil, fmt.Errorf("read rejected events: %w", err)
	}
	records, err := pgx.CollectRows(rows, scanRejected)
	if err != nil {
		return nil, fmt.Errorf("read rejected events: %w", err)
	}
	return records, nil
}

func scanRejected(row pgx.CollectableRow) (storedRecord, error) {
	var rec storedRecord
	var headers [][]byte
	var positions, transactions, times []int64
	part := &rec.position.Partition
	err := row.Scan(&rec.id, &part.Topic, &part.Number, &rec.position.Offset, &rec.Key, &rec.Tail, &headers, &rec.supersededAt, &positions, &transactions, &times)
	for i := 0; i+1 < len(headers); i += 2 {
		rec.Headers = append(rec.Headers, change.Header{Name: string(headers[i]), Value: headers[i+1]})
	}
	for i := range positions {
		rec.attempts = append(rec.attempts, change.Attempt{LSN: uint64(positions[i]), Tx: transactions[i], Time: change.Micros(times[i])})
	}
	return rec, err
}
