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
	typeCount // the end
)

// TypeCount is one more than the highest Type, for tables indexed by Type.
const TypeCount = int(typeCount)

// typeNames has the name of each type as PostgreSQL's format_type prints it. Package datatype has
// all other facts about types.
var typeNames = [TypeCount]string{
	"unknown type",
	Text:        "text",
	Boolean:     "boolean",
	SmallInt:    "smallint",
	Integer:     "integer",
	BigInt:      "bigint",
	Real:        "real",
	Double:      "double precision",
	Numeric:     "numeric",
	Date:        "date",
	Time:        "time without time zone",
	TimeTZ:      "time with time zone",
	Timestamp:   "timestamp without time zone",
	TimestampTZ: "timestamp with time zone",
	Interval:    "interval",
	UUID:        "uuid",
	JSONB:       "jsonb",
	Bytea:       "bytea",
}

// String returns the type's name as PostgreSQL's format_type prints it.
func (t Type) String() string {
	if int(t) >= len(typeNames) {
		t = 0
	}
	return typeNames[t]
}
