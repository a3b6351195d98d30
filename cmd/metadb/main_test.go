package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"metadb/internal/ident"
	"metadb/internal/testkit/freeport"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

const (
	superPassword  = "super's"
	systemPassword = "sys;tem#1"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"metadb": main})
}

// TestScripts runs testdata/script: commands and their output. Each script has its own database,
// on a server that requires passwords.
func TestScripts(t *testing.T) {
	pgtest.SkipShort(t)
	cluster, err := pgtest.NewCluster(t.Context(), pgtest.Options{Password: superPassword})
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
	defer func() { _ = admin.Close(context.WithoutCancel(t.Context())) }()
	if _, err := admin.Exec(t.Context(), "CREATE ROLE mdbadmin LOGIN PASSWORD '"+systemPassword+"'"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		database := ident.Name("metadb_" + strings.TrimSuffix(filepath.Base(file), ".txtar"))
		if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+database.SQL()); err != nil {
			t.Fatal(err)
		}
		testscript.Run(t, testscript.Params{
			Files: []string{file},
			// UPDATE=1 writes the actual output into the scripts.
			UpdateScripts: os.Getenv("UPDATE") != "",
			Condition: func(condition string) (bool, error) {
				if condition == "root" {
					return os.Geteuid() == 0, nil
				}
				return false, fmt.Errorf("unknown condition %q", condition)
			},
			Setup: func(env *testscript.Env) error {
				ports, err := freeport.Reserve(1)
				if err != nil {
					return err
				}
				env.Setenv("DBHOST", cluster.Host())
				env.Setenv("DBPORT", strconv.Itoa(cluster.Port()))
				env.Setenv("DATABASE", string(database))
				env.Setenv("PORT", strconv.Itoa(ports[0]))
				return nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"configure":   configure,
				"await":       await,
				"await-twice": awaitTwice,
				"occupy":      occupy,
				"psql":        psql,
				"session":     session,
				"stranger":    stranger,
			},
		})
	}
}

// configure writes data/metadb.conf, changed by KEY=VALUE arguments.
func configure(ts *testscript.TestScript, _ bool, args []string) {
	keys := []string{"host", "port", "database", "superuser", "superuser_password", "systemuser", "systemuser_password", "sslmode"}
	values := map[string]string{
		"host": ts.Getenv("DBHOST"), "port": ts.Getenv("DBPORT"), "database": ts.Getenv("DATABASE"),
		"superuser": pgtest.Superuser, "superuser_password": superPassword,
		"systemuser": "mdbadmin", "systemuser_password": systemPassword, "sslmode": "disable",
	}
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		if _, known := values[key]; !known {
			keys = append(keys, key)
		}
		values[key] = value
	}
	conf := "[main]\n"
	for _, key := range keys {
		conf += key + " = " + values[key] + "\n"
	}
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "metadb.conf"), []byte(conf), 0o600))
}

// await waits until a file contains a text.
func await(ts *testscript.TestScript, _ bool, args []string) { awaitCount(ts, args, 1) }

// awaitTwice waits until a file contains a text two times.
func awaitTwice(ts *testscript.TestScript, _ bool, args []string) { awaitCount(ts, args, 2) }

func awaitCount(ts *testscript.TestScript, args []string, count int) {
	ts.Check(testbed.Eventually(context.Background(), pace.Hang, "await "+args[1], func() error {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && strings.Count(string(text), args[1]) < count {
			err = fmt.Errorf("%s lacks %q: %s", args[0], args[1], text)
		}
		return err
	}))
}

// occupy listens on a port until the script ends.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	ts.Check(err)
	ts.Defer(func() { _ = listener.Close() })
}

// psql executes a statement on the administration port, over the Unix socket in data, and prints
// the rows to the script's log.
func psql(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("host='%s' port=%s dbname=metadb user=anybody", ts.MkAbs(args[0]), ts.Getenv("PORT")))
	ts.Check(err)
	defer func() { _ = conn.Close(ctx) }()
	results, err := conn.PgConn().Exec(ctx, args[1]).ReadAll()
	ts.Check(err)
	var out strings.Builder
	for _, result := range results {
		for _, row := range result.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = string(cell)
			}
			out.WriteString(strings.Join(cells, "|") + "\n")
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs("rows"), []byte(out.String()), 0o600))
}

// session runs a file in the real psql, over the Unix socket in data, and stores all output in
// another file.
func session(ts *testscript.TestScript, _ bool, args []string) {
	input, err := os.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	defer func() { _ = input.Close() }()
	command := exec.Command("psql", "-X", "-e", "-h", ts.MkAbs(args[0]), "-p", ts.Getenv("PORT"), "-U", "mdbadmin", "-d", "metadb")
	command.Stdin = input
	command.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "PAGER=cat", "PSQLRC=/dev/null")
	output, err := command.CombinedOutput()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), output, 0o600))
}

// stranger runs a command as an unprivileged operating-system user with access to every folder of
// the script. The command must fail with the first argument in its output.
func stranger(ts *testscript.TestScript, _ bool, args []string) {
	for dir := ts.MkAbs("."); dir != filepath.Clean(os.TempDir()) && len(dir) > 1; dir = filepath.Dir(dir) {
		ts.Check(os.Chmod(dir, 0o755))
	}
	command := exec.Command("setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups"}, args[1:]...)...)
	command.Dir = ts.MkAbs(".")
	command.Env = append(os.Environ(), "HOME=/nonexistent", "LC_ALL=C.UTF-8")
	output, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(output), args[0]) {
		ts.Fatalf("%v: %v, wants %q:\n%s", args[1:], err, args[0], output)
	}
}
