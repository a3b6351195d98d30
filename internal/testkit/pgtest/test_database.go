package pgtest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/ident"
)

// sharedCluster is the cluster of this test process. It ends with the process, when the
// supervisor's pipe closes.
var sharedCluster = sync.OnceValues(func() (*Cluster, error) {
	return NewCluster(context.Background(), Options{Settings: []string{"max_connections = 200"}})
})

// laterCluster is the cluster of this test process with PostgreSQL 16 or later.
var laterCluster = sync.OnceValues(func() (*Cluster, error) {
	return NewCluster(context.Background(), Options{Later: true, Settings: []string{"max_connections = 200"}})
})

// databaseNumber is the number of databases of this process, which is part of their names.
var databaseNumber atomic.Int64

// DB is a database of one test.
type DB struct {
	// Name is the name of the database, ConnString the superuser's connection string to it.
	Name       string
	ConnString string
	// Pool is connected to the database, for the test's own queries.
	Pool *pgxpool.Pool
	// Cluster is the cluster of the database, which may be shared with other tests.
	Cluster *Cluster
}

// SkipShort skips a test that needs PostgreSQL in short mode, which is for the tests that take a
// minute in all.
func SkipShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("with a database, not in short mode")
	}
}

// New creates an empty database for the test in the shared cluster of the process, and drops it
// when the test ends. It fails the test without PostgreSQL, and skips it in short mode.
func New(t testing.TB) *DB {
	t.Helper()
	SkipShort(t)
	return NewInShort(t)
}

// NewInShort is New also in short mode, for a test that shows much in little time.
func NewInShort(t testing.TB) *DB {
	t.Helper()
	cluster, err := sharedCluster()
	if err != nil {
		t.Fatal(err)
	}
	return NewOn(t, cluster)
}

// NewLater is New with PostgreSQL 16 or later.
func NewLater(t testing.TB) *DB {
	t.Helper()
	SkipShort(t)
	cluster, err := laterCluster()
	if err != nil {
		t.Fatal(err)
	}
	return NewOn(t, cluster)
}

// NewClusterFor is NewCluster for a test, which is skipped in short mode; the cluster is closed when
// the test ends.
func NewClusterFor(t testing.TB, options Options) *Cluster {
	t.Helper()
	SkipShort(t)
	cluster, err := NewCluster(t.Context(), options)
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

// NewOn is New in the test's own cluster, which the test may stop and damage, but must have
// running again at its end.
func NewOn(t testing.TB, cluster *Cluster) *DB {
	t.Helper()
	return newDatabaseIn(t, cluster, "pg_default")
}

// NewOnDisk is NewOn on the cluster's small disk (Options.Disk).
func NewOnDisk(t testing.TB, cluster *Cluster) *DB {
	t.Helper()
	return newDatabaseIn(t, cluster, DiskTablespace)
}

func newDatabaseIn(t testing.TB, cluster *Cluster, tablespace string) *DB {
	t.Helper()
	db, err := cluster.createDatabase(t.Context(), fmt.Sprintf("metadb_test_%d", databaseNumber.Add(1)), tablespace)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.dropDatabase(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return db
}

func (c *Cluster) createDatabase(ctx context.Context, name, tablespace string) (*DB, error) {
	sql := "CREATE DATABASE " + ident.Name(name).SQL() + " TABLESPACE " + ident.Name(tablespace).SQL()
	if err := c.execAdmin(ctx, sql); err != nil {
		return nil, fmt.Errorf("make database %s: %w", name, err)
	}
	db := &DB{Name: name, ConnString: c.URL(name), Cluster: c}
	pool, err := pgxpool.New(ctx, db.ConnString)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s: %w", name, err)
	}
	db.Pool = pool
	return db, nil
}

func (db *DB) dropDatabase(ctx context.Context) error {
	db.Pool.Close()
	if err := db.Cluster.execAdmin(ctx, "DROP DATABASE "+ident.Name(db.Name).SQL()+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop database %s: %w", db.Name, err)
	}
	return nil
}

// execAdmin runs one statement as the superuser in the database postgres.
func (c *Cluster) execAdmin(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}
