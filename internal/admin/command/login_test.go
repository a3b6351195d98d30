package command_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"metadb/internal/admin/lang"
	"metadb/internal/testkit/pgtest"
)

// TestNewUsersLogIn logs in to PostgreSQL as users that were created here, with unusual passwords
// too: PostgreSQL checks them against the verifiers.
func TestNewUsersLogIn(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewClusterFor(t, pgtest.Options{Password: "super"})
	f := setUpOn(t, pgtest.NewOn(t, cluster))
	for user, password := range map[string]string{
		"plain": "geheim", "quotes": `it's "so" \ $1 ;--`, "umlaut": "ÄÖ€😀", "space": "a\u00a0b", "composed": "e\u0301", "ligature": "\ufb01", "spaces": "  x  ",
		"long": strings.Repeat("ä", 300), "control": "tab\there", "rtl": "\u0627 a", "unassigned": "\u0221x", "Mixed Case": "x",
	} {
		command := "create user " + lang.Name{Text: user}.String() + " with password " + lang.Value{Text: password}.String()
		if _, err := f.Exec(t.Context(), f.parse(command)[0].Command); err != nil {
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

// TestAlteredUsersLogIn checks that only the new password works, and that passwords of roles that
// are not registered can't be changed.
func TestAlteredUsersLogIn(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewClusterFor(t, pgtest.Options{Password: "super"})
	f := setUpOn(t, pgtest.NewOn(t, cluster))
	f.sql("create role stranger login password 'first'")
	f.expect("create user anna with password 'first'", "CREATE USER")
	f.expect("alter user anna with password 'se''cond'", "ALTER USER")
	f.expect("alter user anna with password ''", "22023")
	f.expect("alter user stranger with password 'second'", "42704")
	f.expect("alter user postgres with password 'second'", "42501")
	for _, login := range []struct{ user, password, want string }{
		{"anna", "first", "password authentication failed"}, {"anna", "se'cond", "anna\n"}, {"stranger", "first", "stranger\n"},
	} {
		if got := f.login(cluster, login.user, login.password); !strings.Contains(got, login.want) {
			t.Errorf("%s, %s: %s", login.user, login.password, got)
		}
	}
}

// login connects with psql, which prepares passwords as PostgreSQL does.
func (f *fixture) login(cluster *pgtest.Cluster, user, password string) string {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), "psql", "-X", "-A", "-t", "-w", "-h", cluster.Host(), "-p", strconv.Itoa(cluster.Port()), "-U", user, "-d", "postgres", "-c", "select current_user")
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password, "LC_ALL=C.UTF-8")
	out, _ := cmd.CombinedOutput()
	return string(out)
}
