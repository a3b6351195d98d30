package client

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/admin/wire"
	"metadb/internal/target/pgcode"
	"metadb/internal/testkit/freeport"
	"metadb/internal/testkit/pgtest"
)

// olderExecutor answers as a server of another version: "list status" has this number of columns,
// and there is no other list.
type olderExecutor struct{ columns int }

func (olderExecutor) Parse(d lang.Dialect, query string) []lang.Statement {
	return command.NewGrammar(command.All()).Parse(d, query)
}

func (o olderExecutor) Exec(_ context.Context, parsed lang.Command) (*command.Result, error) {
	if parsed.String() != "list status" {
		return nil, &command.Error{Code: pgcode.SyntaxError, Message: "syntax error at or near \"blockers\""}
	}
	result := &command.Result{Tag: "SELECT 1"}
	row := []any{"data_source", "sensor", "active", "normal", int64(3), time.Unix(0, 0), int64(7), int64(1), "a message", int64(2), "later"}
	result.Columns = []command.Column{
		{Name: "type", OID: pgtype.TextOID},
		{Name: "name", OID: pgtype.TextOID},
		{Name: "source_stream", OID: pgtype.TextOID},
		{Name: "source_sync", OID: pgtype.TextOID},
		{Name: "lag", OID: pgtype.Int8OID},
		{Name: "last_event_time", OID: pgtype.TimestamptzOID},
		{Name: "events", OID: pgtype.Int8OID},
		{Name: "rejected", OID: pgtype.Int8OID},
		{Name: "message", OID: pgtype.TextOID},
		{Name: "skipped", OID: pgtype.Int8OID},
		{Name: "of_a_later_version", OID: pgtype.TextOID},
	}
	result.Columns, result.Rows = result.Columns[:o.columns], [][]any{row[:o.columns]}
	return result, nil
}

// servePort answers at a port with an executor, and returns the data directory with its socket. The
// database lacks the schema metadb.
func servePort(t *testing.T, executor wire.Executor) (dir string) {
	t.Helper()
	upstream, err := pgconn.ParseConfig(pgtest.New(t).ConnString)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	role := wire.Role{Name: upstream.User, Password: "secret"}
	port, err := wire.Listen(wire.Config{
		Port: ports[0], SocketDir: dir, Upstream: upstream, System: role, Super: role, Executor: executor, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); port.Serve(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return dir
}

// TestOverviewOfOtherVersions checks that "metadb status" works with a running server that is
// older or newer than the program.
func TestOverviewOfOtherVersions(t *testing.T) {
	for columns, skipped := range map[int]int64{9: 0, 10: 2, 11: 2} {
		c, err := Dial(t.Context(), servePort(t, olderExecutor{columns: columns}))
		if err != nil {
			t.Fatal(err)
		}
		o, err := c.Overview(t.Context(), nil)
		if err != nil || len(o.Sources) != 1 || o.Trouble != "" || o.DatabaseBytes == 0 {
			t.Fatalf("%d columns: %+v, %v", columns, o, err)
		}
		if s := o.Sources[0]; s.Name != "sensor" || s.Events != 7 || s.Message != "a message" || s.Skipped != skipped || s.Blockers != nil || s.Outdated != nil || s.Progress != nil {
			t.Errorf("%d columns: %+v", columns, s)
		}
		c.Close(t.Context())
	}
}
