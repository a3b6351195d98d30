package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestForget deallocates a named prepared command with SQL: the name is free afterwards, as at the
// database.
func TestForget(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	tests := []struct {
		query, tag string
		freed      bool
	}{
		{"deallocate a", "DEALLOCATE", true},
		{`/* x */ DEALLOCATE PREPARE "a";`, "DEALLOCATE", true},
		{"DEALLOCATE ALL", "DEALLOCATE ALL", true},
		{"discard all", "DISCARD ALL", true},
		{"deallocate b", "26000", false},
		{"discard plans", "DISCARD PLANS", false},
		{`deallocate "A"`, "26000", false},
		{"select 'deallocate all'", "SELECT 1", false},
	}
	for _, test := range tests {
		for name, send := range ways() {
			pg := p.connect().PgConn()
			if _, err := pg.Prepare(t.Context(), "a", "list status", nil); err != nil {
				t.Fatal(err)
			}
			if tag := send(t, pg, test.query); tag != test.tag {
				t.Errorf("%s, %s: %s, want %s", name, test.query, tag, test.tag)
			}
			want := "42P05"
			if test.freed {
				want = "26000"
			}
			// The command does not exist any more, and its name is free.
			if got := outcome(pg.ExecPrepared(t.Context(), "a", nil, nil, nil).Read()); test.freed && got != want || !test.freed && got != "SELECT 1" {
				t.Errorf("%s, after %s: %s", name, test.query, got)
			}
			_, err := pg.Prepare(t.Context(), "a", "list config", nil)
			if got := code(err); test.freed && got != "" || !test.freed && got != want {
				t.Errorf("%s, after %s: prepare: %v", name, test.query, err)
			}
		}
	}
}

// ways returns the ways to send a statement.
func ways() map[string]func(*testing.T, *pgconn.PgConn, string) string {
	return map[string]func(*testing.T, *pgconn.PgConn, string) string{
		"simple": func(t *testing.T, pg *pgconn.PgConn, sql string) string {
			results, err := pg.Exec(t.Context(), sql).ReadAll()
			if err != nil {
				return code(err)
			}
			return results[0].CommandTag.String()
		},
		"extended": func(t *testing.T, pg *pgconn.PgConn, sql string) string {
			return outcome(pg.ExecParams(t.Context(), sql, nil, nil, nil, nil).Read())
		},
	}
}

func outcome(result *pgconn.Result) string {
	if result.Err != nil {
		return code(result.Err)
	}
	return result.CommandTag.String()
}

// code returns an error's SQLSTATE, or its text if it is not PostgreSQL's.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// TestForgetInTransaction deallocates in a transaction block: DEALLOCATE takes effect at once and
// is not rolled back; DISCARD ALL is refused.
func TestForgetInTransaction(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	tests := []struct {
		queries, want []string
		freed         bool
	}{
		{[]string{"begin", "deallocate a", "select 1", "rollback"}, []string{"BEGIN", "DEALLOCATE", "SELECT 1", "ROLLBACK"}, true},
		{[]string{"begin", "deallocate all", "rollback"}, []string{"BEGIN", "DEALLOCATE ALL", "ROLLBACK"}, true},
		{[]string{"begin", "discard all", "rollback"}, []string{"BEGIN", "25001", "ROLLBACK"}, false},
		{[]string{"begin", "select 1/0", "deallocate a", "rollback"}, []string{"BEGIN", "22012", "25P02", "ROLLBACK"}, false},
		{[]string{"begin", "deallocate a", "deallocate a", "select 1", "rollback"}, []string{"BEGIN", "DEALLOCATE", "26000", "25P02", "ROLLBACK"}, true},
	}
	for _, test := range tests {
		for name, send := range ways() {
			pg := p.connect().PgConn()
			if _, err := pg.Prepare(t.Context(), "a", "list status", nil); err != nil {
				t.Fatal(err)
			}
			for i, sql := range test.queries {
				if got := send(t, pg, sql); got != test.want[i] {
					t.Errorf("%s, %q: %s: %s, want %s", name, test.queries, sql, got, test.want[i])
				}
			}
			if _, err := pg.Prepare(t.Context(), "a", "list config", nil); test.freed != (err == nil) {
				t.Errorf("%s, after %q: prepare: %v", name, test.queries, err)
			}
		}
	}
}

// TestForgetInPipeline deallocates a command and prepares it again before the answers are read.
func TestForgetInPipeline(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	pg := p.connect().PgConn()
	pipeline := pg.StartPipeline(t.Context())
	for _, again := range []string{"list config", "select 1"} {
		for _, forget := range []string{"deallocate all", "deallocate a"} {
			pipeline.SendPrepare("a", "list status", nil)
			pipeline.SendQueryParams(forget, nil, nil, nil, nil)
			pipeline.SendPrepare("a", again, nil)
			sendSync(t, pipeline)
			pipeline.SendQueryPrepared("a", nil, nil, nil)
			pipeline.SendQueryParams("deallocate a", nil, nil, nil, nil)
			pipeline.SendQueryPrepared("a", nil, nil, nil) // it does not exist any more
			sendSync(t, pipeline)
		}
	}
	var want []string
	for _, again := range []string{listConfig, "SELECT 1"} {
		for _, forget := range []string{"DEALLOCATE ALL", "DEALLOCATE"} {
			want = append(want, "prepared", forget, "prepared", "sync", again, "DEALLOCATE", "26000", "sync")
		}
	}
	if got := results(t, pipeline); got != strings.Join(want, " ") {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// TestTooManyPrepared exceeds the limits of named prepared commands: by number, and by length.
func TestTooManyPrepared(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	tests := []struct {
		query string
		most  int
	}{
		{"list status", 1000},
		{"list status /*" + strings.Repeat("x", 100_000) + "*/", 10},
	}
	for _, test := range tests {
		pg := p.connect().PgConn()
		for i := range test.most {
			if _, err := pg.Prepare(t.Context(), fmt.Sprintf("c%d", i), test.query, nil); err != nil {
				t.Fatalf("command %d: %v", i, err)
			}
		}
		_, err := pg.Prepare(t.Context(), "more", test.query, nil)
		var told *pgconn.PgError
		if !errors.As(err, &told) || told.Code != "54000" || told.Message != "too many commands are prepared by name in this session" {
			t.Errorf("one more: %v", err)
		}
		// Unnamed commands and SQL are not counted; and DEALLOCATE makes room.
		if got := outcome(pg.ExecParams(t.Context(), test.query, nil, nil, nil, nil).Read()); got != "SELECT 1" {
			t.Error(got)
		}
		if _, err := pg.Prepare(t.Context(), "sql", "select 1", nil); err != nil {
			t.Error(err)
		}
		if _, err := pg.Exec(t.Context(), "deallocate all").ReadAll(); err != nil {
			t.Error(err)
		}
		if _, err := pg.Prepare(t.Context(), "more", test.query, nil); err != nil {
			t.Error(err)
		}
	}
}

// TestTooManyPortals binds a command repeatedly, without a Sync.
func TestTooManyPortals(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn, frontend := p.raw(t)
	defer func() { _ = conn.Close() }()
	frontend.Send(&parse{Query: "list status"})
	for i := range 1001 {
		frontend.Send(&bind{DestinationPortal: fmt.Sprintf("p%d", i)})
	}
	frontend.Send(&syncing{})
	if err := frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	if code := awaitReady(t, frontend); code != "54000" {
		t.Error(code)
	}
}
