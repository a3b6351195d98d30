package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"metadb/internal/testkit/pgtest"
)

// TestNoPasswordInTheLogOfPostgreSQL configures PostgreSQL to log everything that it can.
func TestNoPasswordInTheLogOfPostgreSQL(t *testing.T) {
	t.Parallel()
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Settings: []string{
		"log_statement = all", "log_min_duration_statement = 0", "log_parameter_max_length = -1", "log_parameter_max_length_on_error = -1",
		"log_min_messages = debug1", "log_error_verbosity = verbose",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	f := setUpOn(t, pgtest.NewOn(t, cluster))
	const source = "create data source sensor type kafka options (brokers 'b', topics '^t', consumer_group 'seen in the log', security 'sasl_ssl', " +
		"sasl_mechanism 'plain', sasl_username 'u', sasl_password 'geheim1')"
	f.expect(source, "CREATE DATA SOURCE")
	f.expect(source, "42710")
	f.expect("alter data source sensor options (set sasl_password 'geheim2')", "NOTICE")
	f.expect("alter data source sensor options (set brokers 'c')", "NOTICE")
	f.expect("create user anna with password 'geheim3', comment 'seen, too'", "CREATE USER")
	f.expect("create user anna with password 'geheim4'", "42710")
	f.expect("alter user anna with password 'geheim5'", "ALTER USER")
	log, err := os.ReadFile(filepath.Join(cluster.Dir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"insert into metadb.source": true, "seen, too": true, "CREATE ROLE": true, "geheim": false} {
		if got := strings.Contains(string(log), text); got != want {
			t.Errorf("%s is in the log: %v", text, got)
		}
	}
	if strings.Contains(f.log.String(), "geheim") {
		t.Error("a password is in the log of Metadb")
	}
}
