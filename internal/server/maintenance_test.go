package server

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"metadb/internal/observe/logging"
	"metadb/internal/server/maintenance"
	"metadb/internal/target/catalog"
	"metadb/internal/target/dbsession"
)

// newKeeper returns a supervisor for the maintenance of a server's tables, separate from the
// server, and its log.
func newKeeper(t *testing.T, r *running) (*supervisor, *buffer) {
	t.Helper()
	config, err := instanceConfig(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dbsession.ConnectRole(t.Context(), config, config.SystemUser)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	pool, err := newPool(t.Context(), config, conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	log := &buffer{}
	s := &supervisor{config: config, pool: pool, tables: &sharedCatalog{store: catalog.NewStore()}, logger: slog.New(logging.NewHandler(log, slog.LevelInfo))}
	s.database = &maintenance.Database{Pool: pool, Config: config, Store: s.tables.store, Exclusively: s.tables.withoutBatches, Logger: s.logger}
	if err := s.tables.reloadCatalog(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	return s, log
}

// TestNextYear creates the history of a coming year in advance, and finds it the second time.
func TestNextYear(t *testing.T) {
	f := newTableFaultTest(t)
	s, log := newKeeper(t, f.running)
	for range 2 {
		if err := s.tables.reloadCatalog(t.Context(), s.pool); err != nil {
			t.Fatal(err)
		}
		if err := s.database.MakeYear(t.Context(), 2031); err != nil {
			t.Fatal(err)
		}
	}
	f.awaitText(t, "SELECT count(*)::text FROM pg_inherits WHERE inhrelid = to_regclass('library.zzz___patron___2031')", "1")
	if log.String() != "" {
		t.Errorf("the log says %s", log)
	}
}

// TestNextYearWithoutDatabase checks that an unreachable database is one error, not one for each
// table, and that the tables get their year afterwards.
func TestNextYearWithoutDatabase(t *testing.T) {
	f := newTableFaultTest(t)
	s, log := newKeeper(t, f.running)
	f.exec(t, "ALTER DATABASE "+f.db.Name+" CONNECTION LIMIT 0")
	s.pool.Reset()
	for range 3 {
		err := s.database.MakeYear(t.Context(), 2031)
		if err == nil || !strings.Contains(err.Error(), "the database server has no connection left: too many connections") {
			t.Fatalf("got %v", err)
		}
	}
	if log.String() != "" { // the runner logs the error once: TestFailureIsLoggedOnce in package maintenance
		t.Errorf("the log says %s", log)
	}
	f.exec(t, "ALTER DATABASE "+f.db.Name+" CONNECTION LIMIT -1")
	if err := s.database.MakeYear(t.Context(), 2031); err != nil {
		t.Fatal(err)
	}
	const made = "SELECT count(*)::text FROM unnest(ARRAY['patron', 'loan']) n WHERE to_regclass('library.zzz___' || n || '___2031') IS NOT NULL"
	f.awaitText(t, made, "2")
}

// TestNextYearWaitsForGrants checks that no partition is created while access is granted:
// PostgreSQL fails one of a GRANT and a new partition at once.
func TestNextYearWaitsForGrants(t *testing.T) {
	f := newTableFaultTest(t)
	s, _ := newKeeper(t, f.running)
	made := make(chan error, 1)
	err := s.tables.withoutBatches(func() error {
		go func() { made <- s.database.MakeYear(t.Context(), 2031) }()
		select {
		case err := <-made:
			return fmt.Errorf("the history of a year was made meanwhile: %w", err)
		case <-time.After(300 * time.Millisecond):
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	f.awaitText(t, "SELECT (to_regclass('library.zzz___patron___2031') IS NOT NULL)::text", "true")
}
