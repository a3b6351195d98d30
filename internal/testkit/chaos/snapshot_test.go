package chaos

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/testkit/eventgen"
)

// snapshot returns the records of an initial or a blocking snapshot of some tables.
func (s *source) snapshot(tables []*table) []*kgo.Record {
	s.commits()
	var records []*kgo.Record
	for i, t := range tables {
		t.altered = false
		ids := slices.Sorted(maps.Keys(t.rows))
		for k, id := range ids {
			mark := "true"
			switch {
			case i == len(tables)-1 && k == len(ids)-1:
				mark = "last"
			case k == len(ids)-1:
				mark = "last_in_data_collection"
			case k == 0:
				mark = "first_in_data_collection"
			}
			c := eventgen.Change{Op: 'r', Row: t.event(id, t.rows[id], false), Time: s.now, LSN: s.lsn, Snapshot: mark}
			records = append(records, s.read(t, c)...)
		}
	}
	// A connector that crashes does not send records from before its snapshot again.
	s.sent = nil
	return records
}

// incremental returns the records of an incremental snapshot of some tables: rows one by one,
// with changes in between. Rows have no lsn of their own.
func (s *source) incremental(tables []*table) []*kgo.Record {
	var records []*kgo.Record
	for _, t := range tables {
		t.altered = false
		for id := range int64(ids) {
			if s.random.IntN(3) == 0 {
				records = append(records, s.changes(1)...)
			}
			values, exists := t.rows[id]
			if !exists {
				continue
			}
			s.tick()
			c := eventgen.Change{Op: 'r', Row: t.event(id, values, false), Time: s.now, Snapshot: "incremental"}
			records = append(records, s.read(t, c)...)
		}
	}
	return records
}
