package connectjson

import (
	"bytes"
	"strconv"
)

// parseSequence returns the two numbers of source.sequence, the JSON of a string that holds an
// array of two strings: the lsn of the last commit before the change's transaction, and the
// change's own. A number that is null or can't be read is 0.
func parseSequence(raw []byte) (commit, own uint64) {
	if commit, own, ok := plainSequence(raw); ok {
		return commit, own
	}
	s := scanner{data: raw}
	array, err := s.scanOptionalString()
	if err != nil {
		return 0, 0
	}
	s = scanner{data: array}
	if more, err := s.openContainer('[', ']'); err != nil || !more {
		return 0, 0
	}
	first, err := s.scanOptionalString()
	if err != nil {
		return 0, 0
	}
	if more, err := s.nextElement(']'); err != nil || !more {
		return 0, 0
	}
	second, err := s.scanOptionalString()
	if err != nil {
		return 0, 0
	}
	return parseLSN(first), parseLSN(second)
}

// plainSequence reads a sequence that is written as Debezium does.
func plainSequence(raw []byte) (commit, own uint64, ok bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(`"[`))
	if !ok {
		return 0, 0, false
	}
	if commit, rest, ok = plainNumber(rest); !ok {
		return 0, 0, false
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(`,`)); !ok {
		return 0, 0, false
	}
	if own, rest, ok = plainNumber(rest); !ok || string(rest) != `]"` {
		return 0, 0, false
	}
	return commit, own, true
}

// plainNumber takes null, or a number as a string in a string, off the front of raw.
func plainNumber(raw []byte) (value uint64, rest []byte, ok bool) {
	if rest, isNull := bytes.CutPrefix(raw, []byte("null")); isNull {
		return 0, rest, true
	}
	rest, ok = bytes.CutPrefix(raw, []byte(`\"`))
	if !ok {
		return 0, nil, false
	}
	digits := 0
	for digits < len(rest) && digits < 19 && rest[digits]-'0' <= 9 {
		value = value*10 + uint64(rest[digits]-'0')
		digits++
	}
	rest, ok = bytes.CutPrefix(rest[digits:], []byte(`\"`))
	return value, rest, ok && digits > 0
}

// parseLSN reads an lsn in decimal digits, 0 for any other text.
func parseLSN(text []byte) uint64 {
	value, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return value
}
