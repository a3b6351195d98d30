package resync_test

import (
	"slices"

	"metadb/internal/change"
	"metadb/internal/pipeline"
	"metadb/internal/resync"
)

// initially writes an initial or a blocking snapshot of some tables, which the connector gives
// up at any record and begins anew, any number of times. Changes between two attempts are lost
// to the stream, as in an initial snapshot, or streamed before the later attempt, as around a
// blocking one.
func (s *origin) initially(tables []change.Table) {
	for s.IntN(2) == 0 {
		records := s.attempt(tables)
		s.send(records[:s.IntN(len(records)+1)])
		lost := s.IntN(3) > 0
		for range s.IntN(6) {
			s.alter(tables[s.IntN(len(tables))], lost)
		}
		if lost && s.IntN(4) == 0 {
			s.held[tables[s.IntN(len(tables))]] = make(map[int32]string)
		}
	}
	records := s.attempt(tables)
	readable := func(r record) bool { return r.Op == change.Upsert }
	if !slices.ContainsFunc(records, readable) { // an attempt without such a record can't be noticed
		s.held[tables[0]][0] = "same"
		records = s.attempt(tables)
	}
	s.send(records)
}

// attempt returns the records of one attempt: the rows at its beginning.
func (s *origin) attempt(tables []change.Table) []record {
	s.lsn += 8
	s.clock++
	s.tx++
	var records []record
	for _, name := range tables {
		for id := range int32(modelIDs) {
			v, exists := s.held[name][id]
			if !exists {
				continue
			}
			s.clock += change.Micros(s.IntN(8) / 7) // times may differ
			e := s.row(name, id, v)
			e.Snapshot, e.Tx, e.FirstInSnapshot = change.InSnapshot, s.tx, len(records) == 0
			records = append(records, record{e, id})
		}
		if n := len(records); n > 0 && records[n-1].Source == name && s.IntN(2) == 0 {
			records[n-1].Snapshot = change.LastInTable
		}
	}
	if n := len(records); n > 0 {
		records[n-1].Snapshot = change.LastInSnapshot
	}
	return records
}

// record is a record to be written, with the id of its row.
type record struct {
	change.Event
	id int32
}

// send writes the records of an attempt.
func (s *origin) send(records []record) {
	for _, r := range records {
		s.write(r.Event, r.id)
	}
}

// awaited returns the expected snapshots as the server gives them to a pipeline. filled means
// that the source has rows already.
func awaited(scope *resync.Scope, filled bool) []pipeline.ExpectedSnapshot {
	var all []pipeline.ExpectedSnapshot
	for target, snapshot := range scope.Snapshots() {
		expected := pipeline.ExpectedSnapshot{
			Table: target.Table, Since: snapshot.Since, StartedAt: snapshot.Begun, Notified: snapshot.Notified, PreviousSnapshot: snapshot.Before,
			Complete: snapshot.Complete, Attempts: snapshot.Attempts, KeepsConfirmed: snapshot.KeepsConfirmed, HasTables: filled,
		}
		if scope.Mode() != resync.Initial {
			expected.IsCovered = snapshot.IsCovered
		}
		all = append(all, expected)
	}
	return all
}

// mark sets the snapshot signals of a batch and the confirmations of its events, as the server
// does.
func mark(batch *change.Batch, scope *resync.Scope, filled bool) {
	batch.Snapshots = pipeline.ObserveSnapshots(batch.Events, awaited(scope, filled))
	now := scope.After(batch.Snapshots)
	batch.NotesChanges = !now.KeepsConfirmed()
	for i := range batch.Events {
		now.Mark(&batch.Events[i])
	}
}

// confirmedAt reports whether the record at a position belongs to a synchronization, and stores
// the latest attempt of the snapshot.
func (m *model) confirmedAt(e *change.Event) bool {
	confirmed := false
	for target, snapshot := range m.scope.Snapshots() {
		if !snapshot.IsCovered(e.Position) && m.scope.Mode() != resync.Initial {
			continue
		}
		confirmed = true
		initial := e.Snapshot != change.Streamed && e.Snapshot != change.Incremental
		if initial && (target.Whole() || target.Table == e.Table) && e.Tx > m.present.Tx {
			m.present = *e
		}
	}
	return confirmed
}

// survives reports whether an event shows that a row was at the source after the beginning of
// the latest attempt: a record of the attempt, or a later read or change.
func (m *model) survives(e change.Event) bool {
	switch {
	case m.present.Tx == 0:
		return true
	case e.Snapshot == change.Streamed:
		return e.LSN > m.present.LSN
	case e.Snapshot == change.Incremental:
		return e.Time >= m.present.Time
	}
	return e.Tx == m.present.Tx
}
