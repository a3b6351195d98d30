package datatype

import "metadb/internal/change"

// Widen returns the type that a column gets which is stored as one type when a
// value of another type arrives: the narrowest that holds both without loss,
// text if nothing else does. It is stored itself when nothing has to change.
//
// A uuid column at which text arrives becomes text here; that it stays uuid as
// long as every such text is a canonical UUID needs the values (see
// [CanonicalUUID]).
func Widen(stored, arriving change.Type) change.Type {
	if stored == arriving {
		return stored
	}
	if !isNumber(stored) || !isNumber(arriving) {
		return change.Text
	}
	if stored == change.Numeric || arriving == change.Numeric {
		return change.Numeric
	}
	switch {
	case isInteger(stored) && isInteger(arriving):
		return max(stored, arriving)
	case !isInteger(stored) && !isInteger(arriving):
		return change.Double
	case stored == change.BigInt || arriving == change.BigInt:
		return change.Numeric
	}
	return change.Double
}

// isInteger tells smallint, integer and bigint, whose order as constants is
// that of their width.
func isInteger(t change.Type) bool {
	return t == change.SmallInt || t == change.Integer || t == change.BigInt
}

// isNumber tells the types that widen to one another.
func isNumber(t change.Type) bool {
	return isInteger(t) || t == change.Real || t == change.Double || t == change.Numeric
}
