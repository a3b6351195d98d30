package rejected

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// Event is an event that is to be stored in metadb.rejected_event.
type Event struct {
	Event *change.Event
	// Index is the event's index in the batch.
	Index  int
	kind   change.RejectKind
	reason string
	// Unconfirmed is set if in a resynchronization a row of the table may be at the source that
	// this event would have confirmed.
	Unconfirmed bool
}

// Set has the rejected events of a batch of a data source, and the earlier rejected records of
// its keys, which block some events and are superseded by others. It is the zero value for events that
// can't be rejected, those of transformed tables.
type Set struct {
	source string
	// Events are the rejected events of the batch, in the order in which they were rejected.
	Events []Event
	// keys are the keys of rejected records. sourceHasRejected is true if the source had rejected
	// records before this batch.
	keys              rejectedKeys
	sourceHasRejected bool
}

// NewSet returns the set of a batch of a data source.
func NewSet(source string) Set {
	return Set{source: source, keys: make(rejectedKeys)}
}

// Add adds a rejected event of the batch, with its index there. supersededAt is the time at which an
// event superseded it, or nil.
func (s *Set) Add(e *change.Event, index int, kind change.RejectKind, reason string, supersededAt *change.Micros) *Event {
	s.keys.addRejected(keyFormsOf(e), e.Position, supersededAt)
	s.Events = append(s.Events, Event{Event: e, Index: index, kind: kind, reason: reason})
	return &s.Events[len(s.Events)-1]
}

// HasKeys reports whether a key of the batch has rejected records, so that events may be blocked.
func (s *Set) HasKeys() bool { return len(s.keys) > 0 }

// BlockedBy returns the offset of the rejected record that blocks an event, and whether there is one.
// later is the time at which a retried event was superseded, or nil.
func (s *Set) BlockedBy(e *change.Event, later *change.Micros) (offset int64, blocked bool) {
	return s.keys.blockedBy(e, later)
}

// AddApplied adds an event that this transaction is about to apply.
func (s *Set) AddApplied(e *change.Event) { s.keys.addApplied(e) }

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

// Store stores the rejected events of the batch with their records.
func (s *Set) Store(ctx context.Context, tx pgx.Tx) error {
	for rest := s.Events; len(rest) > 0; {
		n := countForStatement(rest)
		if err := s.insertRejected(ctx, tx, rest[:n]); err != nil {
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
func countForStatement(rejects []Event) int {
	bytes := 0
	for i, rej := range rejects {
		bytes += len(rej.Event.Record.Key) + len(rej.Event.Record.Head) + len(rej.Event.Record.Tail)
		if i > 0 && (i == maxStatementEvents || bytes > maxStatementBytes) {
			return i
		}
	}
	return len(rejects)
}

func (s *Set) insertRejected(ctx context.Context, tx pgx.Tx, rejects []Event) error {
	n := len(rejects)
	topics, parts, offsets := make([]string, n), make([]int32, n), make([]int64, n)
	times, schemas, tables, reasons := make([]*time.Time, n), make([]string, n), make([]string, n), make([]string, n)
	keys, values, canonical := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	first, last := make([]int32, n), make([]int32, n)
	unconfirmed, kinds := make([]bool, n), make([]string, n)
	headers := [][]byte{}
	for i, rej := range rejects {
		e := rej.Event
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
		last[i], unconfirmed[i], kinds[i] = int32(len(headers)), rej.Unconfirmed, rej.kind.String()
	}
	_, err := tx.Exec(ctx, insertRejectedSQL, s.source, topics, parts, offsets, times, schemas, tables, reasons, keys, values, first, headers, last, unconfirmed, kinds, canonical)
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
