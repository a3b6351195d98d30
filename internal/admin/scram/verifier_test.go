package scram_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/scram"
	"metadb/internal/ident"
	"metadb/internal/testkit/pgtest"
)

// TestPostgreSQLAcceptsTheVerifier creates roles with verifiers in place of their passwords, and
// logs in as each.
func TestPostgreSQLAcceptsTheVerifier(t *testing.T) {
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Password: "superuser's"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	admin, err := pgx.Connect(t.Context(), cluster.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	for name, password := range map[string]string{"plain": "secret", "quoted": `it's "so" \ much`, "other": "ümläut 密 码", "composed": "e\u0301"} {
		verifier, err := scram.New(password)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Exec(t.Context(), "CREATE ROLE "+ident.Name(name).SQL()+" LOGIN PASSWORD '"+verifier.String()+"'"); err != nil {
			t.Fatal(err)
		}
		config := admin.Config()
		config.User, config.Password = name, password
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Errorf("%s: the right password does not log in: %v", name, err)
			continue
		}
		_ = conn.Close(t.Context())
		config.Password = password + "x"
		if conn, err := pgx.ConnectConfig(t.Context(), config); err == nil {
			t.Errorf("%s: a wrong password logs in", name)
			_ = conn.Close(t.Context())
		}
	}
}
