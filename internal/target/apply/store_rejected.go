package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"metadb/internal/change"
)

// maxRejectionsLogged is the number of rejections of a batch that are reported for the log. All of
// them are stored.
const maxRejectionsLogged = 5

// rejectedEvent is an event that is to be stored in metadb.rejected_event.
type rejectedEvent struct {
	event *change.Event
	// index is the event's index in the batch.
	index  int
	kind   change.RejectKind
	reason string
	// unconfirmed is set if in a resynchronization a row of the table may be at the source that
	// this event would have confirmed.
	unconfirmed bool
}

// rejectEvent notes that an event of the batch is rejected, and the reason.
func (r *batchTx) rejectEvent(event int, kind change.RejectKind, reason string) *rejectedEvent {
	e := &r.batch.Events[event]
	r.outcome.Rejected++
	r.outcome.ByReason[kind]++
	if len(r.outcome.Rejections) < maxRejectionsLogged {
		r.outcome.Rejections = append(r.outcome.Rejections, change.Rejection{Position: e.Position, Table: e.Table, Kind: kind, Reason: reason})
	}
	r.rejectedKeys.addRejected(keyFormsOf(e), e.Position, r.supersededAt(e))
	r.rejectedEvents = append(r.rejectedEvents, rejectedEvent{event: e, index: event, kind: kind, reason: reason})
	return &r.rejectedEvents[len(r.rejectedEvents)-1]
}

// insertRejectedSQL stores rejected events. The headers of all events are one array, of which each
// event takes its slice. An event that is read again is stored once.
const insertRejectedSQL = `
	INSERT INTO metadb.rejected_event
			(source_name, topic, partition, "offset", event_time, schema_name, table_name, reason, key, value, headers, unconfirmed, kind, canonical_key)
		SELECT $1, e.topic, e.partition, e."offset", e.event_time, nullif(e.schema_name, ''), nullif(e.table_name, ''), e.reason,
				e.key, e.value, ($12::bytea[])[e.first:e.last], e.unconfirmed, e.kind, e.canonical_key
			FROM unnest($2::text[], $3::int[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[],
				$11::int[], $13::int[], $14::boolean[], $15::text[], $16::bytea[])
				AS e (topic, partition, "offset", event_time, schema_name, table_name, reason, key, value, first, last, unconfirmed, kind, canonical_key)
		ON CONFLICT (source_name, topic, partition, "offset") DO NOTHING`

// storeRejected stores the rejected events of the batch with their records.
func (r *batchTx) storeRejected(ctx context.Context) error {
	for rest := r.rejectedEvents; len(rest) > 0; {
		n := countForStatement(rest)
		if err := r.insertRejected(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// Limits of one statement that stores rejected events: it holds them several times in memory, and
// the slice of an event's headers is found from the beginning of the array.
const (
	maxStatementEvents = 200
	maxStatementBytes  = 1 << 20
)

// countForStatement returns the number of rejected events that one statement stores.
func countForStatement(rejects []rejectedEvent) int {
	bytes := 0
	for i, rej := range rejects {
		bytes += len(rej.event.Record.Key) + len(rej.event.Record.Head) + len(rej.event.Record.Tail)
		if i > 0 && (i == maxStatementEvents || bytes > maxStatementBytes) {
			return i
		}
	}
	return len(rejects)
}

func (r *batchTx) insertRejected(ctx context.Context, rejects []rejectedEvent) error {
	n := len(rejects)
	topics, parts, offsets := make([]string, n), make([]int32, n), make([]int64, n)
	times, schemas, tables, reasons := make([]*time.Time, n), make([]string, n), make([]string, n), make([]string, n)
	keys, values, canonical := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	first, last := make([]int32, n), make([]int32, n)
	unconfirmed, kinds := make([]bool, n), make([]string, n)
	headers := [][]byte{}
	for i, rej := range rejects {
		e := rej.event
		topics[i], parts[i], offsets[i] = e.Position.Partition.Topic, e.Position.Partition.Number, e.Position.Offset
		if e.Time != 0 {
			at := e.Time.UTC()
			times[i] = &at
		}
		schemas[i], tables[i], reasons[i] = e.Table.Schema, e.Table.Name, storableReason(rej.reason)
		keys[i], values[i], canonical[i] = e.Record.Key, e.Record.Value(), canonicalKey(e)
		first[i] = int32(len(headers) + 1)
		for _, h := range e.Record.Headers {
			headers = append(headers, []byte(h.Name), h.Value)
		}
		last[i], unconfirmed[i], kinds[i] = int32(len(headers)), rej.unconfirmed, rej.kind.String()
	}
	_, err := r.tx.Exec(ctx, insertRejectedSQL, r.batch.Source, topics, parts, offsets, times, schemas, tables, reasons, keys, values, first, headers, last, unconfirmed, kinds, canonical)
	if err != nil {
		return fmt.Errorf("store rejected events: %w", err)
	}
	return nil
}

// storableReason returns a reason in a form that PostgreSQL can store: it may quote any bytes of
// the record.
func storableReason(reason string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(reason, "\uFFFD"), "\x00", "\uFFFD")
}
