package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"metadb/internal/testkit/pace"
)

// terminal is psql at a terminal, as a user sees it.
type terminal struct {
	t     *testing.T
	keys  io.WriteCloser
	shown io.Reader
	// screen is the output since the last key.
	screen bytes.Buffer
}

// terminal starts psql on the Unix socket; script(1) provides the terminal. The shell in between
// must replace itself by psql: a shell that stays, as dash does, gets Ctrl-C too and ends with it
// after psql.
func (p *port) terminal(t *testing.T) *terminal {
	t.Helper()
	command := fmt.Sprintf("exec psql -X -h %s -p %d -d metadb -U whoever", p.dir, p.server.Addr().Port)
	// psql ends in a cleanup, after the end of the test's own context.
	ctx, stop := context.WithTimeout(context.WithoutCancel(t.Context()), pace.Hang)
	t.Cleanup(stop)
	cmd := exec.CommandContext(ctx, "script", "--quiet", "--flush", "--return", "--command", command, "/dev/null")
	cmd.Env = append(os.Environ(), "TERM=dumb", "LC_ALL=C.UTF-8", "PSQL_PAGER=", "PAGER=cat", "HOME="+t.TempDir(), "INPUTRC=/dev/null", "SHELL=/bin/sh")
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	shown, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, keys: keys, shown: shown}
	t.Cleanup(func() {
		x.press("\\q\n")
		if _, err := io.Copy(io.Discard, shown); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("psql: %v", err)
		}
	})
	x.await("metadb=>", 1)
	return x
}

func (x *terminal) press(keys string) {
	x.t.Helper()
	x.screen.Reset()
	if _, err := io.WriteString(x.keys, keys); err != nil {
		x.t.Fatal(err)
	}
}

// await reads the screen until it contains a text that many times.
func (x *terminal) await(text string, times int) {
	x.t.Helper()
	piece := make([]byte, 4096)
	for strings.Count(x.screen.String(), text) < times {
		n, err := x.shown.Read(piece)
		if err != nil {
			x.t.Fatalf("%v, before %q was shown: %s", err, text, &x.screen)
		}
		x.screen.Write(piece[:n])
	}
}

// TestTerminal uses psql's interactive features: completion by Tab, which queries the database,
// \watch until Ctrl-C, \copy, and Ctrl-C in a query.
func TestTerminal(t *testing.T) {
	t.Parallel()
	p := open(t, nil)
	const setUp = "create table patron_groups_of_the_library (id int); create schema circulation; create table circulation.loan (n int);" +
		"insert into circulation.loan values (41); grant all on schema circulation, public to mdbadmin; grant all on all tables in schema circulation, public to mdbadmin"
	if _, err := p.Pool.Exec(t.Context(), setUp); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "loans")
	if err := os.WriteFile(file, []byte("57\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := p.terminal(t)
	for _, step := range []struct{ keys, want string }{
		{"select 700 + 77 + count(*) from patron_g\t;\n", "777"},
		{"\\d patron_g\t\n", `Table "public.patron_groups_of_the_library"`},
		{"\\dt circ\tlo\t\n", "circulation | loan | table"},
		{"\\copy circulation.loan from '" + file + "'\n", "COPY 1"},
		{"select sum(n) + 1000 as a from circulation.lo\t;\n", "1098"},
		{"list status;\n", "| sensor | active"},
		{"list stat;\n", `did you mean "status"?`},
	} {
		x.press(step.keys)
		x.await(step.want, 1)
		x.await("metadb=>", 1)
	}
	for _, query := range []string{"list status", "select 'active'"} {
		x.press(query + " \\watch 0.01\n")
		x.await("active", 5)
		x.press("\x03")
		x.await("metadb=>", 1)
	}
	x.press("select pg_sleep(600) as at_a_terminal;\n")
	p.await("select count(*) = 1 from pg_stat_activity where query = 'select pg_sleep(600) as at_a_terminal;' and wait_event = 'PgSleep'")
	x.press("\x03")
	x.await("ERROR:  canceling statement due to user request", 1)
	x.press("select 40 + 2 as answer;\n")
	x.await("42", 1)
}
