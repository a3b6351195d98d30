package resync_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/resync"
	"metadb/internal/target/consistency"
	"metadb/internal/testkit/oracle"
)

// modelSeeds is the number of seeds in TestModel; METADB_RESYNC_SEEDS sets another one.
const modelSeeds = 300

// TestModel runs random changes at the source, losses of the stream, and kills of the server
// and of endsync. After a resynchronization of a data source or of one table, with any kind of
// snapshot and during changes, the current rows are equal to the source's, the history to the
// oracle's, and no living row has ended.
func TestModel(t *testing.T) {
	seeds := modelSeeds
	if n, err := strconv.Atoi(os.Getenv("METADB_RESYNC_SEEDS")); err == nil {
		seeds = n
	} else if testing.Short() {
		seeds = 100
	}
	for worker := range modelWorkers {
		t.Run(fmt.Sprintf("every %d from %d", modelWorkers, worker), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			// The tables are made once: their layout is not tested.
			r.apply(put("loan", 1, "a", 1), put("patron", 1, "a", 1))
			seed := worker
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			for ; seed < seeds; seed += modelWorkers {
				m := &model{rig: r, origin: newOrigin(uint64(seed)), t: t, doubts: make(map[change.Table]int)}
				m.clear()
				m.live(1)
				_ = m.applier.Close(context.Background())
				if t.Failed() {
					return
				}
			}
		})
	}
}

// modelWorkers is the number of seeds that run at a time, each in its own database.
const modelWorkers = 4

// clear empties the database.
func (m *model) clear() {
	m.exec(`TRUNCATE library.loan__, library.patron__, library.zzz___loan___sync, library.zzz___patron___sync,
		metadb.stream_position, metadb.resync, metadb.resync_from, metadb.rejected_event, metadb.truncation,
		metadb.confirmed_since, metadb.confirmed_change, metadb.confirmed_floor`)
	m.exec("UPDATE metadb.target_table SET last_end = NULL")
	m.exec("UPDATE metadb.source SET sync = 1, topics = '^metadb_sensor_1\\.', consumer_group = 'metadb_sensor_1_1'")
	m.oracle = oracle.New()
	m.begin()
}

// live runs an initial snapshot, and rounds in which the stream is lost and a resynchronization
// follows.
func (m *model) live(rounds int) {
	for range 8 {
		m.happen(true)
	}
	incremental := m.IntN(3) == 0
	if !incremental && m.IntN(3) == 0 { // an earlier connector
		m.streamOn(4)
		for range m.IntN(6) {
			m.happen(true)
		}
	}
	m.snapshot(incremental, modelTables)
	m.streamOn(10)
	m.drain()
	m.endsync(resync.Target{Source: "sensor"})
	m.check(modelTables)
	for range rounds {
		// Some of it is read, or all of it is a backlog.
		m.lazy = m.IntN(2) == 0
		m.streamOn(8)
		m.lazy = false
		for range 1 + m.IntN(8) {
			m.happen(true)
		}
		switch m.IntN(3) {
		case 0:
			m.newTopics()
		case 1:
			m.sameTopics(resync.Target{Source: "sensor"}, modelTables)
		case 2:
			// One table after the other.
			for _, i := range m.Perm(len(modelTables)) {
				m.sameTopics(resync.Target{Source: "sensor", Table: modelTables[i]}, modelTables[i:i+1])
			}
		}
		m.check(modelTables)
	}
	m.mend()
	m.check(modelTables)
}

// streamOn makes changes and applies some of them.
func (m *model) streamOn(changes int) {
	for range changes {
		m.happen(false)
		if m.IntN(3) == 0 && !m.lazy {
			m.step()
		}
	}
}

