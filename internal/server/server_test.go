package server

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"metadb/internal/client"
	"metadb/internal/instance"
	"metadb/internal/testkit/freeport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStream streams from an empty installation, and over a restart.
func TestStream(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	r.await(t, "wait for a topic", func() error {
		rows := r.admin(t, "list status")
		if len(rows) != 1 || rows[0][2] != "waiting" {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
	f.change('r', 1, "Ada", "first")
	f.change('r', 2, "Bob", "last")
	r.awaitText(t, current, "1=Ada 2=Bob")
	r.await(t, "complete the snapshot", func() error {
		return r.logged(`source "sensor" snapshot complete (last record received); consider running "metadb endsync"`)
	})
	r.awaitText(t, "SELECT (reltuples = 2)::text FROM pg_class WHERE oid = 'library.patron__'::regclass", "true") // analyzed
	f.change('u', 1, "Eve", "")
	f.change('d', 2, "Bob", "")
	r.awaitText(t, current, "1=Eve")
	r.awaitText(t, versions, "3")
	r.await(t, "show the state", func() error {
		rows := r.admin(t, "list status")
		if len(rows) != 1 || rows[0][1] != "sensor" || rows[0][2] != "active" || rows[0][3] != "snapshot_complete" || rows[0][6] != "4" {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
	r.awaitText(t, "SELECT count(*)::text FROM metadb.log WHERE message LIKE 'starting Metadb v%'", "1")
	r.stop(t)

	f.change('u', 1, "Zoe", "")
	again := i.start(t)
	again.awaitText(t, current, "1=Zoe")
	again.awaitText(t, versions, "4")
	if n := strings.Count(again.log.String(), "snapshot complete"); n != 0 {
		t.Errorf("says again that the snapshot is complete")
	}
	again.admin(t, "drop data source sensor")
	if rows := again.admin(t, "list status"); len(rows) != 0 {
		t.Errorf("after drop: %v", rows)
	}
	again.awaitText(t, current, "1=Zoe")
}

// TestDatabaseAway ends the server's connections: streams continue after it has connected again.
func TestDatabaseAway(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, f.source())
	f.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	// Every connection of the server, as the database's administrator would end them.
	const kick = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'mdbadmin'"
	if _, err := i.db.Pool.Exec(t.Context(), kick); err != nil {
		t.Fatal(err)
	}
	f.change('u', 1, "Bob", "")
	r.awaitText(t, current, "1=Bob")
	r.awaitText(t, versions, "2")
	r.await(t, "take the lock again", func() error { return r.logged("the database is back") })
}

// TestOneServer starts a second server on the data directory, and on the database.
func TestOneServer(t *testing.T) {
	i := install(t)
	r := i.start(t)
	err := Run(t.Context(), Options{Dir: i.dir, Stderr: &buffer{}})
	if err == nil || !strings.Contains(err.Error(), "with PID "+strconv.Itoa(os.Getpid())) {
		t.Errorf("on the data directory: %v", err)
	}
	other := &installation{db: i.db, dir: filepath.Join(t.TempDir(), "data")}
	if err := instance.Init(other.dir); err != nil {
		t.Fatal(err)
	}
	other.configure(t, "")
	err = Run(t.Context(), Options{Dir: other.dir, Stderr: &buffer{}})
	if err == nil || !strings.Contains(err.Error(), "is in use by another Metadb server, connected from 127.0.0.1") {
		t.Errorf("on the database: %v", err)
	}
	r.stop(t)
	if err := client.Offline(t.Context(), other.dir, func(context.Context, *pgx.Conn) error { return nil }); err != nil {
		t.Errorf("offline, when the server has stopped: %v", err)
	}
}

// TestBrokerAway creates a data source with an unreachable broker, and corrects the address
// later.
func TestBrokerAway(t *testing.T) {
	i, f := install(t), newFeed(t)
	f.change('c', 1, "Ada", "")
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	r := i.start(t)
	nowhere := fmt.Sprintf("127.0.0.1:%d", ports[0])
	r.admin(t, strings.Replace(f.source(), f.broker.Address(), nowhere, 1))
	r.await(t, "say that the broker is away", func() error {
		rows := r.admin(t, "list status")
		if len(rows) != 1 || rows[0][2] != "error" || !strings.Contains(rows[0][8], nowhere) {
			return fmt.Errorf("list status: %v", rows)
		}
		return r.logged(nowhere)
	})
	r.stop(t)
	r = i.start(t)
	r.admin(t, fmt.Sprintf("alter data source sensor options (set brokers '%s')", f.broker.Address()))
	r.awaitText(t, current, "1=Ada")
}
