package doctest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/freeport"
	"metadb/internal/testkit/pace"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// patience limits the wait for an effect that a page describes.
const patience = pace.Hang

// session runs the blocks of pages in its own folder, with its own PostgreSQL and broker, which
// stand for db.example.org and kafka.example.org in the pages. Port 8550 is replaced, too.
type session struct {
	t       *testing.T
	dir     string
	binary  string
	cluster *pgtest.Cluster
	broker  *testbed.Broker
	port    int
	// logged is the length of the server's log at its last start or at the last "sync".
	logged int
}

// binary is the program of all sessions, which TestMain builds.
var binary string

func TestMain(m *testing.M) { os.Exit(runWithBinary(m)) }

func runWithBinary(m *testing.M) int {
	dir, err := os.MkdirTemp("", "metadb-doctest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "metadb")
	if out, err := exec.Command("go", "build", "-o", binary, "metadb/cmd/metadb").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// newSession starts a session, beside those of other tests.
func newSession(t *testing.T) *session {
	t.Helper()
	t.Parallel()
	pgtest.SkipShort(t)
	s := &session{t: t, dir: t.TempDir(), binary: binary}
	var err error
	if s.cluster, err = pgtest.NewCluster(t.Context(), pgtest.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.check(s.cluster.Close()) })
	if s.broker, err = testbed.NewBroker(1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.broker.Close)
	ports, err := freeport.Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	s.port = ports[0]
	s.wrapper()
	t.Cleanup(func() {
		if out, err := exec.Command(s.binary, "stop", "-D", filepath.Join(s.dir, "data")).CombinedOutput(); err != nil {
			t.Errorf("stop: %v\n%s", err, out)
		}
	})
	return s
}

// wrapper adds a "metadb" to the session's path that starts the server on the session's port.
func (s *session) wrapper() {
	script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = start ]; then exec '%s' \"$@\" -p %d; fi\nexec '%s' \"$@\"\n", s.binary, s.port, s.binary)
	path := filepath.Join(s.dir, "bin", "metadb")
	s.check(os.Mkdir(filepath.Dir(path), 0o755))
	s.check(os.WriteFile(path, []byte(script), 0o755))
}

func (s *session) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err)
	}
}

// readBlocks returns the blocks of a page.
func readBlocks(t *testing.T, name string) []Block {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	blocks, err := ParsePage(file)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return blocks
}

// run runs blocks in order.
func (s *session) run(name string, blocks ...Block) {
	s.t.Helper()
	for _, block := range blocks {
		var err error
		text := s.localizeText(block.Text)
		switch block.Kind {
		case Shell:
			err = s.shell(text)
		case Admin:
			err = s.admin(text)
		case Superuser:
			err = s.sql("postgres", text)
		case Query:
			err = s.sql("metadb_library", text)
		case Console:
			err = s.console(text)
		case Config:
			err = s.configure(text)
		case Log:
			err = s.log(text)
		case Connector, Source, SourceConfig, SourceAccess:
			// Package e2e runs them.
		case Diagram:
		}
		if err != nil {
			s.t.Fatalf("%s, line %d: %v", name, block.Line, err)
		}
	}
}

// localizeText replaces the addresses of the pages by those of the session.
func (s *session) localizeText(text string) string {
	return strings.NewReplacer(
		"kafka.example.org:9092", s.broker.Address(),
		"-p 8550", "-p "+strconv.Itoa(s.port),
	).Replace(text)
}

