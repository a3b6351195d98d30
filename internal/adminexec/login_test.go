package adminexec_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"metadb/internal/adminlang"
	"metadb/internal/pgtest"
)

// TestNewUsersLogIn has PostgreSQL check the passwords of users that were made
// here, odd ones too, by the verifiers that it was given.
func TestNewUsersLogIn(t *testing.T) {
	t.Parallel()
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Password: "super"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	f := setUpOn(t, pgtest.NewOn(t, cluster))
	for user, password := range map[string]string{
		"plain": "geheim", "quotes": `it's "so" \ $1 ;--`, "umlaut": "ÄÖ€😀", "space": "a\u00a0b", "composed": "e\u0301", "ligature": "\ufb01", "spaces": "  x  ",
		"long": strings.Repeat("ä", 300), "control": "tab\there", "rtl": "\u0627 a", "unassigned": "\u0221x", "Mixed Case": "x",
	} {
		command := adminlang.CreateUser{User: adminlang.Name{Text: user}, Password: adminlang.Value{Text: password}}
		if _, err := f.Exec(t.Context(), command); err != nil {
			t.Errorf("%s: %v", user, err)
			continue
		}
		for given, want := range map[string]string{password: user + "\n", password + "x": "password authentication failed"} {
			if got := f.login(cluster, user, given); !strings.Contains(got, want) {
				t.Errorf("%s, password %q: %s", user, given, got)
			}
		}
	}
}

// login has psql, whose preparation of passwords is PostgreSQL's own, connect.
func (f *fixture) login(cluster *pgtest.Cluster, user, password string) string {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), "psql", "-X", "-A", "-t", "-w", "-h", cluster.Host(), "-p", strconv.Itoa(cluster.Port()), "-U", user, "-d", "postgres", "-c", "select current_user")
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password, "LC_ALL=C.UTF-8")
	out, _ := cmd.CombinedOutput()
	return string(out)
}
