package connectjson

import (
	"errors"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

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
func (e *envelope) readSource(s *scanner) error {
	e.described.Source, e.seenInSource = debezium.Source{}, 0
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
		if err = e.readSourceMember(s, name); err != nil {
			return err
		}
		more, err = s.nextElement('}')
	}
	return err
}

// readSourceMember reads the value of one member of source.
func (e *envelope) readSourceMember(s *scanner, name []byte) error {
	before := e.seenInSource
	source, bit := &e.described.Source, 0
	var err error
	switch string(name) {
	case "connector":
		bit = seenConnector
		source.Connector, err = s.scanOptionalString()
	case "schema":
		bit = seenSchema
		source.Schema, err = s.scanOptionalString()
	case "table":
		bit = seenTable
		source.Table, err = s.scanOptionalString()
	case "snapshot":
		bit = seenSnapshot
		source.Snapshot, source.First, err = s.scanSnapshotPhase()
	case "ts_ms":
		bit = seenMillis
		source.Millis, err = s.scanOptionalInteger()
	case "ts_us":
		bit = seenMicros
		source.Micros, err = s.scanOptionalInteger()
	case "ts_ns":
		bit = seenNanos
		source.Nanos, err = s.scanOptionalInteger()
	case "lsn":
		bit = seenLSN
		source.LSN, err = s.scanOptionalInteger()
	case "txId":
		bit = seenTx
		source.Tx, err = s.scanOptionalInteger()
	case "sequence":
		bit = seenSequence
		var sequence []byte
		if sequence, err = s.skipValue(); err == nil {
			source.CommitLSN, source.ChangeLSN = parseSequence(sequence)
		}
	default:
		_, err = s.skipValue()
	}
	if bit != 0 && before&bit != 0 {
		return errDuplicateMember
	}
	e.seenInSource |= bit
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
func (s *scanner) scanOptionalInteger() (debezium.OptionalInteger, error) {
	isNull, err := s.skipNull()
	if err != nil || isNull {
		return debezium.OptionalInteger{}, err
	}
	value, err := s.scanInteger()
	if errors.Is(err, errWrongKind) {
		return debezium.OptionalInteger{}, s.syntaxError("expected an integer")
	}
	return debezium.OptionalInteger{Value: value, Given: true}, err
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
	mark, first = debezium.SnapshotPhaseOf(word)
	return mark, first, nil
}
