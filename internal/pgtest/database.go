package pgtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is a database that belongs to one test.
type DB struct {
	// Name is the database's name, metadb_test_N: plain, without need of
	// quoting.
	Name string
	// ConnString connects as the superuser.
	ConnString string
	// SocketDir and Port are where the server listens, to be used as host
	// and port.
	SocketDir string
	Port      int
	// Pool has connections as the superuser. It is closed when the test
	// ends.
	Pool *pgxpool.Pool
}

// New makes a database in the shared cluster. It is dropped when the test
// ends, whoever is still connected.
func New(t testing.TB) *DB {
	t.Helper()
	cluster, number, err := process.get()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	db, err := cluster.createDatabase(t.Context(), number)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		db.Pool.Close()
		if err := cluster.dropDatabase(context.Background(), db.Name); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return db
}

// NewCluster starts a cluster for one test that does to it what others must
// not see, such as a crash, with one database in it.
func NewCluster(t testing.TB, options Options) (*Cluster, *DB) {
	t.Helper()
	cluster, err := StartCluster(options)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	db, err := cluster.createDatabase(t.Context(), 1)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(db.Pool.Close)
	return cluster, db
}

// Connect opens a connection of its own as the superuser, closed when the test
// ends.
func (db *DB) Connect(t testing.TB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.ConnString)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		// The server may have been killed by the test: that the connection
		// can't be closed in good order says nothing.
		_ = conn.Close(context.Background())
	})
	return conn
}

func (c *Cluster) createDatabase(ctx context.Context, number int) (*DB, error) {
	name := fmt.Sprintf("metadb_test_%d", number)
	if err := c.execute(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	db := &DB{Name: name, ConnString: c.ConnString(name), SocketDir: c.SocketDir, Port: c.Port}
	pool, err := pgxpool.New(context.WithoutCancel(ctx), db.ConnString)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", name, err)
	}
	db.Pool = pool
	return db, nil
}

func (c *Cluster) dropDatabase(ctx context.Context, name string) error {
	return c.execute(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// execute runs one statement in the database postgres.
func (c *Cluster) execute(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.ConnString("postgres"))
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
