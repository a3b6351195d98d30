package pipeline

import (
	"slices"

	"metadb/internal/change"
)

// snapshotSignals are the signals of snapshots in the records of a batch.
type snapshotSignals struct {
	// all has the signals of the data source's snapshot, tables those of single
	// tables.
	all    tableSignals
	tables map[change.Table]tableSignals
	// notifications are Debezium's notifications, in their order.
	notifications []notification
	// hasEnd says that a record has the mark of a snapshot's end, or is a
	// notification; endPartitions are the partitions of such records.
	hasEnd        bool
	endPartitions []change.Partition
}

// tableSignals are the signals of one snapshot: that records of it were read, and those
// with a mark of the last.
type tableSignals struct {
	hasRecords  bool
	lastRecords []lastRecord
}

// lastRecord is a record with a mark of the last, with the id of its snapshot.
type lastRecord struct {
	change.Position
	snapshot change.SnapshotID
	attempt  change.Attempt
}

// notification is a routed notification of Debezium.
type notification struct {
	change.SnapshotNotification
	position change.Position
	// isOfTable says that it concerns one table, which is excluded by a filter if table is
	// empty.
	isOfTable bool
	table     change.Table
}

// signalsOf returns the signals of the snapshot of a table, or of the whole source
// for the zero Table.
func (m *snapshotSignals) signalsOf(table change.Table) tableSignals {
	if table == (change.Table{}) {
		return m.all
	}
	return m.tables[table]
}

// addEvent adds the signals of a routed event.
func (m *snapshotSignals) addEvent(e *change.Event) {
	if e.Snapshot == change.Streamed && e.Notification == nil {
		return
	}
	if m.tables == nil {
		m.tables = make(map[change.Table]tableSignals)
	}
	if e.Notification != nil {
		m.notifications = append(m.notifications, notification{*e.Notification, e.Position, e.Source != change.Table{}, e.Table})
		m.addEnd(e)
	}
	if e.Snapshot == change.Streamed {
		return
	}
	m.all.hasRecords = true
	if e.Snapshot == change.LastInSnapshot {
		m.all.lastRecords = append(m.all.lastRecords, newLastRecord(e))
	}
	of, known := m.tables[e.Table]
	last := e.Snapshot == change.LastInSnapshot || e.Snapshot == change.LastInTable
	if known && of.hasRecords && !last {
		return
	}
	if of.hasRecords = true; last {
		of.lastRecords = append(of.lastRecords, newLastRecord(e))
	}
	m.tables[e.Table] = of
	if last {
		m.addEnd(e)
	}
}

func newLastRecord(e *change.Event) lastRecord {
	return lastRecord{e.Position, change.SnapshotID{LSN: e.LSN, Time: e.Time}, change.AttemptOf(e)}
}

// addEnd adds a record with the mark of a snapshot's end, or a notification.
func (m *snapshotSignals) addEnd(e *change.Event) {
	m.hasEnd = true
	m.endPartitions = append(m.endPartitions, e.Position.Partition)
}

// mergeSignals adds the signals of another batch.
func (m *snapshotSignals) mergeSignals(other *snapshotSignals) {
	m.all = m.all.mergedWith(other.all)
	if m.tables == nil {
		m.tables = make(map[change.Table]tableSignals)
	}
	for table, of := range other.tables {
		m.tables[table] = m.tables[table].mergedWith(of)
	}
	m.notifications = append(m.notifications, other.notifications...)
	m.hasEnd = m.hasEnd || other.hasEnd
	m.endPartitions = append(m.endPartitions, other.endPartitions...)
}

// mergedWith returns the signals of both.
func (t tableSignals) mergedWith(other tableSignals) tableSignals {
	t.hasRecords, t.lastRecords = t.hasRecords || other.hasRecords, append(t.lastRecords, other.lastRecords...)
	return t
}

// withoutEnds returns the signals without those of ends.
func (m *snapshotSignals) withoutEnds() snapshotSignals {
	only := snapshotSignals{all: tableSignals{hasRecords: m.all.hasRecords}, tables: make(map[change.Table]tableSignals)}
	for table, of := range m.tables {
		only.tables[table] = tableSignals{hasRecords: of.hasRecords}
	}
	return only
}

// dropPartition drops the signals in a partition that will be read again.
func (m *snapshotSignals) dropPartition(part change.Partition) {
	there := func(at change.Position) bool { return at.Partition == part }
	m.all = m.all.withoutRecords(there)
	for table, of := range m.tables {
		m.tables[table] = of.withoutRecords(there)
	}
	m.notifications = slices.DeleteFunc(m.notifications, func(n notification) bool { return there(n.position) })
	m.endPartitions = slices.DeleteFunc(m.endPartitions, func(end change.Partition) bool { return end == part })
}

// withoutRecords returns the signals without the records at some positions.
func (t tableSignals) withoutRecords(there func(change.Position) bool) tableSignals {
	t.lastRecords = slices.DeleteFunc(t.lastRecords, func(record lastRecord) bool { return there(record.Position) })
	return t
}
