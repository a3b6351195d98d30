package datatype

import "metadb/internal/change"

// OID returns the object identifier of t in PostgreSQL's pg_type, which is the
// same in every database.
// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_type.dat
func OID(t change.Type) uint32 {
	switch t {
	case change.Text:
		return 25
	case change.Boolean:
		return 16
	case change.SmallInt:
		return 21
	case change.Integer:
		return 23
	case change.BigInt:
		return 20
	case change.Real:
		return 700
	case change.Double:
		return 701
	case change.Numeric:
		return 1700
	case change.Date:
		return 1082
	case change.Time:
		return 1083
	case change.TimeTZ:
		return 1266
	case change.Timestamp:
		return 1114
	case change.TimestampTZ:
		return 1184
	case change.Interval:
		return 1186
	case change.UUID:
		return 2950
	case change.JSONB:
		return 3802
	case change.Bytea:
		return 17
	}
	return 0
}

// CastSQL returns the SQL expression that converts expr, an expression of type from, to the type to
// with the meaning of [Widen]: a float becomes numeric through its text, with all its digits, and
// text is the print of PostgreSQL. That print depends on the session: time zone UTC, datestyle ISO,
// intervalstyle postgres, bytea_output hex, extra_float_digits 1.
func CastSQL(expr string, from, to change.Type) string {
	if from == to {
		return expr
	}
	isFloat := from == change.Real || from == change.Double
	if isFloat && to == change.Numeric {
		return "(" + expr + ")::text::numeric"
	}
	return "(" + expr + ")::" + to.String()
}
