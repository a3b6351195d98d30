package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/pgcode"
	"metadb/internal/testkit/freeport"
	"metadb/internal/testkit/pgtest"
)

// startTimeout bounds how long a server may take until it listens.
const startTimeout = 2 * time.Minute

// password is the password of the roles. The clusters accept connections without one.
const password = "not a secret"

// Metadb is an installation: the binary, a data directory and a database.
type Metadb struct {
	// Binary is the program, Dir the folder with the data directory "data" and
	// the log "metadb.log".
	Binary, Dir string
	// Port is the administration port, HTTPPort that of probes, metrics and the
	// live page.
	Port, HTTPPort int

	cluster *pgtest.Cluster
	// database is the database's name.
	database string
	server   *Process
}

// Install follows docs/install.md in dir: role, database, metadb init, metadb.conf.
// An existing database is used as it is.
func Install(ctx context.Context, binary, dir string, cluster *pgtest.Cluster, database string) (*Metadb, error) {
	ports, err := freeport.Reserve(2)
	if err != nil {
		return nil, err
	}
	m := &Metadb{Binary: binary, Dir: dir, Port: ports[0], HTTPPort: ports[1], cluster: cluster, database: database}
	if err := m.prepareDatabase(ctx); err != nil {
		return nil, fmt.Errorf("prepare the database: %w", err)
	}
	if _, err := m.Run(ctx, "init", "-D", "data"); err != nil {
		return nil, err
	}
	conf := strings.Join([]string{
		"[main]",
		"host = " + cluster.Host(),
		"port = " + strconv.Itoa(cluster.Port()),
		"database = " + database,
		"superuser = " + pgtest.Superuser,
		"superuser_password = " + password,
		"systemuser = mdbadmin",
		"systemuser_password = " + password,
		"sslmode = disable",
		"http_listen = 127.0.0.1:" + strconv.Itoa(m.HTTPPort),
		"",
	}, "\n")
	if err := os.WriteFile(filepath.Join(m.DataDir(), "metadb.conf"), []byte(conf), 0o600); err != nil {
		return nil, fmt.Errorf("write metadb.conf: %w", err)
	}
	return m, nil
}

// prepareDatabase creates the role and the database, like an administrator before the first
// start.
func (m *Metadb) prepareDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, m.cluster.URL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range []string{
		"CREATE ROLE mdbadmin LOGIN PASSWORD '" + password + "'",
		"CREATE DATABASE " + ident.Name(m.database).SQL(),
		"ALTER DATABASE " + ident.Name(m.database).SQL() + " OWNER TO mdbadmin",
	} {
		_, err := conn.Exec(ctx, statement)
		if pgcode.Is(err, pgcode.DuplicateDatabase, pgcode.DuplicateObject) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DataDir is the data directory.
func (m *Metadb) DataDir() string { return filepath.Join(m.Dir, "data") }

// LogFile is the server's log, the same for every start.
func (m *Metadb) LogFile() string { return filepath.Join(m.Dir, "metadb.log") }

// Command returns the command line of metadb with the given arguments, to be
// run in Dir.
func (m *Metadb) Command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, m.Binary, args...)
	command.Dir = m.Dir
	return command
}

// Run runs a command and returns its output.
func (m *Metadb) Run(ctx context.Context, args ...string) (string, error) {
	out, err := m.Command(ctx, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("metadb %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Start starts the server and waits until it listens.
func (m *Metadb) Start(ctx context.Context) error {
	server, err := StartProcess(m.Dir, "server", m.Binary, "start", "-D", "data", "-l", m.LogFile(), "-p", strconv.Itoa(m.Port))
	if err != nil {
		return err
	}
	m.server = server
	// The Unix socket is the later one of the two.
	err = Eventually(ctx, startTimeout, "start the server", func() error { return errors.Join(CheckListening(m.Port), m.checkUnixSocket()) })
	if err != nil {
		return fmt.Errorf("%w: %s", err, server.Tail())
	}
	return nil
}

// checkUnixSocket returns nil if the server accepts connections at its Unix socket.
func (m *Metadb) checkUnixSocket() error {
	conn, err := net.DialTimeout("unix", filepath.Join(m.DataDir(), ".s.PGSQL."+strconv.Itoa(m.Port)), time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Stop stops the server with metadb stop.
func (m *Metadb) Stop(ctx context.Context) error {
	if m.server == nil {
		return nil
	}
	_, err := m.Run(ctx, "stop", "-D", "data")
	return errors.Join(err, m.Close())
}

// Close stops the server as a service manager would, if it runs.
func (m *Metadb) Close() error {
	if m.server == nil {
		return nil
	}
	err := m.server.Stop()
	m.server = nil
	return err
}

// Admin connects to the administration port, through the Unix socket in the
// data directory, with the simple query protocol.
func (m *Metadb) Admin(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("host='" + m.DataDir() + "' port=" + strconv.Itoa(m.Port) + " dbname=metadb user=" + pgtest.Superuser)
	if err != nil {
		return nil, fmt.Errorf("connect to the administration port: %w", err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the administration port: %w", err)
	}
	return conn, nil
}

// Exec runs one statement on the administration port.
func (m *Metadb) Exec(ctx context.Context, statement string) error {
	conn, err := m.Admin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// Database returns a connection string for the superuser to the database.
func (m *Metadb) Database() string { return m.cluster.URL(m.database) }

// Log returns the server's log.
func (m *Metadb) Log() (string, error) {
	text, err := os.ReadFile(m.LogFile())
	return string(text), err
}

// AwaitLog waits until the log has text after its first offset bytes.
func (m *Metadb) AwaitLog(ctx context.Context, limit time.Duration, offset int, text string) error {
	return Eventually(ctx, limit, "wait for the log to say "+strconv.Quote(text), func() error {
		log, err := m.Log()
		if err != nil {
			return err
		}
		if !strings.Contains(log[min(offset, len(log)):], text) {
			return errors.New("it does not")
		}
		return nil
	})
}

// Pid is the running server's process id.
func (m *Metadb) Pid() (int, error) {
	text, err := os.ReadFile(filepath.Join(m.DataDir(), "metadb.pid"))
	if err != nil {
		return 0, fmt.Errorf("find the server's process: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("find the server's process: %w", err)
	}
	return pid, nil
}

// PeakMemory is the most resident memory that the running server has had, in
// bytes.
// https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func (m *Metadb) PeakMemory() (int64, error) {
	pid, err := m.Pid()
	if err != nil {
		return 0, err
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, fmt.Errorf("read the server's memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("read the server's memory: no VmHWM")
}
