package connectjson

import "metadb/internal/change"

// booleanConverter converts boolean and bit(1).
type booleanConverter struct{}

func (booleanConverter) convertValue(_ *conversionState, s *scanner, row change.Row) (change.Row, error) {
	switch s.peek() {
	case 't':
		return append(row, 0, 0, 0, 1, 1), s.skipLiteral("true")
	case 'f':
		return append(row, 0, 0, 0, 1, 0), s.skipLiteral("false")
	}
	return nil, errWrongKind
}
