//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// supervise runs a command until standard input ends, then asks it to stop and
// kills it if it has not stopped in 20 seconds. The pipe ends when the test
// process does, however that happens: nothing is left behind.
const supervise = `
log=$1; shift
"$@" </dev/null >"$log" 2>&1 &
child=$!
read -r _
kill -TERM "$child" 2>/dev/null
{ sleep 20; kill -KILL "$child"; } 2>/dev/null &
timer=$!
wait "$child"
kill "$timer" 2>/dev/null
true
`

// process is a supervised process that writes to a log file.
type process struct {
	name, log string
	command   *exec.Cmd
	feed      io.WriteCloser
	once      sync.Once
}

// start runs a command until the test ends or stop is called.
func start(t *testing.T, dir, name string, args ...string) *process {
	t.Helper()
	p := &process{name: name, log: filepath.Join(dir, name+".log")}
	p.command = exec.Command("sh", append([]string{"-c", supervise, "e2e", p.log}, args...)...)
	p.command.Dir = dir
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	feed, err := p.command.StdinPipe()
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	p.feed = feed
	if err := p.command.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("the end of %s's log:\n%s", name, p.tail())
		}
	})
	return p
}

// stop ends the process and returns when it has ended.
func (p *process) stop() {
	p.once.Do(func() {
		_ = p.feed.Close()
		_ = p.command.Wait()
	})
}

// tail returns the last few thousand characters of the log.
func (p *process) tail() string {
	const keep = 4000
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-keep):])
}

// freePorts returns ports that nothing listens on, all different.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("find a free port: %v", err)
		}
		defer func() { _ = listener.Close() }()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// eventually waits until condition returns nil and fails the test with its last
// error if that takes longer than limit.
func eventually(t *testing.T, limit time.Duration, what string, condition func() error) {
	t.Helper()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-timeout.C:
			t.Fatalf("%s: not after %v: %v", what, limit, err)
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, t.Context().Err())
		}
	}
}

// listening reports whether something accepts connections at a port.
func listening(port int) error {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}
