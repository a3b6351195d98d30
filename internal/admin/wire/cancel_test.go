package wire_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/command"
	"metadb/internal/admin/wire"
	"metadb/internal/testkit/pace"
)

// TestCancel cancels a statement at the database.
func TestCancel(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	conn := p.connect()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "select pg_sleep(600)")
		failed <- err
	}()
	p.await("select count(*) = 1 from pg_stat_activity where query = 'select pg_sleep(600)' and wait_event = 'PgSleep'")
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	var pg *pgconn.PgError
	if err := <-failed; !errors.As(err, &pg) || pg.Code != "57014" {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "list status"); err != nil {
		t.Error(err)
	}
}

// TestCancelCommand cancels a command that waits for the database.
func TestCancelCommand(t *testing.T) {
	t.Parallel()
	waits := make(chan struct{})
	p := open(t, func(c *wire.Config) {
		c.Executor = command.New(command.Services{
			SourceTypes: []string{"kafka"},
			DB:          waitingDB{waits: waits}, Logger: slog.New(slog.DiscardHandler), Status: active(),
		})
	})
	conn := p.connect()
	for _, mode := range modes() {
		failed := make(chan error, 1)
		go func() { failed <- query(conn, "create user anna with password 'p'", mode) }()
		<-waits
		if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCode(t, mode, "57014", <-failed)
		if err := query(conn, "list status", mode); err != nil {
			t.Errorf("%s: afterwards: %v", mode, err)
		}
	}
}

// waitingDB blocks in Begin until the context ends.
type waitingDB struct {
	command.DB
	waits chan<- struct{}
}

func (db waitingDB) Begin(ctx context.Context) (pgx.Tx, error) {
	db.waits <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

// await waits until a query returns true.
func (p *port) await(query string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), pace.Hang)
	defer cancel()
	for {
		var ok bool
		if err := p.Pool.QueryRow(ctx, query).Scan(&ok); err != nil {
			p.t.Fatal(err)
		}
		if ok {
			return
		}
	}
}
