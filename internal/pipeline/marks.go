package pipeline

import (
	"slices"

	"metadb/internal/change"
)

// marks are what the records of a batch say about snapshots.
type marks struct {
	// all is about the snapshot of the data source, tables about those of
	// single tables.
	all    telling
	tables map[change.Table]telling
	// notices are Debezium's notifications, in their order.
	notices []notice
	// end says that some record tells the end of a snapshot, or is a
	// notification, ends where such records are.
	end  bool
	ends []change.Partition
}

// telling is what records say about one snapshot: that there are any, which of
// them bear a mark of the last.
type telling struct {
	records bool
	last    []lastRecord
}

// lastRecord is a record with a mark of the last, and the snapshot it is of.
type lastRecord struct {
	change.Position
	id      change.SnapshotID
	attempt change.Attempt
}

// notice is one of Debezium's notifications, which has been routed.
type notice struct {
	change.Notice
	at change.Position
	// named says that it is about one table, which is filtered out where table is
	// empty.
	named bool
	table change.Table
}

// of returns what is said about the snapshot of a table, or of AllTables.
func (m *marks) of(table change.Table) telling {
	if table == AllTables {
		return m.all
	}
	return m.tables[table]
}

// note notes what an event says, which has been routed.
func (m *marks) note(e *change.Event) {
	if e.Snapshot == change.Streamed && e.Notice == nil {
		return
	}
	if m.tables == nil {
		m.tables = make(map[change.Table]telling)
	}
	if e.Notice != nil {
		m.notices = append(m.notices, notice{*e.Notice, e.Position, e.Source != change.Table{}, e.Table})
		m.noteEnd(e)
	}
	if e.Snapshot == change.Streamed {
		return
	}
	m.all.records = true
	if e.Snapshot == change.LastInSnapshot {
		m.all.last = append(m.all.last, lastOf(e))
	}
	of, known := m.tables[e.Table]
	last := e.Snapshot == change.LastInSnapshot || e.Snapshot == change.LastInTable
	if known && of.records && !last {
		return
	}
	if of.records = true; last {
		of.last = append(of.last, lastOf(e))
	}
	m.tables[e.Table] = of
	if last {
		m.noteEnd(e)
	}
}

func lastOf(e *change.Event) lastRecord {
	return lastRecord{e.Position, change.SnapshotID{LSN: e.LSN, Time: e.Time}, change.AttemptOf(e)}
}

// noteEnd notes where the end of a snapshot is told, or what that depends on.
func (m *marks) noteEnd(e *change.Event) {
	m.end = true
	m.ends = append(m.ends, e.Position.Partition)
}

// join adds what other marks say.
func (m *marks) join(other *marks) {
	m.all = m.all.or(other.all)
	if m.tables == nil {
		m.tables = make(map[change.Table]telling)
	}
	for table, of := range other.tables {
		m.tables[table] = m.tables[table].or(of)
	}
	m.notices = append(m.notices, other.notices...)
	m.end = m.end || other.end
	m.ends = append(m.ends, other.ends...)
}

// or returns what either of two says.
func (t telling) or(other telling) telling {
	t.records, t.last = t.records || other.records, append(t.last, other.last...)
	return t
}

// recordsOnly returns the marks without what they say of ends.
func (m *marks) recordsOnly() marks {
	only := marks{all: telling{records: m.all.records}, tables: make(map[change.Table]telling)}
	for table, of := range m.tables {
		only.tables[table] = telling{records: of.records}
	}
	return only
}

// drop forgets marks in a partition whose records will be read again.
func (m *marks) drop(part change.Partition) {
	there := func(at change.Position) bool { return at.Partition == part }
	m.all = m.all.without(there)
	for table, of := range m.tables {
		m.tables[table] = of.without(there)
	}
	m.notices = slices.DeleteFunc(m.notices, func(n notice) bool { return there(n.at) })
	m.ends = slices.DeleteFunc(m.ends, func(end change.Partition) bool { return end == part })
}

// without returns what is said elsewhere.
func (t telling) without(there func(change.Position) bool) telling {
	t.last = slices.DeleteFunc(t.last, func(record lastRecord) bool { return there(record.Position) })
	return t
}
