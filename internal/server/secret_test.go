package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestSecretsStayOutOfTheLogOfPostgreSQL sends commands with passwords and syntax errors through
// port 8550, by both query protocols. PostgreSQL logs every statement that fails, and must not
// receive these.
func TestSecretsStayOutOfTheLogOfPostgreSQL(t *testing.T) {
	i := install(t)
	r := i.start(t)
	for _, user := range []string{"mdbadmin password=secret", "postgres password=x"} {
		if user[0] == 'p' {
			i.configure(t, "superuser_password = x\n") // the tests' PostgreSQL requires no password
			r.stop(t)
			r = i.start(t)
		}
		config, err := pgx.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d dbname=metadb user=%s sslmode=disable", r.port, user))
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			"create user newcomer with password 'S3cret' comment 'x'",
			"create user newcomer password 'S3cret'",
			"create user newcomer with password 'S3cret'\n\nlist status",
			"create user if not exists newcomer with password 'S3cret'",
			"CREATE USER newcomer, PASSWORD 'S3cret'",
			"alter user nobody_here with password 'S3cret'",
			"crata data source s type kafka options (brokers 'b', sasl_password 'S3cret')",
			"explain create data source s type kafka options (sasl_password 'S3cret')",
		} {
			if _, err := conn.PgConn().Exec(t.Context(), statement).ReadAll(); err == nil || strings.Contains(err.Error(), "S3cret") {
				t.Errorf("%s: got %v", statement, err)
			}
			if _, err := conn.Exec(t.Context(), statement); err == nil || strings.Contains(err.Error(), "S3cret") {
				t.Errorf("%s, extended: got %v", statement, err)
			}
		}
		// SQL without a secret is passed on, and is in the log.
		if _, err := conn.Exec(t.Context(), "select refused_by_postgresql"); err == nil {
			t.Error("no error")
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	log, err := os.ReadFile(filepath.Join(i.db.Cluster.Dir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "refused_by_postgresql") {
		t.Error("PostgreSQL logs no statements that fail")
	}
	if strings.Contains(string(log)+r.log.String(), "S3cret") {
		t.Error("a password is in a log")
	}
}
