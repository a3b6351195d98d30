package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/freeport"
)

// Superuser is the cluster's superuser. It has no password, since connections from the machine
// itself are trusted, unless Options has one.
const Superuser = "postgres"

// startTimeout limits the time until a server accepts connections.
const startTimeout = 30 * time.Second

// superviseScript runs the server until standard input ends, then stops it and removes its
// folder. The words "stop" and "crash" end the server and keep the folder, and "again" restarts
// a server that has ended by itself. The pipe ends with this process in any case, so that no
// server is left.
const superviseScript = `
word=again
while [ "$word" = again ]; do
	"$1/postgres" -D "$2/data" -k "$2" </dev/null >>"$2/server.log" 2>&1 &
	server=$!
	read -r word || word=remove
	case $word in
	again) ;;
	crash) kill -QUIT "$server" ;;
	*) kill -INT "$server" ;;
	esac
	wait "$server"
done
if [ "$word" = remove ]; then rm -rf "$2"; fi
`

// Options are the options of a cluster. The zero value is right for tests.
type Options struct {
	// Settings are lines of postgresql.conf after the defaults.
	Settings []string
	// Durable keeps PostgreSQL's defaults of fsync and similar settings, for benchmarks and for
	// tests that crash the server.
	Durable bool
	// Password is the superuser's, required over TCP; without a password if empty.
	Password string
	// Disk is the size in bytes of a disk (in memory) for the tablespace DiskTablespace, for
	// tests of a full disk; 0 for no disk. Its contents are lost after Stop and Crash. The test
	// has to be allowed to mount it: as root, or in a user namespace.
	Disk int64
	// WALDisk is the size in bytes of such a disk for the write-ahead log alone, with segments
	// of 1 MB; 0 for no disk.
	WALDisk int64
	// Later requires PostgreSQL 16 or later.
	Later bool
}

// Cluster is one PostgreSQL server with its files.
type Cluster struct {
	bin, dir string
	account  serverUser
	port     int
	password string
	disk     int64
	walDisk  int64

	// feed is the supervisor's standard input, nil while the server is stopped.
	feed    io.WriteCloser
	process *exec.Cmd
}

// NewCluster creates a cluster in a temporary folder and starts it. The caller must call Close.
func NewCluster(ctx context.Context, options Options) (*Cluster, error) {
	find := Binaries
	if options.Later {
		find = LaterBinaries
	}
	bin, err := find()
	if err != nil {
		return nil, err
	}
	who, err := findServerUser()
	if err != nil {
		return nil, err
	}
	ports, err := freeport.Reserve(1)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "metadb-pg-")
	if err != nil {
		return nil, fmt.Errorf("make folder for PostgreSQL: %w", err)
	}
	c := &Cluster{bin: bin, dir: dir, account: who, port: ports[0], password: options.Password, disk: options.Disk, walDisk: options.WALDisk}
	if err := c.initCluster(ctx, options); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := c.Start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := c.useDisk(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) initCluster(ctx context.Context, options Options) error {
	args := []string{
		"-N", "-D", filepath.Join(c.dir, "data"), "-U", Superuser,
		"--locale=C.UTF-8", "-E", "UTF8", "--auth-local=trust", "--auth-host=trust",
	}
	if options.Password != "" {
		file := filepath.Join(c.dir, "password")
		if err := os.WriteFile(file, []byte(options.Password+"\n"), 0o600); err != nil {
			return fmt.Errorf("write password for initdb: %w", err)
		}
		args = append(args[:len(args)-1], "--auth-host=scram-sha-256", "--pwfile="+file)
	}
	if options.WALDisk > 0 {
		args = append(args, "--wal-segsize=1")
	}
	if err := c.account.ownTree(c.dir); err != nil {
		return fmt.Errorf("hand folder to the server's user: %w", err)
	}
	initdb := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), args...)
	initdb.SysProcAttr = c.account.processAttributes()
	initdb.Dir = c.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return c.writeSettings(options)
}

func (c *Cluster) writeSettings(options Options) error {
	file, err := os.OpenFile(filepath.Join(c.dir, "data", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configure PostgreSQL: %w", err)
	}
	settings := []string{"listen_addresses = '127.0.0.1'", "port = " + strconv.Itoa(c.port)}
	if !options.Durable {
		settings = append(settings, "fsync = off", "synchronous_commit = off", "full_page_writes = off")
	}
	if options.WALDisk > 0 {
		settings = append(settings, "min_wal_size = 2MB", "max_wal_size = 4MB")
	}
	for _, line := range append(settings, options.Settings...) {
		if _, err := fmt.Fprintln(file, line); err != nil {
			return fmt.Errorf("configure PostgreSQL: %w", err)
		}
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("configure PostgreSQL: %w", err)
	}
	return nil
}

// Start starts a server that Stop or Crash has ended, and waits until it accepts connections.
func (c *Cluster) Start(ctx context.Context) error {
	c.process = c.supervisorCommand()
	c.process.Dir = c.dir
	feed, err := c.process.StdinPipe()
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := c.process.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	c.feed = feed
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return c.awaitReady(ctx)
}

// awaitReady tries to connect until the server accepts.
func (c *Cluster) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(c.dir, "server.log"))
			return fmt.Errorf("PostgreSQL did not start: %w: %s", err, log)
		}
	}
}

// Stop ends the server cleanly (a fast shutdown) and keeps its files.
func (c *Cluster) Stop() error { return c.endServer("stop") }

// Crash ends the server at once, as a power failure would, and keeps its files.
func (c *Cluster) Crash() error { return c.endServer("crash") }

// Close ends the server and removes its files.
func (c *Cluster) Close() error {
	if c.feed == nil {
		return os.RemoveAll(c.dir)
	}
	return c.endServer("remove")
}

func (c *Cluster) endServer(word string) error {
	if c.feed == nil {
		return nil
	}
	if _, err := io.WriteString(c.feed, word+"\n"); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	if err := c.feed.Close(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	c.feed = nil
	// The supervisor's status is the server's, which is not 0 after a crash.
	_ = c.process.Wait()
	return nil
}

// Host returns the address that the server listens on.
func (c *Cluster) Host() string { return "127.0.0.1" }

// Port returns the server's TCP port.
func (c *Cluster) Port() int { return c.port }

// Dir returns the cluster's folder, which contains server.log and the Unix socket.
func (c *Cluster) Dir() string { return c.dir }

// URL returns a connection string for the superuser to a database, over TCP.
func (c *Cluster) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", Host: net.JoinHostPort(c.Host(), strconv.Itoa(c.port)),
		Path: "/" + database, User: url.User(Superuser), RawQuery: "sslmode=disable",
	}
	if c.password != "" {
		u.User = url.UserPassword(Superuser, c.password)
	}
	return u.String()
}
