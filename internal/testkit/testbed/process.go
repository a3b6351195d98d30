package testbed

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// superviseScript runs a command until standard input ends, then sends it SIGTERM, and
// SIGKILL after 20 seconds. The pipe ends with the calling process, even if that is
// killed, so that no process is left running.
const superviseScript = `
log=$1; shift
"$@" </dev/null >"$log" 2>&1 &
child=$!
read -r _
kill -TERM "$child" 2>/dev/null
( i=0; while [ $i -lt 200 ] && kill -0 "$child"; do sleep 0.1; i=$((i+1)); done; kill -KILL "$child" ) 2>/dev/null &
wait "$child"
`

// Process is a supervised process that writes to a log file.
type Process struct {
	// Log is the file that standard output and standard error go to.
	Log     string
	command *exec.Cmd
	feed    io.WriteCloser
	stop    func() error
}

// StartProcess runs a command in dir until Stop is called or the calling process
// ends. Its output is written to dir/name.log.
func StartProcess(dir, name string, args ...string) (*Process, error) {
	p := &Process{Log: filepath.Join(dir, name+".log")}
	p.command = exec.Command("sh", append([]string{"-c", superviseScript, "rig", p.Log}, args...)...)
	p.command.Dir = dir
	// An interrupt typed at the terminal is for the caller, which then stops it.
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	feed, err := p.command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.feed = feed
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.stop = sync.OnceValue(func() error {
		if err := p.feed.Close(); err != nil {
			return fmt.Errorf("stop %s: %w", name, err)
		}
		// The status is the child's, which its log explains.
		_ = p.command.Wait()
		return nil
	})
	return p, nil
}

// Stop ends the process and returns when it has ended.
func (p *Process) Stop() error { return p.stop() }

// Pid returns the process id of the supervisor, which is the parent of the process.
func (p *Process) Pid() int { return p.command.Process.Pid }

// Tail returns the last 4,000 bytes of the log.
func (p *Process) Tail() string {
	const keep = 4000
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-keep):])
}

// CheckListening returns nil if something accepts connections at a port.
func CheckListening(port int) error {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}

// pollInterval is the time between two looks at a condition.
const pollInterval = 50 * time.Millisecond

// Eventually returns when condition returns nil, or with the condition's last
// error if that takes longer than limit.
func Eventually(ctx context.Context, limit time.Duration, what string, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", what, ctx.Err(), err)
		}
	}
}
