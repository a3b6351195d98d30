package connectjson

import (
	"errors"

	"metadb/internal/change"
)

// sourceBlock is the block "source" of an envelope: where and when the change was made.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-create-events
type sourceBlock struct {
	// connector is the kind of database, nil if it is absent.
	connector     []byte
	schema, table []byte
	snapshot      change.SnapshotPhase
	// millis, micros and nanos are the time of the change as far as it is
	// given; given says which.
	millis, micros, nanos optionalInteger
	lsn, tx               optionalInteger
	// first says that snapshot is the mark "first".
	first bool
	// sequence is the JSON of a string that holds a JSON array.
	sequence []byte
	seen     int
}

// optionalInteger is a number that may be absent.
type optionalInteger struct {
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

// errDuplicateMember says that a member appears twice.
var errDuplicateMember = errors.New("a member appears twice in the envelope")

// readSource reads the object source.
func (r *sourceBlock) readSource(s *scanner) error {
	*r = sourceBlock{}
	isNull, err := s.skipNull()
	if err != nil || isNull {
		return err
	}
	more, err := s.openContainer('{', '}')
	for more && err == nil {
		var name []byte
		if name, err = s.scanName(); err != nil {
			return err
		}
		if err = r.readMember(s, name); err != nil {
			return err
		}
		more, err = s.nextElement('}')
	}
	return err
}

// readMember reads the value of one member.
func (r *sourceBlock) readMember(s *scanner, name []byte) error {
	before := r.seen
	bit := 0
	var err error
	switch string(name) {
	case "connector":
		bit = seenConnector
		r.connector, err = s.scanOptionalString()
	case "schema":
		bit = seenSchema
		r.schema, err = s.scanOptionalString()
	case "table":
		bit = seenTable
		r.table, err = s.scanOptionalString()
	case "snapshot":
		bit = seenSnapshot
		r.snapshot, r.first, err = s.scanSnapshotPhase()
	case "ts_ms":
		bit = seenMillis
		r.millis, err = s.scanOptionalInteger()
	case "ts_us":
		bit = seenMicros
		r.micros, err = s.scanOptionalInteger()
	case "ts_ns":
		bit = seenNanos
		r.nanos, err = s.scanOptionalInteger()
	case "lsn":
		bit = seenLSN
		r.lsn, err = s.scanOptionalInteger()
	case "txId":
		bit = seenTx
		r.tx, err = s.scanOptionalInteger()
	case "sequence":
		bit = seenSequence
		r.sequence, err = s.skipValue()
	default:
		_, err = s.skipValue()
	}
	if bit != 0 && before&bit != 0 {
		return errDuplicateMember
	}
	r.seen |= bit
	return err
}

// scanOptionalString passes a string or null and returns the string's text, nil for
// null.
func (s *scanner) scanOptionalString() ([]byte, error) {
	isNull, err := s.skipNull()
	if err != nil || isNull {
		return nil, err
	}
	if s.peek() != '"' {
		return nil, s.syntaxError("expected a string")
	}
	raw, escaped, err := s.scanString()
	if err != nil || !escaped {
		return raw, err
	}
	text, whole := unescape(nil, raw)
	if !whole {
		return nil, errSurrogate
	}
	return text, nil
}

// scanOptionalInteger passes an integer or null.
func (s *scanner) scanOptionalInteger() (optionalInteger, error) {
	isNull, err := s.skipNull()
	if err != nil || isNull {
		return optionalInteger{}, err
	}
	value, err := s.scanInteger()
	if errors.Is(err, errWrongKind) {
		return optionalInteger{}, s.syntaxError("expected an integer")
	}
	return optionalInteger{value: value, given: true}, err
}

// scanSnapshotPhase passes source.snapshot: a word, or a boolean in old releases. first says
// that the word is that of a snapshot's first record.
func (s *scanner) scanSnapshotPhase() (mark change.SnapshotPhase, first bool, err error) {
	switch s.peek() {
	case 't':
		return change.InSnapshot, false, s.skipLiteral("true")
	case 'f':
		return change.Streamed, false, s.skipLiteral("false")
	}
	word, err := s.scanOptionalString()
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
	minChangeTime change.Micros = 0
	maxChangeTime change.Micros = 253402214400000000 - 1 // before 9999-12-31
)

// changeTime returns when the change was made, as finely as it is given.
func (r *sourceBlock) changeTime() (change.Micros, error) {
	var at int64
	ok := true
	switch {
	case r.nanos.given:
		at, ok = nanoseconds.toMicros(r.nanos.value)
	case r.micros.given:
		at = r.micros.value
	case r.millis.given:
		at, ok = milliseconds.toMicros(r.millis.value)
	default:
		return 0, errors.New("the event has no time: expected source.ts_ms")
	}
	if time := change.Micros(at); ok && time >= minChangeTime && time <= maxChangeTime {
		return time, nil
	}
	return 0, errors.New("the event's time, source.ts_ms, lies outside the years 1970 to 9999")
}

// positionLSN returns two numbers, each 0 if it is absent: source.lsn or, where that is
// null, the second element of source.sequence; and the first element.
func (r *sourceBlock) positionLSN() (lsn, commit uint64) {
	commit, lsn = parseSequence(r.sequence)
	if r.lsn.given {
		lsn = uint64(r.lsn.value)
	}
	return lsn, commit
}