// shell runs commands line by line. A command that puts a question gets a terminal and a yes.
func (s *session) shell(text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "make build" {
			continue // newSession has built it
		}
		asks := strings.HasPrefix(line, "metadb ") && strings.Contains(line, "sync ") && !strings.Contains(line, "--dry-run")
		shell := []string{"sh", "-c", line}
		if asks {
			shell = []string{"script", "-qefc", line, "/dev/null"}
		}
		command := exec.CommandContext(s.t.Context(), shell[0], shell[1:]...)
		command.Dir = s.dir
		command.Env = append(os.Environ(), "PATH="+filepath.Join(s.dir, "bin")+":"+os.Getenv("PATH"))
		if asks {
			command.Stdin = strings.NewReader("y\n")
		}
		if strings.Contains(line, "metadb start") {
			log, _ := os.ReadFile(filepath.Join(s.dir, "metadb.log"))
			s.logged = len(log)
		}
		output := filepath.Join(s.dir, "output")
		file, err := os.Create(output)
		if err != nil {
			return err
		}
		command.Stdout, command.Stderr = file, file
		err = command.Run()
		_ = file.Close()
		if said, _ := os.ReadFile(output); err != nil {
			return fmt.Errorf("%s: %w\n%s", line, err, said)
		}
		if strings.Contains(line, "metadb start") {
			if err := s.eventually("the server to listen", func() error { return testbed.CheckListening(s.port) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// admin sends commands to the administration port, over the Unix socket.
func (s *session) admin(text string) error {
	if strings.HasPrefix(text, "sync ") {
		// Later messages about a snapshot are about the new one.
		log, _ := os.ReadFile(filepath.Join(s.dir, "metadb.log"))
		s.logged = len(log)
	}
	return s.shell("psql -X -v ON_ERROR_STOP=1 -h '" + filepath.Join(s.dir, "data") + "' -p " + strconv.Itoa(s.port) +
		" -d metadb -c " + quote(strings.ReplaceAll(text, "\n", " ")))
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// sql runs each statement of a block in a database.
func (s *session) sql(database, text string) error {
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, s.cluster.URL(database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, statement := range strings.SplitAfter(text, ";\n") {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// The prompts of psql in the analytics database, for a statement's first and further lines.
const (
	prompt       = "metadb_library=> "
	continuation = "metadb_library-> "
)

// console runs the statements of a psql session one by one, and compares psql's output with the
// page. Times are UTC; blanks at the ends of lines do not count.
func (s *session) console(text string) error {
	for _, shown := range strings.Split(strings.ReplaceAll(text, continuation, ""), prompt)[1:] {
		statement, want, ended := strings.Cut(shown, ";\n")
		if !ended {
			return fmt.Errorf("a statement has no end: %s", shown)
		}
		command := exec.CommandContext(s.t.Context(), "psql", "-X", "-d", s.cluster.URL("metadb_library"), "-c", statement)
		command.Env = append(os.Environ(), "PGTZ=UTC", "PAGER=")
		out, err := command.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", statement, err, out)
		}
		if got := withoutTrailingBlanks(string(out)); got != withoutTrailingBlanks(want) {
			return fmt.Errorf("%s prints\n%s\nthe page shows\n%s", statement, got, want)
		}
	}
	return nil
}

// withoutTrailingBlanks removes the blanks at the ends of lines, and empty lines at the end.
func withoutTrailingBlanks(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// configure writes metadb.conf as in the page, but with the address of the session's database.
func (s *session) configure(text string) error {
	text = strings.NewReplacer(
		"db.example.org", s.cluster.Host(),
		"port = 5432", "port = "+strconv.Itoa(s.cluster.Port()),
		"sslmode = require", "sslmode = disable",
	).Replace(text)
	return os.WriteFile(filepath.Join(s.dir, "data", "metadb.conf"), []byte(text), 0o600)
}

// log waits until the server's log has every line of the block after its first logged bytes.
func (s *session) log(text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		err := s.eventually("the log to say: "+line, func() error {
			log, err := os.ReadFile(filepath.Join(s.dir, "metadb.log"))
			if err == nil && !strings.Contains(string(log[min(s.logged, len(log)):]), line) {
				err = fmt.Errorf("it says:\n%s", log)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) eventually(what string, condition func() error) error {
	return testbed.Eventually(s.t.Context(), patience, what, condition)
}

// count waits until a query counts as many rows.
func (s *session) count(query string, want int) {
	s.t.Helper()
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, s.cluster.URL("metadb_library"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = s.eventually(query, func() error {
		var got int
		if err := conn.QueryRow(ctx, query).Scan(&got); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("counts %d, want %d", got, want)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