// newTopics has another connector send a snapshot. Unread records of the old one stay unread.
func (m *model) newTopics() {
	m.connector++
	m.partitions = 1 + m.Int32N(3)
	m.exec("UPDATE metadb.source SET topics = $1, consumer_group = $2", fmt.Sprintf(`^metadb_sensor_%d\.`, m.connector), m.group())
	if m.IntN(2) == 0 {
		m.snapshot(m.IntN(3) == 0, modelTables)
	}
	m.sync(resync.Target{Source: "sensor"}, modelTables)
	m.begin()
	m.streamOn(3)
	m.snapshot(m.IntN(3) == 0, modelTables) // it may be the second one
	m.finish(resync.Target{Source: "sensor"})
}

// sameTopics writes a snapshot to the topics of the stream, which may have a backlog.
func (m *model) sameTopics(target resync.Target, tables []change.Table) {
	if m.IntN(2) == 0 {
		m.step()
	}
	m.sync(target, tables)
	m.load()
	if m.IntN(3) == 0 {
		m.snapshot(true, tables)
		m.streamOn(3)
	}
	m.snapshot(m.IntN(2) == 0, tables)
	m.finish(target)
}

func (m *model) finish(target resync.Target) {
	m.streamOn(6)
	m.drain()
	m.endsync(target)
	m.drain()
}

// sync begins a resynchronization; the command may be killed.
func (m *model) sync(target resync.Target, tables []change.Table) {
	for begun := false; !begun; {
		ctx, cancel := m.danger(3)
		conn, err := m.connect(ctx)
		if err == nil {
			err = resync.Sync(ctx, conn, &scriptedPrompter{}, resync.SyncOptions{Target: target, Force: true, Bounds: m.bounds})
			_ = conn.Close(context.Background())
		}
		if err != nil && ctx.Err() == nil {
			m.t.Fatalf("sync %s: %v", target, err)
		}
		cancel()
		m.load()
		_, begun = m.scope.Targets()[target]
	}
	for _, name := range tables {
		m.oracle.BeginResync(name)
	}
	clear(m.doubts)
	m.present = change.Event{}
}

// check compares the tables with the source and with the oracle.
func (m *model) check(tables []change.Table) {
	m.t.Helper()
	m.drain()
	for _, name := range tables {
		var want []string
		for id, v := range m.held[name] {
			want = append(want, fmt.Sprintf("%d %s", id, v))
		}
		slices.Sort(want)
		got := m.query("SELECT id || ' ' || coalesce(v, '') FROM library." + name.Name)
		// An older version of a row with a bad value may be current.
		aside := func(line string) bool { return isBad(m.held[name][int32(line[0]-'0')]) }
		got, want = slices.DeleteFunc(got, aside), slices.DeleteFunc(want, aside)
		if !slices.Equal(got, want) {
			m.t.Errorf("%s has\n%s\nthe source\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		var versions []string
		if table := m.oracle.Table(name); table != nil {
			for _, v := range table.Versions {
				versions = append(versions, fmt.Sprintf("%s %s %d %d", v.Values[0].Text, v.Values[1].Text, v.Start/1e6, v.End/1e6))
			}
		}
		slices.Sort(versions)
		got = m.query("SELECT id || ' ' || coalesce(v, '') || ' ' || extract(epoch FROM __start)::bigint || ' ' || extract(epoch FROM __end)::bigint FROM library." + name.Name + "__")
		if !slices.Equal(got, versions) {
			m.t.Errorf("%s has the versions\n%s\nthe oracle\n%s", name, strings.Join(got, "\n"), strings.Join(versions, "\n"))
		}
	}
	findings, err := consistency.Verify(context.Background(), m.db.Pool, consistency.Report{})
	if m.must(err); len(findings) > 0 {
		m.t.Errorf("verify consistency: %+v", findings)
	}
}

// query returns the texts of a query, sorted.
func (m *model) query(sql string) []string {
	m.t.Helper()
	rows, err := m.db.Pool.Query(context.Background(), sql)
	m.must(err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	m.must(err)
	slices.Sort(found)
	return found
}
