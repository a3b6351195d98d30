package resync_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"metadb/internal/change"
)

// modelTables are the tables of the model, in the order in which endsync takes
// them.
var modelTables = []change.Table{{Schema: "library", Name: "loan"}, {Schema: "library", Name: "patron"}}

const modelIDs = 4

// origin is a source with its connector: two tables that change, and topics to
// which the changes are written, or are lost.
type origin struct {
	*rand.Rand
	held map[change.Table]map[int32]string
	// log has the records of each partition of the topics.
	log map[change.Partition][]change.Event
	// connector is the number of the connector, with which its topics begin.
	connector  int
	partitions int32
	lsn        uint64
	// tx is the transaction of the latest attempt of a snapshot.
	tx     int64
	clock  change.Micros
	values int
	// undated has the records of which nothing but the key could be read, if that, as they
	// are.
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

// part is where the records of a key are written.
func (s *origin) part(name change.Table, id int32) change.Partition {
	return change.Partition{Topic: fmt.Sprintf("metadb_sensor_%d.%s", s.connector, name), Number: id % s.partitions}
}

// write appends a record.
func (s *origin) write(e change.Event, id int32) {
	part := s.part(e.Table, id)
	if e.Op == change.Reject && e.Shape == nil && s.IntN(2) == 0 {
		e.Table = change.Table{} // not even that
	}
	e.Position = change.Position{Partition: part, Offset: int64(len(s.log[part]))}
	if e.Op == change.Reject && s.IntN(3) == 0 {
		s.undated[e.Position] = e
		e.Snapshot, e.FirstInSnapshot, e.LSN, e.Tx, e.Time = change.Streamed, false, 0, 0, 0
	}
	s.log[part] = append(s.log[part], e)
}

// happen changes some row, and streams it unless the stream is lost.
func (s *origin) happen(lost bool) { s.alter(modelTables[s.IntN(len(modelTables))], lost) }

// alter changes some row of a table.
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
		// Another column changed, of which this table has none; the value
		// is one that Debezium does not send.
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

// set gives a row a value.
func (s *origin) set(name change.Table, id int32, v string, lost bool) {
	s.held[name][id] = v
	if !lost {
		s.write(s.row(name, id, v), id)
	}
}

// move changes the key of a row, if there is none with the new key. Where both
// keys' records are in one partition, the value may be one that Debezium does not
// send: nothing would keep them in order here otherwise.
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

// bad is what makes a value one that PostgreSQL refuses.
const bad = "\x00"

func isBad(v string) bool { return strings.HasSuffix(v, bad) }

// spoil makes a record that can't be applied of one with a bad value: PostgreSQL
// refuses it, or it can't be decoded, but for its key perhaps.
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

// snapshot writes the rows of some tables: as an initial or a blocking snapshot, or one
// by one while changes go on, as an incremental one.
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
