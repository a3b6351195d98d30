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

// storedRecord is a rejected event as stored.
type storedRecord struct {
	change.Record
	id           int64
	position     change.Position
	supersededAt *change.Micros
	// attempts are the present attempts of the snapshots that concern the event, in the current
	// synchronizations. The event confirms its row if one of them does (Attempt.Confirms).
	attempts []change.Attempt
}

// confirmsRow reports whether the event confirms its row.
func (r *storedRecord) confirmsRow(e *change.Event) bool {
	return slices.ContainsFunc(r.attempts, func(a change.Attempt) bool { return a.Confirms(e) })
}

// Limits of one transaction, in events and in bytes of their values. A single larger event is still
// read.
const (
	maxTransactionEvents = 500
	maxTransactionBytes  = 8 << 20
)

// nextRejectedSQL reads the next events, each with the attempts of the synchronizations that it can
// confirm rows for. For a resynchronization, of the source or of one table, it must have been
// rejected after the beginning and have an offset from which on events confirm; an initial
// synchronization must keep the ids of confirmed rows.
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

// loadRejected reads the events of the next transaction after the cursor.
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
