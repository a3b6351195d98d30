package pipeline

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"metadb/internal/change"
)

// sourceKind has the properties of a model's source and connector.
type sourceKind struct {
	partitions int
	// sequenced says that events have source.sequence, millis that times have no
	// microseconds (before Debezium 2.6).
	sequenced, millis bool
	// grows says that partitions are added. restored and moved say that the source is restored
	// from a backup, or moved to a server with lower positions.
	grows, restored, moved bool
	// late says that the partitions are not read in the order of their changes. It has no truncates:
	// for those see internal/testkit/oracle, TestOrderOfPartitions.
	late bool
	// loses says that a connector that crashes loses the records in its producer's memory, of
	// some partitions only.
	loses bool
	// twice says that a topic of one partition gets others within a transaction, keys move to
	// them and back, and the server sees them only later.
	twice bool
	// crowded says that hundreds of changes have the same time, by transactions that run side
	// by side.
	crowded bool
}

// sourceTable is the model's only table.
var (
	rowShape = &change.Shape{
		Columns: []change.Column{{Name: "id", Type: change.Integer}, {Name: "v", Type: change.Text}},
		Key:     []int{0},
	}
	rowKeyShape = &change.Shape{Columns: rowShape.Columns[:1], Key: []int{0}}
)

// mostKeys bounds the rows of the table.
const mostKeys = 12

// modelSource is a PostgreSQL database with concurrent transactions, and the connector
// that reads them in the order of their commits.
type modelSource struct {
	*rand.Rand
	sourceKind
	table change.Table
	rows  map[int32]string
	// locks are held by open transactions; 0 is free.
	locks map[int32]*transaction
	open  []*transaction
	// changed is when rows were changed last.
	changed map[int32]change.Micros
	lsn     uint64
	clock   change.Micros
	// txs counts the transactions.
	txs int64
	// commit is the position behind the last commit, 0 before the connector's first one.
	commit uint64
	// stream has the changes in their order, each once. run is the index of the present
	// connector's first change.
	stream []change.Event
	run    int
}

type transaction struct {
	id     int64
	events []change.Event
	locked []int32
}

func newModelSource(random *rand.Rand, kind sourceKind, table change.Table) *modelSource {
	return &modelSource{
		Rand: random, sourceKind: kind, table: table, rows: make(map[int32]string), locks: make(map[int32]*transaction), changed: make(map[int32]change.Micros),
		lsn: 1_000_000, clock: 1_780_000_000_000_000,
	}
}

// step does one random thing in a transaction.
func (s *modelSource) step() {
	changes := 1 + s.IntN(3)
	switch {
	case !s.crowded:
		s.clock += change.Micros(s.IntN(200))
	case s.IntN(10) == 0:
		s.clock += 1000
	case s.IntN(10) == 0: //nolint:gocritic // it draws once more
		s.crowd()
	default:
		changes = s.IntN(60)
	}
	if len(s.open) == 0 || len(s.open) < 3 && s.IntN(4) == 0 {
		s.open = append(s.open, s.transaction())
	}
	t := s.open[s.IntN(len(s.open))]
	for range changes {
		s.change(t)
	}
	if s.IntN(3) == 0 {
		s.finish(t)
	}
}

// crowd commits many transactions while others are open.
func (s *modelSource) crowd() {
	for range 150 {
		t := s.transaction()
		s.change(t)
		s.finish(t)
	}
}

func (s *modelSource) transaction() *transaction {
	s.txs++
	return &transaction{id: s.txs}
}

// settle commits the open transactions.
func (s *modelSource) settle() {
	for len(s.open) > 0 {
		s.finish(s.open[0])
	}
}

// advance moves the position on.
func (s *modelSource) advance() { s.lsn += 8 * uint64(1+s.IntN(4)) }

// change makes a random change in a transaction, unless the row is locked.
func (s *modelSource) change(t *transaction) {
	s.advance()
	id := s.Int32N(mostKeys)
	if s.twice {
		id = 3 * s.Int32N(2) // of two rows one moves to another partition and back
	}
	if !s.late && !s.twice && s.IntN(40) == 0 {
		s.truncate(t)
		return
	}
	if !s.lock(t, id) {
		return
	}
	value, exists := s.rows[id]
	switch kind := s.IntN(12); {
	case !exists && kind < 4:
		s.multiInsert(t)
	case exists && kind < 3:
		s.put(t, id, value) // alters nothing
	case exists && kind < 5:
		s.remove(t, id)
	case exists && kind < 7:
		s.move(t, id)
	default:
		s.put(t, id, string("abc"[s.IntN(3)]))
	}
}

