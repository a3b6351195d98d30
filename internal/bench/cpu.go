package bench

import (
	"fmt"
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
	pid, err := b.cluster.Pid()
	if err != nil {
		return now, err
	}
	now.postgres, err = rig.CPU(pid)
	return now, err
}
