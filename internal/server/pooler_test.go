package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/client"
	"metadb/internal/instance"
	"metadb/internal/target/dbsession"
	"metadb/internal/testkit/pgtest"
)

// behind configures the server to use its database through a PgBouncer with defaults.
func (i *installation) behind(t *testing.T, mode string) {
	t.Helper()
	pooler := pgtest.NewPooler(t, i.db.Cluster, mode, map[string]string{"postgres": "", "mdbadmin": "secret"})
	conf := fmt.Sprintf("[main]\nhost = 127.0.0.1\nport = %d\ndatabase = %s\nsystemuser = mdbadmin\nsystemuser_password = secret\nsslmode = disable\n", pooler.Port, i.db.Name)
	if err := os.WriteFile(filepath.Join(i.dir, "metadb.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPoolerThatShares checks that the server and the command line refuse a pooler that shares
// its connections before they change anything, and name the remedy.
func TestPoolerThatShares(t *testing.T) {
	for _, mode := range []string{"transaction", "statement"} {
		t.Run(mode, func(t *testing.T) {
			i := install(t)
			i.behind(t, mode)
			for range 2 {
				for name, run := range map[string]func() error{
					"start": func() error { return Run(t.Context(), Options{Dir: i.dir, Stderr: &buffer{}, Port: i.port}) },
					"upgrade": func() error {
						_, _, err := client.Upgrade(t.Context(), i.dir, Version, func(int, int) (bool, error) { return true, nil })
						return err
					},
				} {
					err := run()
					if !errors.Is(err, dbsession.ErrPooled) || !strings.Contains(err.Error(), "pooler in session mode") {
						t.Errorf("%s: got %v", name, err)
					}
				}
			}
			var made bool
			if err := i.db.Pool.QueryRow(t.Context(), "SELECT to_regnamespace('metadb') IS NOT NULL").Scan(&made); err != nil || made {
				t.Errorf("schema metadb made: %v, %v", made, err)
			}
			var locks int
			if err := i.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").
				Scan(&locks); err != nil || locks > 0 {
				t.Errorf("%d advisory locks, %v", locks, err)
			}
		})
	}
}

// TestPoolerOfSessions checks streaming, synchronization, grants, SQL through port 8550 and
// starts through a pooler in session mode, with defaults.
func TestPoolerOfSessions(t *testing.T) {
	i := install(t)
	i.behind(t, "session")
	w := &settingsWorld{installation: i, feed: newFeed(t)}
	w.begin(t)
	for range 2 {
		w.round(t)
	}
	r := w.start(t)
	if rows := r.admin(t, "select count(*) from library.patron"); len(rows) != 1 || rows[0][0] != "1" {
		t.Errorf("got %v", rows)
	}
}

// TestRefusedByPooler checks that a pooler's refusal of a connection is described as such.
func TestRefusedByPooler(t *testing.T) {
	i := install(t)
	pooler := pgtest.NewPooler(t, i.db.Cluster, "session", map[string]string{"postgres": ""})
	config := &instance.Config{Host: "127.0.0.1", Port: pooler.Port, Database: i.db.Name, Superuser: instance.Role{Name: "postgres"}, SSLMode: "disable"}
	_, err := dbsession.ConnectRoleWith(t.Context(), config, config.Superuser, func(c *pgx.ConnConfig) { c.RuntimeParams["work_mem"] = "1MB" })
	if err == nil || !strings.Contains(err.Error(), "as connection poolers do") {
		t.Errorf("got %v", err)
	}
}
