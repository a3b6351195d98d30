package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"metadb/internal/testkit/testbed"
)

// fault is a disturbance that ends by itself.
type fault struct {
	// weight is the relative frequency of the fault.
	weight int
	name   string
	inject func()
}

// injectFault injects a random fault and ends it.
func (w *environment) injectFault() {
	w.t.Helper()
	torments := w.listFaults()
	if *only != "" {
		torments = slices.DeleteFunc(torments, func(one fault) bool { return !slices.Contains(strings.Split(*only, ","), one.name) })
	}
	sum := 0
	for _, one := range torments {
		sum += one.weight
	}
	at := w.random.IntN(sum)
	for _, one := range torments {
		if at -= one.weight; at < 0 {
			w.counts[one.name]++
			w.trail = append(w.trail, one.name)
			one.inject()
			return
		}
	}
}

func (w *environment) listFaults() []fault {
	torments := []fault{
		{12, "kill -9", func() { w.pause(500 * time.Millisecond); w.kill(); w.start() }},
		{12, "kill -9 as rows come", func() { w.awaitProgress(); w.pause(30 * time.Millisecond); w.kill(); w.start() }},
		{6, "kill -9 at the start", func() { w.kill(); w.start(); w.kill(); w.start() }},
		{1, "stop", func() { w.stop(); w.start() }},
		{1, "PostgreSQL crashes", func() { w.pause(300 * time.Millisecond); w.database(w.cluster.Crash) }},
		{1, "PostgreSQL restarts", func() { w.pause(300 * time.Millisecond); w.database(w.cluster.Stop) }},
		{2, "connections cut", func() {
			w.pause(300 * time.Millisecond)
			w.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mdbadmin'")
		}},
		{1, "broker away", func() { w.away.Store(true); w.pause(3 * time.Second); w.away.Store(false) }},
		{2, "positions moved back", func() {
			w.sql(fmt.Sprintf("UPDATE metadb.stream_position SET next_offset = greatest(0, next_offset - %d)", w.random.IntN(200)))
		}},
		{2, "sent again", func() { w.crashConnector() }},
		{1, "hostile", func() { w.write(w.source.bad()) }},
		{1, "rival in the group", func() { w.joinRivalConsumer() }},
		{1, "snapshot", func() { w.write(w.source.snapshot(w.snapshotTables())) }},
		{1, "incremental snapshot", func() { w.write(w.source.incremental(w.someTables())) }},
		{1, "nothing", func() { w.pause(500 * time.Millisecond) }},
	}
	if w.partitions > 1 {
		torments = append(torments, fault{1, "partition added", func() { w.addPartition(w.source.topic(w.someTables()[0])) }})
	}
	return torments
}

// someTables returns one random table or all.
func (w *environment) someTables() []*table {
	if w.random.IntN(2) == 0 {
		return w.source.tables
	}
	i := w.random.IntN(len(w.source.tables))
	return w.source.tables[i : i+1]
}

// snapshotTables returns the tables of a snapshot: all of them while the whole source is
// synchronized, since confirmations of earlier attempts are not valid any more.
func (w *environment) snapshotTables() []*table {
	tables := w.someTables()
	if slices.ContainsFunc(w.source.tables, func(t *table) bool { return !t.confirms }) {
		return tables
	}
	return w.source.tables
}

// database ends PostgreSQL with a function and starts it again.
func (w *environment) database(end func() error) {
	w.t.Helper()
	if err := end(); err != nil {
		w.t.Fatal(err)
	}
	w.pause(time.Second)
	if err := w.cluster.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// awaitProgress waits until the server has read on, at most for a second: there may be no
// record to read.
func (w *environment) awaitProgress() {
	before := w.position()
	_ = testbed.Eventually(w.t.Context(), time.Second, "read on", func() error {
		if w.position() == before {
			return errors.New("nothing was read")
		}
		return nil
	})
}

// position returns the number of records that have been read, by the database. It also updates
// the number of sessions that apply them.
func (w *environment) position() (sum int64) {
	var sessions int
	_ = w.scan(`SELECT coalesce(sum(next_offset), 0)::bigint, (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'metadb stream')
		FROM metadb.stream_position`, &sum, &sessions)
	w.sessions = max(w.sessions, sessions)
	return sum
}
