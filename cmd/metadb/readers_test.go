package main

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestReadersDuringEndsync reads while "endsync data source" ends a tenth of 50,000 rows, in one
// case in a transaction that stays open. No reader waits longer than a second for a lock, and
// each statement sees either all or no rows of a table ended.
func TestReadersDuringEndsync(t *testing.T) {
	const tables, rows = 2, 50_000
	l, step := newLostStream(t)
	s := unconfirmed(t, step, l.producer, tables, rows)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	patient := reader(t, step)
	if _, err := patient.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ"); err != nil {
		t.Fatal(err)
	}
	const all, none = int64(rows / gone), int64(0)
	before := readShelves(ctx, t, s, patient)
	var work sync.WaitGroup
	halves := make([]map[half]int, 3)
	longest := make([]time.Duration, len(halves))
	for i := range halves {
		halves[i] = make(map[half]int)
		conn := reader(t, step)
		work.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				seen, err := readAs(ctx, s, conn, i)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				longest[i] = max(longest[i], time.Since(began))
				for _, h := range seen {
					halves[i][h]++
				}
			}
		})
	}
	step.expect("endsync data source sensor",
		"library.shelf_00 50000 45000 5000\nlibrary.shelf_01 50000 45000 5000")
	if again := readShelves(ctx, t, s, patient); again != before {
		t.Errorf("a transaction saw %s, then %s", before, again)
	}
	after := reader(t, step)
	if got, want := readShelves(ctx, t, s, after), fmt.Sprint([]half{{none, all}, {none, all}}); got != want {
		t.Errorf("in the end: %s, want %s", got, want)
	}
	cancel()
	work.Wait()
	for i := range halves {
		t.Logf("reader %d saw %v, and waited for %s at most", i, halves[i], longest[i].Round(time.Millisecond))
		for seen := range halves[i] {
			if seen != (half{all, none}) && seen != (half{none, all}) {
				t.Errorf("reader %d saw a table half-ended: %+v", i, seen)
			}
		}
		if halves[i][half{all, none}] == 0 {
			t.Errorf("reader %d has read nothing before", i)
		}
	}
	step.stop()
}

// reader connects with a lock timeout of one second.
func reader(t *testing.T, step *steps) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), step.db.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), "SET lock_timeout = '1s'"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// readAs reads in one of three ways: all tables at once, single rows by key, or the current rows
// only. If only current rows are read, the number of ended rows is derived from theirs.
func readAs(ctx context.Context, s *shelves, conn *pgx.Conn, way int) ([]half, error) {
	all := int64(50_000 / gone)
	sql := fmt.Sprintf("SELECT count(*) - $2 FROM %s WHERE title <> $1", shelfName(1))
	args := []any{"none", int64(45_000)}
	switch way {
	case 0:
		return s.look(ctx, conn)
	case 1:
		// The first and the last deleted row end together.
		sql = fmt.Sprintf("SELECT count(*) * $2 FROM %s WHERE id IN (0, 49990) AND title <> $1", shelfName(1))
		args[1] = all / 2
	}
	var current int64
	err := conn.QueryRow(ctx, sql, args...).Scan(&current)
	return []half{{current, all - current}}, err
}

func readShelves(ctx context.Context, t *testing.T, s *shelves, conn *pgx.Conn) string {
	t.Helper()
	seen, err := s.look(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(seen)
}