func (s *modelSource) lock(t *transaction, id int32) bool {
	switch s.locks[id] {
	case t:
		return true
	case nil:
		s.locks[id] = t
		t.locked = append(t.locked, id)
		return true
	}
	return false
}

// event returns an event at the present position. Its time and the commit before it come with
// the transaction's end.
func (s *modelSource) event(op change.Op) change.Event {
	return change.Event{Op: op, Source: s.table, Table: s.table, LSN: s.lsn, Complete: true}
}

func intCell(row change.Row, n int32) change.Row {
	return change.AppendValue(row, binary.BigEndian.AppendUint32(nil, uint32(n)))
}

func (s *modelSource) upsert(id int32, value string) change.Event {
	e := s.event(change.Upsert)
	e.Shape, e.Row = rowShape, change.AppendValue(intCell(nil, id), []byte(value))
	return e
}

func (s *modelSource) put(t *transaction, id int32, value string) {
	e := s.upsert(id, value)
	_, exists := s.rows[id]
	e.Created = !exists
	s.rows[id] = value
	t.events = append(t.events, e)
}

func (s *modelSource) remove(t *transaction, id int32) {
	delete(s.rows, id)
	e := s.event(change.Delete)
	e.Shape, e.Row = rowKeyShape, intCell(nil, id)
	t.events = append(t.events, e)
}

// multiInsert inserts several rows at one position, as COPY does.
func (s *modelSource) multiInsert(t *transaction) {
	for id := range int32(mostKeys) {
		if _, exists := s.rows[id]; !exists && s.IntN(2) == 0 && s.lock(t, id) {
			s.put(t, id, string("abc"[s.IntN(3)]))
		}
	}
}

// move changes the key of a row: two events at one position. Where all are in one partition, the new
// row may have a value that is not sent.
func (s *modelSource) move(t *transaction, from int32) {
	to := s.Int32N(mostKeys)
	if _, exists := s.rows[to]; exists || !s.lock(t, to) {
		return
	}
	value := s.rows[from]
	s.remove(t, from)
	s.rows[to] = value
	e := s.upsert(to, value)
	e.OldKey, e.Created = intCell(nil, from), true
	if s.partitions == 1 && !s.grows && !s.twice && s.IntN(2) == 0 {
		e.Row, e.Complete = change.AppendUnavailable(intCell(nil, to)), false
	}
	t.events = append(t.events, e)
}

// truncate empties the table, if no other transaction has a row of it.
func (s *modelSource) truncate(t *transaction) {
	for id := range int32(mostKeys) {
		if holder := s.locks[id]; holder != nil && holder != t {
			return
		}
	}
	for id := range int32(mostKeys) {
		s.lock(t, id)
	}
	clear(s.rows)
	t.events = append(t.events, s.event(change.Truncate))
}

// finish commits a transaction.
func (s *modelSource) finish(t *transaction) {
	s.open = slices.DeleteFunc(s.open, func(other *transaction) bool { return other == t })
	for _, id := range t.locked {
		delete(s.locks, id)
	}
	at := s.time()
	for _, id := range t.locked {
		at = max(at, s.changed[id]) // its lock was free only then
	}
	for _, id := range t.locked {
		s.changed[id] = at
	}
	for _, e := range t.events {
		e.Time, e.Tx = at, t.id
		if s.sequenced {
			e.Commit = s.commit
		}
		s.stream = append(s.stream, e)
	}
	s.advance()
	s.commit = s.lsn
}

// time returns the time of a commit.
func (s *modelSource) time() change.Micros {
	at := s.clock
	if s.IntN(8) == 0 {
		at -= change.Micros(s.IntN(50)) // of two commits at once the second may have the earlier time
	}
	if s.millis {
		at = at / 1000 * 1000
	}
	return at
}

// restart replaces the source and its connector. The new connector sends changes to the same
// topics after it has read all rows. All times are later.
func (s *modelSource) restart(lsn uint64) {
	s.settle()
	s.clock += 5_000_000
	s.lsn, s.commit, s.run = lsn, 0, len(s.stream)
	if s.IntN(2) == 0 {
		return // the connector is configured to read no rows
	}
	for id := range int32(mostKeys) {
		if value, exists := s.rows[id]; exists {
			e := s.upsert(id, value)
			e.Snapshot, e.Time = change.InSnapshot, s.time()
			s.stream = append(s.stream, e)
		}
	}
	s.run = len(s.stream)
	s.clock += 1000
	s.advance()
}
