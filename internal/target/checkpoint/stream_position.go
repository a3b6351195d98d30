package checkpoint

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// ErrFenced is the error for a stored position other than the one that the batch starts from:
// another process has applied events of the partition. The caller gives the batch up and reads the
// positions again.
var ErrFenced error = fencedError{}

type fencedError struct{}

func (fencedError) Error() string {
	return "somebody else applies this stream: the stored position is not the expected one"
}

// Fenced identifies the error to callers that do not import this package.
func (fencedError) Fenced() bool { return true }

// Querier is the interface that Load needs: a connection, pool or transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Load returns the progress of some partitions; partitions without a stored position are absent.
// Nil parts means all partitions of the source and group.
func Load(ctx context.Context, db Querier, source, group string, parts []change.Partition) (map[change.Partition]change.PartitionProgress, error) {
	rows, err := db.Query(ctx, `
		SELECT topic, partition, next_offset, high_lsn, high_time, snapshot_lsn, snapshot_time, greatest(reached, next_offset), topic_id,
				high_commit, top_lsn, recent, forgotten_time, transactions, forgotten_transaction_time,
				restart_offset, restart_place
			FROM metadb.stream_position
			WHERE source_name = $1 AND consumer_group = $2`, source, group)
	if err != nil {
		return nil, fmt.Errorf("load stream positions of %s: %w", source, err)
	}
	stored := make(map[change.Partition]change.PartitionProgress)
	var part change.Partition
	var next, lsn, snapshotLSN, reached, commit, top int64
	var high, snapshotHigh, forgotten, forgottenTx time.Time
	var id *[16]byte
	var recent, transactions []byte
	var restart change.RestartPoint
	_, err = pgx.ForEachRow(rows, []any{
		&part.Topic, &part.Number, &next, &lsn, &high, &snapshotLSN, &snapshotHigh, &reached, &id, &commit, &top, &recent, &forgotten,
		&transactions, &forgottenTx, &restart.Offset, &restart.Place,
	}, func() error {
		mark := change.PartitionProgress{
			Next: next, MaxNext: reached, Restart: restart,
			HighLSN: uint64(lsn), HighTime: change.Micros(high.UnixMicro()),
			SnapshotLSN: uint64(snapshotLSN), SnapshotTime: change.Micros(snapshotHigh.UnixMicro()),
			HighCommit: uint64(commit), TopLSN: uint64(top), Recent: readRecentChanges(recent), Forgotten: change.Micros(forgotten.UnixMicro()),
			Transactions: readTransactions(transactions), ForgottenTx: change.Micros(forgottenTx.UnixMicro()),
		}
		if id != nil {
			mark.TopicID = *id
		}
		stored[part] = mark
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load stream positions of %s: %w", source, err)
	}
	if parts == nil {
		return stored, nil
	}
	marks := make(map[change.Partition]change.PartitionProgress, len(parts))
	for _, part := range parts {
		if mark, ok := stored[part]; ok {
			marks[part] = mark
		}
	}
	return marks, nil
}

// The two statements of Advance, with a row for each span, as arrays.
const (
	spanColumns = `unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::uuid[],
			$8::bigint[], $9::timestamptz[], $10::bigint[], $11::timestamptz[], $12::bigint[], $13::bigint[], $14::bytea[], $15::timestamptz[],
			$16::bytea[], $17::timestamptz[], $18::bigint[], $19::text[])
		AS span (topic, partition, expected, next_offset, topic_id, high_lsn, high_time, snapshot_lsn, snapshot_time,
			high_commit, top_lsn, recent, forgotten_time, transactions, forgotten_transaction_time, restart_offset, restart_place)`

	advanceSQL = `
		UPDATE metadb.stream_position AS p
			SET next_offset = span.next_offset, high_lsn = span.high_lsn, high_time = span.high_time,
				snapshot_lsn = span.snapshot_lsn, snapshot_time = span.snapshot_time,
				high_commit = span.high_commit, top_lsn = span.top_lsn, recent = span.recent, forgotten_time = span.forgotten_time,
				transactions = span.transactions, forgotten_transaction_time = span.forgotten_transaction_time,
				restart_offset = span.restart_offset, restart_place = span.restart_place,
				reached = CASE WHEN p.topic_id IS NOT DISTINCT FROM span.topic_id
					THEN greatest(p.reached, p.next_offset, span.next_offset) ELSE span.next_offset END,
				topic_id = span.topic_id, updated_at = now()
			FROM ` + spanColumns + `
			WHERE p.source_name = $1 AND p.consumer_group = $2 AND p.topic = span.topic
				AND p.partition = span.partition AND p.next_offset = span.expected`

	insertFirstSQL = `
		INSERT INTO metadb.stream_position
				(source_name, consumer_group, topic, partition, next_offset, reached, topic_id,
					high_lsn, high_time, snapshot_lsn, snapshot_time, high_commit, top_lsn, recent, forgotten_time,
					transactions, forgotten_transaction_time, restart_offset, restart_place)
			SELECT $1, $2, span.topic, span.partition, span.next_offset, span.next_offset, span.topic_id,
				span.high_lsn, span.high_time, span.snapshot_lsn, span.snapshot_time,
				span.high_commit, span.top_lsn, span.recent, span.forgotten_time,
				span.transactions, span.forgotten_transaction_time, span.restart_offset, span.restart_place
			FROM ` + spanColumns + `
			ON CONFLICT DO NOTHING`
)

// Advance stores the progress at the ends of the spans, in tx. The error wraps ErrFenced if a span
// does not start at the stored position, or is fresh where a position is stored; the caller must
// then roll back.
func Advance(ctx context.Context, tx pgx.Tx, source, group string, spans []change.Span) error {
	var move, begin []change.Span
	for _, span := range spans {
		if span.Fresh {
			begin = append(begin, span)
		} else {
			move = append(move, span)
		}
	}
	if err := advance(ctx, tx, advanceSQL, source, group, move); err != nil {
		return err
	}
	if len(begin) == 0 {
		return nil
	}
	// A first position has to outlive a crash of the database: without it reading begins at Kafka's
	// group offsets, and records before them would be lost.
	if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = on"); err != nil {
		return fmt.Errorf("store first stream positions of %s: %w", source, err)
	}
	return advance(ctx, tx, insertFirstSQL, source, group, begin)
}

