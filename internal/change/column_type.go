package change

// Type is the type of a target column, one of the types that docs/spec/02-types.md#column-types maps
// source types to. The zero Type is no type.
type Type uint8

// The column types. Their order has no meaning.
const (
	Text Type = iota + 1
	Boolean
	SmallInt
	Integer
	BigInt
	Real
	Double
	Numeric
	Date
	Time
	TimeTZ
	Timestamp
	TimestampTZ
	Interval
	UUID
	JSONB
	Bytea
)

// TypeCount is one more than the highest Type, for tables indexed by Type.
const TypeCount = int(Bytea) + 1

// String returns the type's name as PostgreSQL's format_type prints it.
func (t Type) String() string {
	switch t {
	case Text:
		return "text"
	case Boolean:
		return "boolean"
	case SmallInt:
		return "smallint"
	case Integer:
		return "integer"
	case BigInt:
		return "bigint"
	case Real:
		return "real"
	case Double:
		return "double precision"
	case Numeric:
		return "numeric"
	case Date:
		return "date"
	case Time:
		return "time without time zone"
	case TimeTZ:
		return "time with time zone"
	case Timestamp:
		return "timestamp without time zone"
	case TimestampTZ:
		return "timestamp with time zone"
	case Interval:
		return "interval"
	case UUID:
		return "uuid"
	case JSONB:
		return "jsonb"
	case Bytea:
		return "bytea"
	}
	return "unknown type"
}
