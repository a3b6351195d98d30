//go:build e2e

package e2e

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/testkit/pgtest"
)

// source is the operational database that Debezium reads.
type source struct {
	cluster  *pgtest.Cluster
	database string
	pool     *pgxpool.Pool
}

// startSource starts a PostgreSQL with logical replication.
func startSource(t *testing.T) *source {
	t.Helper()
	cluster := startCluster(t, pgtest.Options{Settings: []string{
		"wal_level = logical",
		"max_replication_slots = 20",
		"max_wal_senders = 20",
	}})
	return openSource(t, cluster, "postgres")
}

// startCluster starts a PostgreSQL that stops with the test.
func startCluster(t *testing.T, options pgtest.Options) *pgtest.Cluster {
	t.Helper()
	cluster, err := pgtest.NewCluster(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// openSource returns a database of a cluster as a source.
func openSource(t *testing.T, cluster *pgtest.Cluster, database string) *source {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), cluster.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &source{cluster: cluster, database: database, pool: pool}
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

// connector returns a configuration of Debezium's connector that streams every table of the
// source to topics that begin with name.
func (s *source) connector(name string) properties {
	return properties{
		"connector.class":    "io.debezium.connector.postgresql.PostgresConnector",
		"database.hostname":  s.cluster.Host(),
		"database.port":      strconv.Itoa(s.cluster.Port()),
		"database.user":      pgtest.Superuser,
		"database.password":  "unused",
		"database.dbname":    s.database,
		"plugin.name":        "pgoutput",
		"slot.name":          name,
		"publication.name":   name,
		"topic.prefix":       name,
		"skipped.operations": "none",
		// The slot of a killed worker is free within moments.
		"slot.max.retries":                    "60",
		"slot.retry.delay.ms":                 "500",
		"retriable.restart.connector.wait.ms": "500",
		"poll.interval.ms":                    "50",
	}
}

// dropSlot removes the replication slot and publication of a deleted connector, as soon as the
// connector has released the slot.
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
