package resync_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"metadb/internal/change"
)

// modelTables are the tables of the model, in the order of endsync.
var modelTables = []change.Table{{Schema: "library", Name: "loan"}, {Schema: "library", Name: "patron"}}

const modelIDs = 4

// origin is a source with its connector: two tables that change, and topics with the changes
// that are not lost.
type origin struct {
	*rand.Rand
	held map[change.Table]map[int32]string
	// log has the records of each partition.
	log map[change.Partition][]change.Event
	// connector is the number of the connector, which is part of the names of its topics.
	connector  int
	partitions int32
	lsn        uint64
	// tx is the transaction of the latest attempt of a snapshot.
	tx     int64
	clock  change.Micros
	values int
	// undated has the original events of records of which at most the key could be read.
	undated map[change.Position]change.Event
}

func newOrigin(seed uint64) *origin {
	s := &origin{
		Rand: rand.New(rand.NewPCG(seed, 5)), held: make(map[change.Table]map[int32]string),
		log: make(map[change.Partition][]change.Event), connector: 1, clock: 1000, lsn: 100,
		undated: make(map[change.Position]change.Event),
	}
	s.partitions = 1 + s.Int32N(3)
	for _, name := range modelTables {
		s.held[name] = make(map[int32]string)
	}
	return s
}

// part returns the partition of the records of a key.
func (s *origin) part(name change.Table, id int32) change.Partition {
	return change.Partition{Topic: fmt.Sprintf("metadb_sensor_%d.%s", s.connector, name), Number: id % s.partitions}
}

// write appends a record.
func (s *origin) write(e change.Event, id int32) {
	part := s.part(e.Table, id)
	if e.Op == change.Reject && e.Shape == nil && s.IntN(2) == 0 {
		e.Table = change.Table{} // the table is unknown, too
	}
	e.Position = change.Position{Partition: part, Offset: int64(len(s.log[part]))}
	if e.Op == change.Reject && s.IntN(3) == 0 {
		s.undated[e.Position] = e
		e.Snapshot, e.FirstInSnapshot, e.LSN, e.Tx, e.Time = change.Streamed, false, 0, 0, 0
	}
	s.log[part] = append(s.log[part], e)
}

// happen changes a row of any table; the change is lost or streamed.
func (s *origin) happen(lost bool) { s.alter(modelTables[s.IntN(len(modelTables))], lost) }

// alter changes a row of a table.
func (s *origin) alter(name change.Table, lost bool) {
	id := s.Int32N(modelIDs)
	s.lsn += 8
	s.clock += change.Micros(s.IntN(3))
	old, exists := s.held[name][id]
	switch {
	case s.partitions == 1 && s.IntN(20) == 0:
		s.held[name] = make(map[int32]string)
		if !lost {
			s.write(change.Event{Op: change.Truncate, Source: name, Table: name, Time: s.clock * 1e6, LSN: s.lsn}, 0)
		}
		return
	case exists && s.IntN(3) == 0:
		delete(s.held[name], id)
		if !lost {
			s.write(s.gone(name, id), id)
		}
		return
	case exists && s.IntN(5) == 0:
		s.move(name, id, s.Int32N(modelIDs), lost)
		return
	case exists && s.IntN(4) == 0:
		// A column changed that this table does not have; Debezium does not send the value.
		if !lost {
			e := put(name.Name, id, old, s.clock)
			e.LSN, e.Row = s.lsn, change.AppendUnavailable(change.AppendValue(nil, binary.BigEndian.AppendUint32(nil, uint32(id))))
			s.write(e, id)
		}
		return
	}
	s.values++
	v := fmt.Sprintf("v%d", s.values)
	switch {
	case s.IntN(2) == 0:
		v = "same"
	case s.IntN(6) == 0:
		v += bad
	}
	s.set(name, id, v, lost)
}

// set sets the value of a row.
func (s *origin) set(name change.Table, id int32, v string, lost bool) {
	s.held[name][id] = v
	if !lost {
		s.write(s.row(name, id, v), id)
	}
}

// move changes the key of a row, if no row has the new key. If the records of both keys are in
// one partition, the value may be unavailable: otherwise nothing would keep their order here.
func (s *origin) move(name change.Table, from, to int32, lost bool) {
	if _, exists := s.held[name][to]; exists {
		return
	}
	v := s.held[name][from]
	delete(s.held[name], from)
	s.held[name][to] = v
	if lost {
		return
	}
	s.write(s.gone(name, from), from)
	e := s.row(name, to, v)
	if e.Op == change.Upsert {
		e.OldKey = change.AppendValue(nil, binary.BigEndian.AppendUint32(nil, uint32(from)))
		if s.part(name, from) == s.part(name, to) && s.IntN(2) == 0 {
			e.Row = change.AppendUnavailable(change.AppendValue(nil, binary.BigEndian.AppendUint32(nil, uint32(to))))
		}
	}
	s.write(e, to)
}

// bad is the end of a value that PostgreSQL refuses.
const bad = "\x00"

func isBad(v string) bool { return strings.HasSuffix(v, bad) }

// spoil turns an event with a bad value into a record that can't be applied: PostgreSQL refuses
// the value, or the record can't be decoded, perhaps except for its key.
func (s *origin) spoil(e change.Event) change.Event {
	kind := s.IntN(4)
	if kind == 0 {
		return e
	}
	e.Op, e.Reason = change.Reject, "spoiled"
	if kind == 1 {
		e.Row = change.AppendCell(nil, e.Row.Cell(0))
		e.Shape = &change.Shape{Columns: e.Shape.Columns[:1], Key: []int{0}}
	} else {
		e.Shape, e.Row = nil, nil
	}
	return e
}

func (s *origin) row(name change.Table, id int32, v string) change.Event {
	e := put(name.Name, id, v, s.clock)
	if e.LSN = s.lsn; isBad(v) {
		return s.spoil(e)
	}
	return e
}

func (s *origin) gone(name change.Table, id int32) change.Event {
	e := put(name.Name, id, "", s.clock)
	e.Op, e.LSN = change.Delete, s.lsn
	e.Shape = &change.Shape{Columns: e.Shape.Columns[:1], Key: []int{0}}
	e.Row = change.AppendValue(nil, binary.BigEndian.AppendUint32(nil, uint32(id)))
	return e
}

// snapshot writes the rows of some tables as an initial or a blocking snapshot, or, for an
// incremental one, row by row between changes.
func (s *origin) snapshot(incremental bool, tables []change.Table) {
	if !incremental {
		s.initially(tables)
		return
	}
	s.lsn += 8
	s.clock++
	for _, name := range tables {
		for id := range int32(modelIDs) {
			for s.IntN(3) == 0 {
				s.happen(false)
			}
			v, exists := s.held[name][id]
			if !exists {
				continue
			}
			e := s.row(name, id, v)
			e.Snapshot, e.LSN = change.Incremental, 0
			s.write(e, id)
		}
	}
}
