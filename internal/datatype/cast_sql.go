package datatype

import "metadb/internal/change"

// CastSQL returns the SQL expression that converts expr, an expression of type from, to the type to
// with the meaning of [Widen]: a float becomes numeric through its text, with all its digits, and
// text is the print of PostgreSQL. That print depends on the session: time zone UTC, datestyle ISO,
// intervalstyle postgres, bytea_output hex, extra_float_digits 1.
func CastSQL(expr string, from, to change.Type) string {
	if from == to {
		return expr
	}
	if infoOf(from).Class == FloatClass && infoOf(to).Class == DecimalClass {
		return "(" + expr + ")::text::numeric"
	}
	return "(" + expr + ")::" + to.String()
}
