package wire_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// modes returns pgx's modes of sending a query.
func modes() []pgx.QueryExecMode {
	return []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec,
		pgx.QueryExecModeSimpleProtocol,
	}
}

// TestModes runs commands and SQL in turn, in every mode of pgx.
func TestModes(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn := p.connect()
	for _, mode := range modes() {
		for range 2 {
			rows, err := conn.Query(t.Context(), "list status", mode)
			if err != nil {
				t.Fatal(mode, err)
			}
			names := make([]string, 0, 9)
			for _, field := range rows.FieldDescriptions() {
				names = append(names, field.Name)
			}
			got, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
			if err != nil {
				t.Fatal(mode, err)
			}
			if slices.Index(names, "last_event_time") != 5 {
				t.Errorf("%s: columns %v", mode, names)
			}
			if got[4] != int64(7) || !got[5].(time.Time).Equal(time.Date(2026, 11, 22, 6, 1, 54, 120e6, time.UTC)) || got[8] != nil {
				t.Errorf("%s: row %v", mode, got)
			}
			var sum int
			if err := conn.QueryRow(t.Context(), "select 1 + $1::int", mode, 2).Scan(&sum); err != nil || sum != 3 {
				t.Errorf("%s: 1 + 2 = %d, %v", mode, sum, err)
			}
			rows, err = conn.Query(t.Context(), "alter system set kafka_sync_concurrency = '2'", mode)
			if err != nil {
				t.Fatal(err)
			}
			rows.Close()
			if tag := rows.CommandTag(); tag.String() != "ALTER SYSTEM" {
				t.Errorf("%s: tag %s, %v", mode, tag, rows.Err())
			}
		}
	}
}

// TestErrorsInEveryMode checks that a session works after a failed command, and that the error has
// all fields.
func TestErrorsInEveryMode(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn := p.connect()
	tests := []struct{ query, code, hint string }{
		{"list sttus", "42601", `did you mean "status"?`},
		{"drop data source nope", "42704", ""},
		{"create data origin x; list status", "42601", ""},
		{"select 1/0", "22012", ""},
		{"refresh inferred column types", "0A000", ""},
	}
	for _, mode := range modes()[:4] {
		for _, test := range tests {
			err := query(conn, test.query, mode)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != test.code || pg.Hint != test.hint {
				t.Errorf("%s: %s: %v", mode, test.query, err)
			}
			if err := query(conn, "list config", mode); err != nil {
				t.Errorf("%s: after %s: %v", mode, test.query, err)
			}
		}
	}
}

// TestInTransaction checks that a command in a transaction is refused and aborts it, as an error of
// PostgreSQL does.
func TestInTransaction(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn := p.connect()
	for _, mode := range modes() {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "create table made_in_transaction ()"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, mode, "25001", query(conn, "list status", mode))
		wantCode(t, mode, "25P02", query(conn, "select 1", mode))
		if err := tx.Commit(t.Context()); !errors.Is(err, pgx.ErrTxCommitRollback) {
			t.Errorf("%s: commit: %v", mode, err)
		}
		if _, err := conn.Exec(t.Context(), "list status", mode); err != nil {
			t.Errorf("%s: after the transaction: %v", mode, err)
		}
	}
}

// query sends a query in a mode, which Exec does not do for a query without parameters.
func query(conn *pgx.Conn, sql string, mode pgx.QueryExecMode) error {
	rows, err := conn.Query(context.Background(), sql, mode)
	if err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

func wantCode(t *testing.T, mode pgx.QueryExecMode, code string, err error) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != code {
		t.Errorf("%s: %v, want %s", mode, err, code)
	}
}

// TestPipeline mixes commands and SQL in one pipeline.
func TestPipeline(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn := p.connect()
	if _, err := conn.Exec(t.Context(), "create table t (a int)"); err != nil {
		t.Fatal(err)
	}
	pg := conn.PgConn()
	pipeline := pg.StartPipeline(t.Context())
	pipeline.SendPrepare("sql", "insert into t values ($1)", nil)
	pipeline.SendPrepare("cmd", "list config", nil)
	pipeline.SendQueryPrepared("cmd", nil, nil, nil)
	pipeline.SendQueryParams("select 'x'", nil, nil, nil, nil)
	sendSync(t, pipeline)
	pipeline.SendQueryPrepared("sql", [][]byte{[]byte("1")}, nil, nil)
	pipeline.SendQueryPrepared("cmd", nil, nil, nil) // refused: follows SQL
	pipeline.SendQueryPrepared("sql", [][]byte{[]byte("2")}, nil, nil)
	sendSync(t, pipeline)
	pipeline.SendQueryPrepared("sql", [][]byte{[]byte("3")}, nil, nil)
	sendSync(t, pipeline)
	pipeline.SendQueryPrepared("cmd", nil, nil, nil)
	sendSync(t, pipeline)
	got := results(t, pipeline)
	want := "prepared prepared " + listConfig + " SELECT 1 sync INSERT 0 1 25001 sync INSERT 0 1 sync " + listConfig + " sync"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	var a string
	if err := conn.QueryRow(t.Context(), "select string_agg(a::text, ',') from t").Scan(&a); err != nil || a != "3" {
		t.Errorf("rows %q, %v: the failed part was not undone", a, err)
	}
}

func sendSync(t *testing.T, pipeline *pgconn.Pipeline) {
	t.Helper()
	if err := pipeline.Sync(); err != nil {
		t.Fatal(err)
	}
}

// results reads a pipeline to its end and returns one word for each result.
func results(t *testing.T, pipeline *pgconn.Pipeline) string {
	t.Helper()
	var words []string
	for {
		result, err := pipeline.GetResults()
		var pg *pgconn.PgError
		switch {
		case errors.As(err, &pg):
			words = append(words, pg.Code)
			continue
		case err != nil:
			t.Fatal(err)
		case result == nil:
			if err := pipeline.Close(); err != nil {
				t.Fatal(err)
			}
			return strings.Join(words, " ")
		}
		switch r := result.(type) {
		case *pgconn.StatementDescription:
			words = append(words, "prepared")
		case *pgconn.PipelineSync:
			words = append(words, "sync")
		case *pgconn.ResultReader:
			tag, err := r.Close()
			switch {
			case errors.As(err, &pg):
				words = append(words, pg.Code)
			case err != nil:
				t.Fatal(err)
			default:
				words = append(words, tag.String())
			}
		}
	}
}

// TestSameAnswers compares the port's answers with those of the database.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	direct, err := pgconn.Connect(t.Context(), p.ConnString)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = direct.Close(context.Background()) }()
	through := p.connect().PgConn()
	const query = `select 1::smallint, 2::int8, 1.50::numeric, 'NaN'::float8, true, 'ä'::text, null::text, '\x00ff'::bytea, date '4713-01-01 BC',
timestamptz '2026-11-22 06:01:54.123456+01', interval '1 mon -3 days', '{"a": [1, null]}'::jsonb, array[1,null,3], '[1,5)'::int4range,
'(1,2)'::point, '127.0.0.1/8'::inet, B'101', uuid '00000000-0000-0000-0000-000000000001', row(1, 'x'), 'infinity'::timestamp`
	for _, format := range []int16{0, 1} {
		want := direct.ExecParams(t.Context(), query, nil, nil, nil, []int16{format}).Read()
		got := through.ExecParams(t.Context(), query, nil, nil, nil, []int16{format}).Read()
		if want.Err != nil || got.Err != nil {
			t.Fatal(want.Err, got.Err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("format %d:\n got %v\nwant %v", format, got, want)
		}
	}
}
