package debezium

import (
	"errors"

	"metadb/internal/change"
)

// source is the block "source" of an envelope: where and when the change was made.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-create-events
type source struct {
	// connector is the kind of database, nil if it is absent.
	connector     []byte
	schema, table []byte
	snapshot      change.SnapshotMark
	// millis, micros and nanos are the time of the change as far as it is
	// given; given says which.
	millis, micros, nanos moment
	lsn, tx               moment
	// first says that snapshot is the mark "first".
	first bool
	// sequence is the JSON of a string that holds a JSON array.
	sequence []byte
	seen     int
}

// moment is a number that may be absent.
type moment struct {
	value int64
	given bool
}

// The members of source that matter, to notice one that appears twice.
const (
	seenConnector = 1 << iota
	seenSchema
	seenTable
	seenSnapshot
	seenMillis
	seenMicros
	seenNanos
	seenLSN
	seenSequence
	seenTx
)

// errTwice says that a member appears twice.
var errTwice = errors.New("a member appears twice in the envelope")

// read reads the object source.
func (r *source) read(s *scanner) error {
	*r = source{}
	isNull, err := s.null()
	if err != nil || isNull {
		return err
	}
	more, err := s.open('{', '}')
	for more && err == nil {
		var name []byte
		if name, err = s.name(); err != nil {
			return err
		}
		if err = r.member(s, name); err != nil {
			return err
		}
		more, err = s.more('}')
	}
	return err
}

// member reads the value of one member.
func (r *source) member(s *scanner, name []byte) error {
	before := r.seen
	bit := 0
	var err error
	switch string(name) {
	case "connector":
		bit = seenConnector
		r.connector, err = s.optionalName()
	case "schema":
		bit = seenSchema
		r.schema, err = s.optionalName()
	case "table":
		bit = seenTable
		r.table, err = s.optionalName()
	case "snapshot":
		bit = seenSnapshot
		r.snapshot, r.first, err = s.snapshotMark()
	case "ts_ms":
		bit = seenMillis
		r.millis, err = s.optionalInteger()
	case "ts_us":
		bit = seenMicros
		r.micros, err = s.optionalInteger()
	case "ts_ns":
		bit = seenNanos
		r.nanos, err = s.optionalInteger()
	case "lsn":
		bit = seenLSN
		r.lsn, err = s.optionalInteger()
	case "txId":
		bit = seenTx
		r.tx, err = s.optionalInteger()
	case "sequence":
		bit = seenSequence
		r.sequence, err = s.skip()
	default:
		_, err = s.skip()
	}
	if bit != 0 && before&bit != 0 {
		return errTwice
	}
	r.seen |= bit
	return err
}

// optionalName passes a string or null and returns the string's text, nil for
// null.
func (s *scanner) optionalName() ([]byte, error) {
	isNull, err := s.null()
	if err != nil || isNull {
		return nil, err
	}
	if s.peek() != '"' {
		return nil, s.fail("expected a string")
	}
	raw, escaped, err := s.text()
	if err != nil || !escaped {
		return raw, err
	}
	text, whole := unescape(nil, raw)
	if !whole {
		return nil, errSurrogate
	}
	return text, nil
}

// optionalInteger passes an integer or null.
func (s *scanner) optionalInteger() (moment, error) {
	isNull, err := s.null()
	if err != nil || isNull {
		return moment{}, err
	}
	value, err := s.integer()
	if errors.Is(err, errWrongKind) {
		return moment{}, s.fail("expected an integer")
	}
	return moment{value: value, given: true}, err
}

// snapshotMark passes source.snapshot: a word, or a boolean in old releases. first says
// that the word is that of a snapshot's first record.
func (s *scanner) snapshotMark() (mark change.SnapshotMark, first bool, err error) {
	switch s.peek() {
	case 't':
		return change.InSnapshot, false, s.word("true")
	case 'f':
		return change.Streamed, false, s.word("false")
	}
	word, err := s.optionalName()
	if err != nil {
		return change.Streamed, false, err
	}
	switch string(word) {
	case "", "false":
		return change.Streamed, false, nil
	case "last":
		return change.LastInSnapshot, false, nil
	case "last_in_data_collection":
		return change.LastInTable, false, nil
	case "incremental":
		return change.Incremental, false, nil
	}
	return change.InSnapshot, string(word) == "first", nil
}

// The times that a change can have: until the day that __end has while a row
// is current.
const (
	earliest change.Micros = 0
	latest   change.Micros = 253402214400000000 - 1 // before 9999-12-31
)

// time returns when the change was made, as finely as it is given.
func (r *source) time() (change.Micros, error) {
	var at int64
	ok := true
	switch {
	case r.nanos.given:
		at, ok = nanoseconds.micros(r.nanos.value)
	case r.micros.given:
		at = r.micros.value
	case r.millis.given:
		at, ok = milliseconds.micros(r.millis.value)
	default:
		return 0, errors.New("the event has no time: expected source.ts_ms")
	}
	if time := change.Micros(at); ok && time >= earliest && time <= latest {
		return time, nil
	}
	return 0, errors.New("the event's time, source.ts_ms, lies outside the years 1970 to 9999")
}

// position returns two numbers, each 0 if it is absent: source.lsn or, where that is
// null, the second element of source.sequence; and the first element.
func (r *source) position() (lsn, commit uint64) {
	commit, lsn = sequence(r.sequence)
	if r.lsn.given {
		lsn = uint64(r.lsn.value)
	}
	return lsn, commit
}
