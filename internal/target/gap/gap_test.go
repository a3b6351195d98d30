package gap_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/target/gap"
	"metadb/internal/target/metaschema"
	"metadb/internal/testkit/pgtest"
)

// database returns a database with the system schema.
func database(t *testing.T) *pgtest.DB {
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

func exec(t *testing.T, db *pgtest.DB, sql string) {
	t.Helper()
	if _, err := db.Pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// within runs a function in a transaction and commits.
func within(t *testing.T, db *pgtest.DB, do func(ctx context.Context, tx pgx.Tx) error) {
	t.Helper()
	if err := pgx.BeginFunc(t.Context(), db.Pool, func(tx pgx.Tx) error { return do(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// show returns the gaps of a source as text.
func show(t *testing.T, db *pgtest.DB, source string) string {
	t.Helper()
	gaps, err := gap.Load(t.Context(), db.Pool, source)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, g := range gaps {
		lines = append(lines, fmt.Sprintf("%s %d %s %v", g.Partition, g.Missing, g.Reason, g.Tables))
	}
	return strings.Join(lines, "; ")
}

func record(t *testing.T, db *pgtest.DB, topic string, missing int64, reason string) bool {
	t.Helper()
	news, err := gap.Record(t.Context(), db.Pool, "sensor", change.Gap{Partition: change.Partition{Topic: topic}, Missing: missing, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	return news
}

var (
	patron = change.Table{Schema: "library", Name: "patron"}
	loan   = change.Table{Schema: "library", Name: "loan"}
)

// TestRecord records a gap twice, which counts once, and another one of the partition, which is
// added.
func TestRecord(t *testing.T) {
	db := database(t)
	for i, test := range []struct {
		missing int64
		reason  string
		news    bool
		want    string
	}{
		{3, "lost", true, "a/0 3 lost []"},
		{3, "lost", false, "a/0 3 lost []"},
		{4, "gone", true, "a/0 7 gone []"},
	} {
		if news := record(t, db, "a", test.missing, test.reason); news != test.news {
			t.Errorf("%d: news %t, want %t", i, news, test.news)
		}
		if got := show(t, db, "sensor"); got != test.want {
			t.Errorf("%d: %s, want %s", i, got, test.want)
		}
	}
	add := func(ctx context.Context, tx pgx.Tx) error {
		return gap.Add(ctx, tx, "sensor", change.Gap{Partition: change.Partition{Topic: "a"}, Missing: 1, Reason: "gone"})
	}
	within(t, db, add)
	if got := show(t, db, "sensor"); got != "a/0 8 gone []" {
		t.Error(got)
	}
	within(t, db, func(ctx context.Context, tx pgx.Tx) error { return gap.Clear(ctx, tx, "other") })
	if got := show(t, db, "sensor"); got == "" {
		t.Error("the gap of another source is gone")
	}
	within(t, db, func(ctx context.Context, tx pgx.Tx) error { return gap.Clear(ctx, tx, "sensor") })
	if got := show(t, db, "sensor"); got != "" {
		t.Error(got)
	}
}

// TestClearTable removes a gap when every table of its topic has been read again, and records it
// again for later losses.
func TestClearTable(t *testing.T) {
	db := database(t)
	feeds := []gap.Feed{{Topic: "both", Table: patron}, {Topic: "both", Table: loan}, {Topic: "mine", Table: patron}}
	for range 2 {
		within(t, db, func(ctx context.Context, tx pgx.Tx) error { return gap.RecordFeeds(ctx, tx, "sensor", feeds) })
	}
	record(t, db, "both", 2, "lost")
	record(t, db, "mine", 1, "lost")
	record(t, db, "unknown", 1, "lost")
	clearTable := func(table change.Table, want string) {
		t.Helper()
		within(t, db, func(ctx context.Context, tx pgx.Tx) error { return gap.ClearTable(ctx, tx, "sensor", table) })
		if got := show(t, db, "sensor"); got != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
	clearTable(change.Table{Schema: "library", Name: "item"},
		"both/0 2 lost [library.loan library.patron]; mine/0 1 lost [library.patron]; unknown/0 1 lost []")
	clearTable(patron, "both/0 2 lost [library.loan]; unknown/0 1 lost []")
	clearTable(patron, "both/0 2 lost [library.loan]; unknown/0 1 lost []")
	record(t, db, "both", 1, "lost again")
	clearTable(loan, "unknown/0 1 lost []; both/0 3 lost again [library.patron]")
	clearTable(patron, "unknown/0 1 lost []")
}

// TestTopicOfBefore matches a topic without recorded tables by the name that Debezium gives it.
func TestTopicOfBefore(t *testing.T) {
	db := database(t)
	exec(t, db, `INSERT INTO metadb.table_feed (schema_name, table_name, origin, source_name, source_schema, source_table)
		VALUES ('library', 'patron', '', 'sensor', 'mod_library', 'patron group'), ('library', 'loan', '', 'sensor', 'mod_library', 'loan')`)
	record(t, db, "p.1.mod_library.patron_group", 1, "lost")
	if got := show(t, db, "sensor"); got != "p.1.mod_library.patron_group/0 1 lost [library.patron]" {
		t.Error(got)
	}
	within(t, db, func(ctx context.Context, tx pgx.Tx) error { return gap.ClearTable(ctx, tx, "sensor", patron) })
	if got := show(t, db, "sensor"); got != "" {
		t.Error(got)
	}
}
