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
	one, other := infoOf(stored), infoOf(arriving)
	oneInteger, otherInteger := one.Class == IntegerClass, other.Class == IntegerClass
	switch {
	case one.Class == OtherClass || other.Class == OtherClass:
		return change.Text
	case one.Class == DecimalClass || other.Class == DecimalClass:
		return change.Numeric
	case oneInteger && otherInteger && one.Length > other.Length:
		return stored
	case oneInteger && otherInteger:
		return arriving
	case oneInteger && one.Length > doubleIntegerLength || otherInteger && other.Length > doubleIntegerLength:
		return change.Numeric
	}
	return change.Double
}

// doubleIntegerLength is the length of the widest integer of which a double precision holds every
// value.
const doubleIntegerLength = 4
