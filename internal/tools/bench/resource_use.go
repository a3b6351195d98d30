package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"metadb/internal/testkit/testbed"
)

// resourceUse is the use of resources by the programs: processor time of all three, and the server's peak
// memory in bytes and allocations.
type resourceUse struct {
	at time.Time
	// wall is the elapsed time.
	wall                     time.Duration
	server, postgres, broker time.Duration
	// machine is the processor time of all programs of the machine, and of other machines on the
	// same processors.
	machine            time.Duration
	memory             int64
	mallocs, allocated float64
	// wal is the amount of write-ahead log of PostgreSQL, in bytes.
	wal int64
}

// usedSince returns the use after before. The peak of memory is not a difference.
func (u resourceUse) usedSince(before resourceUse) resourceUse {
	return resourceUse{
		at: u.at, wall: u.at.Sub(before.at), server: u.server - before.server, postgres: u.postgres - before.postgres, broker: u.broker - before.broker,
		machine: u.machine - before.machine, memory: u.memory, mallocs: u.mallocs - before.mallocs, allocated: u.allocated - before.allocated,
		wal: u.wal - before.wal,
	}
}

// timePerRow returns the processor time of each program for a row, in microseconds.
func (u resourceUse) timePerRow(rows int) string {
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(rows) }
	return fmt.Sprintf("%.1f + %.1f + %.1f", each(u.server), each(u.postgres), each(u.broker))
}

// allocatedPerRow returns the number and size of the server's allocations for a row.
func (u resourceUse) allocatedPerRow(rows int) string {
	return fmt.Sprintf("%.2f, %.0f B", u.mallocs/float64(rows), u.allocated/float64(rows))
}

// walPerRow returns the write-ahead log for a row, in bytes.
func (u resourceUse) walPerRow(rows int) string { return strconv.FormatInt(u.wal/int64(rows), 10) }

// readUse returns the use so far. A server that does not run counts as 0.
func (b *benchSite) readUse(ctx context.Context) (now resourceUse, err error) {
	now.at = time.Now()
	if pid, err := b.metadb.Pid(); err == nil {
		if now.server, err = testbed.ProcessCPU(pid); err != nil {
			return now, err
		}
		if now.memory, err = b.metadb.PeakMemory(); err != nil {
			return now, err
		}
		if now.mallocs, now.allocated, err = readAllocations(ctx, b.metadb.HTTPPort); err != nil {
			return now, err
		}
	}
	if now.broker, err = testbed.ProcessCPU(b.broker.Pid()); err != nil {
		return now, err
	}
	pid, err := b.cluster.Pid()
	if err != nil {
		return now, err
	}
	if now.postgres, err = testbed.ProcessCPU(pid); err != nil {
		return now, err
	}
	if now.machine, err = testbed.MachineCPU(); err != nil {
		return now, err
	}
	err = b.db.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").Scan(&now.wal)
	return now, err
}

// readAllocations returns the number and the bytes of a server's allocations since its start.
func readAllocations(ctx context.Context, port int) (mallocs, octets float64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(port)+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, fmt.Errorf("read the server's metrics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "go_memstats_mallocs_total":
			mallocs, err = strconv.ParseFloat(value, 64)
		case "go_memstats_alloc_bytes_total":
			octets, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return 0, 0, fmt.Errorf("read the server's metrics: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, 0, fmt.Errorf("read the server's metrics: %w", err)
	}
	if mallocs == 0 || octets == 0 {
		return 0, 0, fmt.Errorf("read the server's metrics: no allocations: %w", os.ErrNotExist)
	}
	return mallocs, octets, nil
}
