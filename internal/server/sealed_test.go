package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestSealedPasswords checks that brokers' passwords are encrypted in the database, for a new
// data source and for one that an earlier version stored, and that the broker receives them in
// clear text.
func TestSealedPasswords(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "admin", "S3cret"), kfake.SeedTopics(1, "sensor.library.patron"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	i := install(t)
	r := i.start(t)
	const source = `create data source %s type kafka options (brokers '%s', security 'sasl_plaintext', sasl_mechanism 'plain', sasl_username 'admin',
		sasl_password '%s', topics '^sensor\.', consumer_group '%s')`
	broker := cluster.ListenAddrs()[0]
	r.admin(t, fmt.Sprintf(source, "sensor", broker, "S3cret", "a"))
	r.admin(t, fmt.Sprintf(source, "other", broker, "wrong", "b"))
	r.awaitText(t, "SELECT string_agg(substr(sasl_password, 1, 7), ' ') FROM metadb.source", "sealed: sealed:")
	r.awaitSource(t, "sensor", "active", "")
	r.awaitSource(t, "other", "error", "check sasl_username")
	r.stop(t)
	if _, err := i.db.Pool.Exec(t.Context(), "UPDATE metadb.source SET sasl_password = 'S3cret'"); err != nil {
		t.Fatal(err)
	}
	r = i.start(t)
	r.awaitText(t, "SELECT string_agg(substr(sasl_password, 1, 7), ' ') FROM metadb.source", "sealed: sealed:")
	r.awaitSource(t, "other", "active", "")
	if strings.Contains(r.log.String(), "S3cret") {
		t.Error("a password is in the log")
	}
}

// awaitSource waits until list status shows a state and a message of one source.
func (r *running) awaitSource(t *testing.T, name, state, text string) {
	t.Helper()
	r.await(t, name+" "+state, func() error {
		for _, row := range r.admin(t, "list status") {
			if row[1] == name && row[2] == state && strings.Contains(row[8], text) {
				return nil
			}
		}
		return fmt.Errorf("list status: %v", r.admin(t, "list status"))
	})
}
