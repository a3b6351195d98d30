package resync_test

import (
	"context"
	"errors"

	"metadb/internal/change"
	"metadb/internal/resync"
)

// endsync ends a synchronization, while the stream runs or is stopped. The command is killed in
// half of the tries.
func (m *model) endsync(target resync.Target) {
	m.settle(target)
	m.at = (m.clock - change.Micros(m.IntN(3))) * 1e6
	m.exec("UPDATE metadb.resync SET endsync_time = $1", m.at.UTC())
	for over := false; !over; {
		var live *resync.RunningServer
		if m.IntN(2) == 0 {
			live = &resync.RunningServer{Store: m.store, Exclusively: func(do func() error) error { return m.alone(target, do) }}
		}
		ctx, cancel := m.danger(2)
		conn, err := m.connect(ctx)
		if err == nil {
			_, err = resync.Endsync(ctx, conn, &scriptedPrompter{}, resync.EndsyncOptions{Target: target, Force: true, Server: live})
			_ = conn.Close(context.Background())
		}
		var doubt *resync.RiskError
		came := errors.As(err, &doubt) && doubt.Rejected // during the command
		if err != nil && !came && ctx.Err() == nil {
			m.t.Fatalf("endsync %s: %v", target, err)
		}
		cancel()
		m.load()
		if live != nil {
			m.must(m.store.Load(context.Background(), m.db.Pool))
		}
		m.follow(target)
		_, under := m.scope.Targets()[target]
		if over = !under; over || live == nil {
			m.begin()
		}
		if came {
			m.settle(target)
		}
		m.streamOn(2)
	}
}

// settle checks that endsync refuses where rejected events have unknown keys, because their
// rows may be at the source. These rows are then written again.
func (m *model) settle(target resync.Target) {
	doubts := 0
	for name, n := range m.doubts {
		if target.Whole() || name == target.Table || name == (change.Table{}) {
			doubts += n
		}
	}
	if doubts == 0 {
		doubts = m.unplaced(target)
	}
	if !m.scope.KeepsConfirmed() || doubts == 0 {
		return
	}
	m.killer.left = 0
	conn, err := m.connect(context.Background())
	m.must(err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = resync.Endsync(context.Background(), conn, &scriptedPrompter{}, resync.EndsyncOptions{Target: target, Force: true})
	var doubt *resync.RiskError
	if !errors.As(err, &doubt) || !doubt.Rejected {
		m.t.Fatalf("%d events of unknown rows are rejected, and endsync says %v", doubts, err)
	}
	m.mend()
	m.exec("TRUNCATE metadb.rejected_event")
	clear(m.doubts)
}

// unplaced returns the number of rejected events with known keys that may be of any attempt.
// The server decides which they are; where it is wrong, the rows differ.
func (m *model) unplaced(target resync.Target) (n int) {
	err := m.db.Pool.QueryRow(context.Background(), `
		SELECT count(*) FROM metadb.source AS s, metadb.rejected_event AS e JOIN metadb.resync AS r ON r.schema_name = $1 AND r.table_name = $2
			WHERE e.unconfirmed AND (s.sync = 1 OR e.rejected_time >= r.started_at) AND ($2 = '' OR e.table_name IS NULL OR e.schema_name = $1 AND e.table_name = $2)`,
		target.Table.Schema, target.Table.Name).Scan(&n)
	m.must(err)
	return n
}

// mend writes every row with a bad value anew.
func (m *model) mend() {
	for _, name := range modelTables {
		for id := range int32(modelIDs) {
			if isBad(m.held[name][id]) {
				m.lsn += 8
				m.set(name, id, "good", false)
			}
		}
	}
	m.drain()
}

// alone is resync.RunningServer.Exclusively; it makes changes and applies a batch before.
func (m *model) alone(target resync.Target, do func() error) error {
	m.follow(target)
	left := m.killer
	m.calm, m.lazy = true, true
	m.streamOn(6)
	m.lazy = false
	m.step()
	m.killer, m.calm = left, false
	return do()
}

// follow ends the tables in the oracle that endsync has completed. It is called before any
// later record is applied.
func (m *model) follow(target resync.Target) {
	for _, name := range modelTables {
		if !target.Whole() && target.Table != name || m.oracle.Table(name) == nil {
			continue
		}
		if _, under := m.scope.Targets()[target]; !under || !m.wouldEnd(target, name) {
			m.oracle.RecountConfirmed(name, m.survives)
			m.oracle.EndResync(name, m.at)
		}
	}
}

// wouldEnd reports whether a table has unconfirmed rows.
func (m *model) wouldEnd(target resync.Target, name change.Table) bool {
	progress, err := resync.LoadProgress(context.Background(), m.db.Pool, m.scope, target)
	m.must(err)
	if !progress.KeepsConfirmed() {
		return false
	}
	current, confirmed, err := progress.Count(context.Background(), m.db.Pool, m.store.Snapshot().Table(name))
	m.must(err)
	return current > confirmed
}
