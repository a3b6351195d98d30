package debezium

import "metadb/internal/change"

// boolean converts boolean and bit(1).
type boolean struct{}

func (boolean) convert(_ *conversion, s *scanner, row change.Row) (change.Row, error) {
	switch s.peek() {
	case 't':
		return append(row, 0, 0, 0, 1, 1), s.word("true")
	case 'f':
		return append(row, 0, 0, 0, 1, 0), s.word("false")
	}
	return nil, errWrongKind
}