func advance(ctx context.Context, tx pgx.Tx, sql, source, group string, spans []change.Span) error {
	if len(spans) == 0 {
		return nil
	}
	n := len(spans)
	topics, parts := make([]string, n), make([]int32, n)
	expected, next, ids := make([]int64, n), make([]int64, n), make([]*[16]byte, n)
	lsns, times := make([]int64, n), make([]time.Time, n)
	snapshotLSNs, snapshotTimes := make([]int64, n), make([]time.Time, n)
	commits, tops, recent, forgotten := make([]int64, n), make([]int64, n), make([][]byte, n), make([]time.Time, n)
	transactions, forgottenTx := make([][]byte, n), make([]time.Time, n)
	restartOffsets, restartPlaces := make([]int64, n), make([]string, n)
	for i, span := range spans {
		topics[i], parts[i] = span.Partition.Topic, span.Partition.Number
		expected[i], next[i] = span.From.Next, span.To.Next
		lsns[i], times[i] = int64(span.To.HighLSN), span.To.HighTime.UTC()
		snapshotLSNs[i], snapshotTimes[i] = int64(span.To.SnapshotLSN), span.To.SnapshotTime.UTC()
		commits[i], tops[i] = int64(span.To.HighCommit), int64(span.To.TopLSN)
		recent[i], forgotten[i] = appendRecentChanges(nil, span.To.Recent), span.To.Forgotten.UTC()
		transactions[i], forgottenTx[i] = appendTransactions(nil, span.To.Transactions), span.To.ForgottenTx.UTC()
		restartOffsets[i], restartPlaces[i] = span.To.Restart.Offset, span.To.Restart.Place
		if span.To.TopicID != (change.TopicID{}) {
			id := [16]byte(span.To.TopicID)
			ids[i] = &id
		}
	}
	tag, err := tx.Exec(ctx, sql, source, group, topics, parts, expected, next, ids, lsns, times, snapshotLSNs, snapshotTimes,
		commits, tops, recent, forgotten, transactions, forgottenTx, restartOffsets, restartPlaces)
	if err != nil {
		return fmt.Errorf("store stream positions of %s: %w", source, err)
	}
	if tag.RowsAffected() != int64(n) {
		return fmt.Errorf("store stream positions of %s, %d of %d: %w", source, tag.RowsAffected(), n, ErrFenced)
	}
	return nil
}
