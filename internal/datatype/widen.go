package datatype

import "metadb/internal/change"

// Widen returns the new type of a column that is stored as one type when a value of another type
// arrives: the narrowest type that holds both without loss, text if no other does. It is stored
// itself if no change is needed.
//
// A uuid column at which text arrives becomes text here; package plan keeps it uuid as long as
// every such text is a canonical UUID, which needs the values (see [CanonicalUUID]).
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

// isInteger reports whether a type is smallint, integer or bigint, constants in the order of their
// width.
func isInteger(t change.Type) bool {
	return t == change.SmallInt || t == change.Integer || t == change.BigInt
}

// isNumber reports whether a type is one of those that widen to one another.
func isNumber(t change.Type) bool {
	return isInteger(t) || t == change.Real || t == change.Double || t == change.Numeric
}
