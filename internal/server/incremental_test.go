package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestSyncDuringIncrementalSnapshot: what such a snapshot has read before the
// synchronization of its table does not confirm, which is said.
func TestSyncDuringIncrementalSnapshot(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('r', 1, "a", "last")
	r.awaitText(t, current, "1=a")
	r.admin(t, "endsync data source sensor with (force_unconfirmed)")
	said := func() string {
		config, err := pgx.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=mdbadmin password=secret sslmode=disable", r.port))
		if err != nil {
			t.Fatal(err)
		}
		var notices strings.Builder
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { notices.WriteString(n.Message) }
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.PgConn().Exec(t.Context(), "sync table library.patron__ with (restart)").ReadAll(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		return notices.String()
	}
	const warning = "an incremental snapshot of table library.patron may be under way"
	if got := said(); strings.Contains(got, warning) {
		t.Errorf("without one: %q", got)
	}
	f.change('r', 1, "b", "incremental")
	r.awaitText(t, current, "1=b")
	if got := said(); !strings.Contains(got, warning) {
		t.Errorf("got %q", got)
	}
}
