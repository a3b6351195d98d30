//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/pgtest"
)

// source is the operational database that Debezium reads.
type source struct {
	cluster *pgtest.Cluster
	pool    *pgxpool.Pool
}

// startSource starts a PostgreSQL that logical replication can read.
func startSource(t *testing.T) *source {
	t.Helper()
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Settings: []string{
		"wal_level = logical",
		"max_replication_slots = 20",
		"max_wal_senders = 20",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	pool, err := pgxpool.New(t.Context(), cluster.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &source{cluster: cluster, pool: pool}
}

// exec runs statements, each in its own transaction.
func (s *source) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := s.pool.Exec(t.Context(), statement); err != nil {
			t.Fatalf("source: %v: %s", err, statement)
		}
	}
}

// connector is a configuration of Debezium's connector that streams every table
// of the source to topics that begin with name.
func (s *source) connector(name string) properties {
	return properties{
		"connector.class":    "io.debezium.connector.postgresql.PostgresConnector",
		"database.hostname":  s.cluster.Host(),
		"database.port":      strconv.Itoa(s.cluster.Port()),
		"database.user":      pgtest.Superuser,
		"database.password":  "unused",
		"database.dbname":    "postgres",
		"plugin.name":        "pgoutput",
		"slot.name":          name,
		"publication.name":   name,
		"topic.prefix":       name,
		"skipped.operations": "none",
	}
}

// dropSlot removes the replication slot and publication of a connector that is
// gone, once the connector has let go of the slot.
func (s *source) dropSlot(t *testing.T, name string) {
	t.Helper()
	eventually(t, jvmLimit, "replication slot "+name+" is released", func() error {
		var active bool
		const question = "SELECT active FROM pg_replication_slots WHERE slot_name = $1"
		if err := s.pool.QueryRow(t.Context(), question, name).Scan(&active); err != nil {
			return err
		}
		if active {
			return fmt.Errorf("the slot is in use")
		}
		return nil
	})
	if _, err := s.pool.Exec(t.Context(), "SELECT pg_drop_replication_slot($1)", name); err != nil {
		t.Fatalf("drop replication slot: %v", err)
	}
	s.exec(t, "DROP PUBLICATION "+name)
}

// background runs one statement again and again until the returned function is
// called: changes while a snapshot runs. Errors fail the test.
func (s *source) background(t *testing.T, pause time.Duration, statement string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				done <- nil
				return
			case <-tick.C:
			}
			if _, err := s.pool.Exec(ctx, statement); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
		}
	}()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Fatalf("source, in the background: %v", err)
		}
	}
}
