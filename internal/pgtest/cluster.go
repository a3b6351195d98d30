package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// startLimit is how long a server may take until it accepts connections, after
// a crash too.
const startLimit = 60 * time.Second

// Superuser is the role that the cluster is made with. It needs no password.
const Superuser = "postgres"

// Options say how a cluster is run. The zero Options are those of tests: as
// fast as PostgreSQL goes, nothing survives a crash of the machine.
type Options struct {
	// Durable leaves PostgreSQL's own defaults for fsync, synchronous_commit
	// and full_page_writes, as a benchmark needs them.
	Durable bool
	// Settings are added to the server's command line and win over the
	// others, such as "wal_level": "logical".
	Settings map[string]string
	// Port is also part of the socket's name; 0 means 5432. The server
	// listens on TCP only when Settings has listen_addresses.
	Port int
}

// Cluster is a private PostgreSQL server in a temporary folder.
type Cluster struct {
	// SocketDir is the folder of the Unix socket, for use as host.
	SocketDir string
	Port      int

	bin     string
	root    string
	account account
	options Options
	process *os.Process
}

// StartCluster makes a cluster in a temporary folder and starts it. The caller
// stops it.
func StartCluster(options Options) (*Cluster, error) {
	bin, err := Binaries()
	if err != nil {
		return nil, err
	}
	who, err := serverAccount()
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "metadb-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	c := &Cluster{SocketDir: root, Port: options.Port, bin: bin, root: root, account: who, options: options}
	if c.Port == 0 {
		c.Port = 5432
	}
	if err := c.create(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(root))
	}
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// create fills the cluster's folder.
func (c *Cluster) create() error {
	if err := c.account.own(c.root); err != nil {
		return fmt.Errorf("give %s to the server's account: %w", c.root, err)
	}
	return makeData(c.bin, c.dataDir(), c.account)
}

func (c *Cluster) dataDir() string { return filepath.Join(c.root, "data") }
func (c *Cluster) logPath() string { return filepath.Join(c.root, "log") }

// ConnString returns the connection string of a database of the cluster, for
// its superuser.
func (c *Cluster) ConnString(database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=disable", c.SocketDir, c.Port, Superuser, database)
}

// Start starts the server, also after [Cluster.Kill], and returns when it
// accepts connections.
func (c *Cluster) Start() error {
	log, err := os.OpenFile(c.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open the log of PostgreSQL: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), c.arguments()...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = c.account.attributes()
	cmd.Dir = c.root
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	c.process = cmd.Process
	return c.awaitReady()
}

func (c *Cluster) arguments() []string {
	settings := map[string]string{
		"listen_addresses": "", "unix_socket_directories": c.SocketDir, "port": strconv.Itoa(c.Port),
		"max_connections": "100", "shared_buffers": "128MB", "timezone": "UTC", "log_timezone": "UTC",
	}
	if !c.options.Durable {
		settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"] = "off", "off", "off"
	}
	for name, value := range c.options.Settings {
		settings[name] = value
	}
	arguments := []string{"-D", c.dataDir()}
	for name, value := range settings {
		arguments = append(arguments, "-c", name+"="+value)
	}
	return arguments
}

// awaitReady asks for a connection again and again: PostgreSQL has no other
// signal for it that works for every account.
func (c *Cluster) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.ConnString("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		var status syscall.WaitStatus
		if pid, _ := syscall.Wait4(c.process.Pid, &status, syscall.WNOHANG, nil); pid == c.process.Pid {
			c.process = nil
			return fmt.Errorf("PostgreSQL ended with status %d:\n%s", status.ExitStatus(), c.logTail())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, c.logTail())
		case <-again.C:
		}
	}
}

// Kill ends the server and every backend at once, as a crash of PostgreSQL
// does: nothing is flushed, and unlogged tables will be empty. [Cluster.Start]
// recovers it.
func (c *Cluster) Kill() error {
	if c.process == nil {
		return nil
	}
	// Stopped first, the postmaster can't answer the death of its backends
	// by starting others.
	if err := c.process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	if err := c.signalBackends(syscall.SIGKILL); err != nil {
		return err
	}
	return c.end(syscall.SIGKILL)
}

// Shutdown ends the server in an orderly way (fast shutdown: sessions are cut)
// and keeps its data for [Cluster.Start].
func (c *Cluster) Shutdown() error { return c.end(syscall.SIGINT) }

// Stop ends the server at once and removes the cluster's folder.
func (c *Cluster) Stop() error {
	return errors.Join(c.end(syscall.SIGQUIT), os.RemoveAll(c.root))
}

func (c *Cluster) end(signal syscall.Signal) error {
	if c.process == nil {
		return nil
	}
	process := c.process
	c.process = nil
	if err := process.Signal(signal); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	if _, err := process.Wait(); err != nil {
		return fmt.Errorf("wait for PostgreSQL: %w", err)
	}
	return nil
}

// logTail returns the last lines of the server's log, for messages.
func (c *Cluster) logTail() string {
	text, err := os.ReadFile(c.logPath())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
