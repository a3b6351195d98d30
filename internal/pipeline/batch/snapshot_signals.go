package batch

import (
	"slices"

	"metadb/internal/change"
)

// Signals are the signals of snapshots in the records of a batch.
type Signals struct {
	// All has the signals of the data source's snapshot, tables those of single
	// tables.
	All    TableSignals
	tables map[change.Table]TableSignals
	// Notifications are Debezium's notifications, in their order.
	Notifications []Notification
	// HasEnd says that a record has the mark of a snapshot's end, or is a
	// notification; endPartitions are the partitions of such records.
	HasEnd        bool
	EndPartitions []change.Partition
}

// TableSignals are the signals of one snapshot: that records of it were read, and those
// with a mark of the last.
type TableSignals struct {
	HasRecords  bool
	LastRecords []LastRecord
}

// LastRecord is a record with a mark of the last, with the id of its snapshot.
type LastRecord struct {
	change.Position
	Snapshot change.SnapshotID
	Attempt  change.Attempt
}

// Notification is a routed notification of Debezium.
type Notification struct {
	change.SnapshotNotification
	Position change.Position
	// IsOfTable says that it concerns one table, which is excluded by a filter if table is
	// empty.
	IsOfTable bool
	Table     change.Table
}

// SignalsOf returns the signals of the snapshot of a table, or of the whole source
// for the zero Table.
func (m *Signals) SignalsOf(table change.Table) TableSignals {
	if table == (change.Table{}) {
		return m.All
	}
	return m.tables[table]
}

// AddEvent adds the signals of a routed event.
func (m *Signals) AddEvent(e *change.Event) {
	if e.Snapshot == change.Streamed && e.Notification == nil {
		return
	}
	if m.tables == nil {
		m.tables = make(map[change.Table]TableSignals)
	}
	if e.Notification != nil {
		m.Notifications = append(m.Notifications, Notification{*e.Notification, e.Position, e.Source != change.Table{}, e.Table})
		m.addEnd(e)
	}
	if e.Snapshot == change.Streamed {
		return
	}
	m.All.HasRecords = true
	if e.Snapshot == change.LastInSnapshot {
		m.All.LastRecords = append(m.All.LastRecords, newLastRecord(e))
	}
	of, known := m.tables[e.Table]
	last := e.Snapshot == change.LastInSnapshot || e.Snapshot == change.LastInTable
	if known && of.HasRecords && !last {
		return
	}
	if of.HasRecords = true; last {
		of.LastRecords = append(of.LastRecords, newLastRecord(e))
	}
	m.tables[e.Table] = of
	if last {
		m.addEnd(e)
	}
}

func newLastRecord(e *change.Event) LastRecord {
	return LastRecord{e.Position, change.SnapshotID{LSN: e.LSN, Time: e.Time}, change.AttemptOf(e)}
}

// addEnd adds a record with the mark of a snapshot's end, or a notification.
func (m *Signals) addEnd(e *change.Event) {
	m.HasEnd = true
	m.EndPartitions = append(m.EndPartitions, e.Position.Partition)
}

// MergeSignals adds the signals of another batch.
func (m *Signals) MergeSignals(other *Signals) {
	m.All = m.All.mergedWith(other.All)
	if m.tables == nil {
		m.tables = make(map[change.Table]TableSignals)
	}
	for table, of := range other.tables {
		m.tables[table] = m.tables[table].mergedWith(of)
	}
	m.Notifications = append(m.Notifications, other.Notifications...)
	m.HasEnd = m.HasEnd || other.HasEnd
	m.EndPartitions = append(m.EndPartitions, other.EndPartitions...)
}

// mergedWith returns the signals of both.
func (t TableSignals) mergedWith(other TableSignals) TableSignals {
	t.HasRecords, t.LastRecords = t.HasRecords || other.HasRecords, append(t.LastRecords, other.LastRecords...)
	return t
}

// WithoutEnds returns the signals without those of ends.
func (m *Signals) WithoutEnds() Signals {
	only := Signals{All: TableSignals{HasRecords: m.All.HasRecords}, tables: make(map[change.Table]TableSignals)}
	for table, of := range m.tables {
		only.tables[table] = TableSignals{HasRecords: of.HasRecords}
	}
	return only
}

// dropPartition drops the signals in a partition that will be read again.
func (m *Signals) dropPartition(part change.Partition) {
	there := func(at change.Position) bool { return at.Partition == part }
	m.All = m.All.withoutRecords(there)
	for table, of := range m.tables {
		m.tables[table] = of.withoutRecords(there)
	}
	m.Notifications = slices.DeleteFunc(m.Notifications, func(n Notification) bool { return there(n.Position) })
	m.EndPartitions = slices.DeleteFunc(m.EndPartitions, func(end change.Partition) bool { return end == part })
}

// withoutRecords returns the signals without the records at some positions.
func (t TableSignals) withoutRecords(there func(change.Position) bool) TableSignals {
	t.LastRecords = slices.DeleteFunc(t.LastRecords, func(record LastRecord) bool { return there(record.Position) })
	return t
}
