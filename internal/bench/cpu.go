package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"metadb/internal/rig"
)

// cpu is the processor time that the three programs have used.
type cpu struct{ server, postgres, broker time.Duration }

func (c cpu) minus(before cpu) cpu {
	return cpu{c.server - before.server, c.postgres - before.postgres, c.broker - before.broker}
}

// perRow says how much of each program a row takes, in microseconds.
func (c cpu) perRow(rows int) string {
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(rows) }
	return fmt.Sprintf("%.1f + %.1f + %.1f", each(c.server), each(c.postgres), each(c.broker))
}

// cpu reads the processor times. A server that doesn't run counts as 0.
func (b *bench) cpu() (now cpu, err error) {
	if pid, err := b.metadb.Pid(); err == nil {
		if now.server, err = rig.CPU(pid); err != nil {
			return now, err
		}
	}
	if now.broker, err = rig.CPU(b.broker.Pid()); err != nil {
		return now, err
	}
	pid, err := postmaster(b.cluster.Dir())
	if err != nil {
		return now, err
	}
	now.postgres, err = rig.CPU(pid)
	return now, err
}

// postmaster reads the process id of the server of a cluster: the first line of
// postmaster.pid.
func postmaster(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("find PostgreSQL's process: %w", err)
	}
	line, _, ok := strings.Cut(string(text), "\n")
	if !ok {
		return 0, errors.New("find PostgreSQL's process: postmaster.pid has no line")
	}
	return strconv.Atoi(line)
}
