package checkpoint_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

var (
	first  = change.Partition{Topic: "library.patron", Number: 0}
	second = change.Partition{Topic: "library.patron", Number: 1}
)

func open(t *testing.T) *pgtest.DB {
	t.Helper()
	db := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	if err := metaschema.Ensure(t.Context(), conn, "test"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func advance(ctx context.Context, db *pgtest.DB, spans ...change.Span) error {
	return pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
		return checkpoint.Advance(ctx, tx, "sensor", "group", spans)
	})
}

func TestAdvanceAndLoad(t *testing.T) {
	ctx, db := t.Context(), open(t)
	a := change.PartitionProgress{Next: 10, HighLSN: 94041928, HighTime: 1795344080347172, TopicID: change.TopicID{1, 2, 3}}
	b := change.PartitionProgress{Next: 7, MaxNext: 7, SnapshotLSN: 5, SnapshotTime: 6}
	if err := advance(ctx, db, change.Span{Partition: first, Fresh: true, To: a}, change.Span{Partition: second, Fresh: true, To: b}); err != nil {
		t.Fatal(err)
	}
	c := change.PartitionProgress{
		Next: 12, MaxNext: 12, TopicID: a.TopicID, Restart: change.RestartPoint{Offset: 9, Place: "0/16B3748"},
		HighLSN: 94041999, HighTime: a.HighTime + 1, SnapshotLSN: 94042000, SnapshotTime: a.HighTime + 2,
		HighCommit: 94041990, TopLSN: 94041998, Forgotten: a.HighTime - 1,
		Transactions: []change.Transaction{{ID: 760, Time: a.HighTime, LSN: 94041998}, {ID: -1, Time: 5, LSN: 1 << 63}}, ForgottenTx: a.HighTime - 2,
		Recent: []change.RecentChange{{LSN: 94041998, Key: 1 << 63, Time: a.HighTime, New: true}, {LSN: 94041999, Key: 2, Time: a.HighTime + 1}},
	}
	if err := advance(ctx, db, change.Span{Partition: first, From: a, To: c}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		parts []change.Partition
		want  map[change.Partition]change.PartitionProgress
	}{
		"all":  {nil, map[change.Partition]change.PartitionProgress{first: c, second: b}},
		"some": {[]change.Partition{second, {Topic: "other"}}, map[change.Partition]change.PartitionProgress{second: b}},
		"none": {[]change.Partition{}, map[change.Partition]change.PartitionProgress{}},
	} {
		got, err := checkpoint.Load(ctx, db.Pool, "sensor", "group", test.parts)
		if err != nil || !maps.EqualFunc(got, test.want, sameMark) {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, test.want)
		}
	}
	if got, err := checkpoint.Load(ctx, db.Pool, "sensor", "another group", nil); err != nil || len(got) != 0 {
		t.Errorf("another group has its own positions: got %v, %v", got, err)
	}
}

func sameMark(a, b change.PartitionProgress) bool { return a.Equal(&b) }

// TestReached moves a position back: the highest offset of the topic stays stored, and is dropped
// with the topic.
func TestReached(t *testing.T) {
	ctx, db := t.Context(), open(t)
	old, renewed := change.TopicID{1}, change.TopicID{2}
	for _, step := range []struct {
		sql  string
		span change.Span
		want int64
	}{
		{"", change.Span{Partition: first, Fresh: true, To: change.PartitionProgress{Next: 10, TopicID: old}}, 10},
		{"UPDATE metadb.stream_position SET next_offset = 4", change.Span{}, 10},
		{"", change.Span{Partition: first, From: change.PartitionProgress{Next: 4}, To: change.PartitionProgress{Next: 6, TopicID: old}}, 10},
		{"", change.Span{Partition: first, From: change.PartitionProgress{Next: 6}, To: change.PartitionProgress{Next: 2, TopicID: renewed}}, 2},
	} {
		if _, err := db.Pool.Exec(ctx, step.sql); err != nil {
			t.Fatal(err)
		}
		if step.span.Partition == first {
			if err := advance(ctx, db, step.span); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := checkpoint.Load(ctx, db.Pool, "sensor", "group", nil); err != nil || got[first].MaxNext != step.want {
			t.Errorf("got %v, %v; want %d reached", got, err, step.want)
		}
	}
}

// TestFirstPositionIsDurable commits twice without waiting for the disk: only the commit of a first
// position waits.
func TestFirstPositionIsDurable(t *testing.T) {
	ctx, db := t.Context(), open(t)
	for _, step := range []struct {
		span change.Span
		want string
	}{
		{change.Span{Partition: first, Fresh: true, To: change.PartitionProgress{Next: 10}}, "on"},
		{change.Span{Partition: first, From: change.PartitionProgress{Next: 10}, To: change.PartitionProgress{Next: 11}}, "off"},
	} {
		err := pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
				return err
			}
			if err := checkpoint.Advance(ctx, tx, "sensor", "group", []change.Span{step.span}); err != nil {
				return err
			}
			var got string
			if err := tx.QueryRow(ctx, "SHOW synchronous_commit").Scan(&got); err != nil || got != step.want {
				t.Errorf("synchronous_commit is %s, %v; want %s", got, err, step.want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFence(t *testing.T) {
	ctx, db := t.Context(), open(t)
	at := func(next int64) change.PartitionProgress { return change.PartitionProgress{Next: next} }
	if err := advance(ctx, db, change.Span{Partition: first, Fresh: true, To: at(10)}); err != nil {
		t.Fatal(err)
	}
	for name, spans := range map[string][]change.Span{
		"behind":                  {{Partition: first, From: at(9), To: at(11)}},
		"ahead":                   {{Partition: first, From: at(11), To: at(12)}},
		"fresh where one is":      {{Partition: first, Fresh: true, To: at(11)}},
		"not fresh where none is": {{Partition: second, From: at(0), To: at(1)}},
		"one of two":              {{Partition: second, Fresh: true, To: at(1)}, {Partition: first, From: at(9), To: at(11)}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := advance(ctx, db, spans...); !errors.Is(err, checkpoint.ErrFenced) {
				t.Fatalf("got %v, want ErrFenced", err)
			}
			got, err := checkpoint.Load(ctx, db.Pool, "sensor", "group", nil)
			if err != nil || len(got) != 1 || got[first].Next != 10 {
				t.Errorf("positions moved: %v, %v", got, err)
			}
		})
	}
}
