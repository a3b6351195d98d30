package pipeline

import "metadb/internal/change"

// marks are what the records of a batch say about snapshots.
type marks struct {
	// all is about the snapshot of the data source, tables about those of
	// single tables.
	all    telling
	tables map[change.Table]telling
	// incrementalDone is a notification that does not name its tables.
	incrementalDone bool
	// end says that some record tells the end of a snapshot.
	end bool
}

// telling is what records say about one snapshot: that there are any, that one of
// them bears a mark of the last, that a notification calls it complete.
type telling struct {
	records, last, done bool
	// lastIn is the partition of the record with the mark.
	lastIn change.Partition
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
	if e.Snapshot == change.Streamed && e.Done == change.NotDone {
		return
	}
	if m.tables == nil {
		m.tables = make(map[change.Table]telling)
	}
	m.noteDone(e)
	if e.Snapshot == change.Streamed {
		return
	}
	m.all.records = true
	if e.Snapshot == change.LastInSnapshot {
		m.all.last, m.all.lastIn = true, e.Position.Partition
	}
	of, known := m.tables[e.Table]
	last := e.Snapshot == change.LastInSnapshot || e.Snapshot == change.LastInTable
	if known && of.records && !last {
		return
	}
	if of.records = true; last {
		of.last, of.lastIn = true, e.Position.Partition
	}
	m.tables[e.Table] = of
	m.end = m.end || last
}

// drop forgets marks in a partition whose records will be read again.
func (m *marks) drop(part change.Partition) {
	m.all.last = m.all.last && m.all.lastIn != part
	for table, of := range m.tables {
		of.last = of.last && of.lastIn != part
		m.tables[table] = of
	}
}

// noteDone notes a notification.
func (m *marks) noteDone(e *change.Event) {
	if e.Done == change.NotDone {
		return
	}
	m.end = true
	switch {
	case e.Source != change.Table{}:
		of := m.tables[e.Table]
		of.done = true
		m.tables[e.Table] = of
	case e.Done == change.SnapshotDone:
		m.all.done = true
	default:
		m.incrementalDone = true
	}
}
