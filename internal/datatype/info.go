package datatype

import "metadb/internal/change"

// Info has the facts about one column type. Every fact is stated for every type: the zero value of a
// field means that it is missing, and a test refuses that.
type Info struct {
	// OID is the type's object identifier in PostgreSQL's pg_type, the same in every database.
	// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_type.dat
	OID uint32
	// Length is the number of bytes of each value in the binary format, or VaryingLength.
	Length int
	// Class decides which other types a column of this type can hold after widening.
	Class Class
	// Equality says which values PostgreSQL's = takes for equal.
	Equality Equality
	// Print says how the texts of two values compare with their bytes.
	Print Print
	// Storage says whether long values are compressed.
	Storage Storage
	// Document says whether a value can be a JSON document.
	Document Document

	// format returns the text of a value of the right length.
	format func(value []byte) (string, error)
	// appendJSON appends the JSON of a value of the right length.
	appendJSON func(dst, value []byte) []byte
	// appendCanonical appends the form that all equal values share. It is stated for types with
	// EqualValues only.
	appendCanonical func(dst, value []byte) []byte
}

// VaryingLength is the Length of a type with values of several lengths.
const VaryingLength = -1

// Class groups the types that widen to one another.
type Class uint8

// The classes. A type of OtherClass widens to text only.
const (
	IntegerClass Class = iota + 1
	FloatClass
	DecimalClass
	OtherClass
)

// Equality says which values of a type are equal.
type Equality uint8

// The kinds of equality.
const (
	// EqualBytes says that values are equal only if their bytes are. Text is compared by the database's
	// collation, under which different texts differ; a column can have another one.
	// https://www.postgresql.org/docs/current/collation.html#COLLATION-NONDETERMINISTIC
	EqualBytes Equality = iota + 1
	// EqualValues says that values with different bytes can be equal: numbers with a scale, with a signed
	// zero or several NaNs; intervals, times with a zone, documents.
	EqualValues
)

// Print says how the texts of two values of a type compare with their bytes.
type Print uint8

// The kinds of texts.
const (
	// PrintUnique says that different values have different texts, and equal values the same.
	PrintUnique Print = iota + 1
	// PrintForms says that equal values can have different texts, such as 2 and 2.0, but no two
	// representations in bytes have the same.
	PrintForms
	// PrintLossy says that equal values can have different texts, and values with different bytes the same.
	PrintLossy
)

// Storage says how PostgreSQL stores long values of a type.
type Storage uint8

// The forms of storage. Values of the uncompressed types are short, or do not become shorter.
const (
	Uncompressed Storage = iota + 1
	Compressed
)

// Document says whether values of a type can be JSON documents.
type Document uint8

// The kinds of documents.
const (
	// NoDocument says that a value is never a document.
	NoDocument Document = iota + 1
	// TextDocument says that a value can be the text of a document.
	TextDocument
	// ParsedDocument says that every value is a document, which PostgreSQL parses when it is stored. That
	// costs more than it saves to send one twice.
	ParsedDocument
)

// InfoOf returns the facts about a type, the zero Info for a value that is no type.
func InfoOf(t change.Type) Info { return *infoOf(t) }

func infoOf(t change.Type) *Info {
	if int(t) >= len(infos) {
		t = 0
	}
	return &infos[t]
}

// IsQuickToCompare reports whether values are short, and equal only if their bytes are.
func (i Info) IsQuickToCompare() bool { return i.Length > 0 && i.Equality == EqualBytes }

// HasSeveralForms reports whether equal values can have different texts.
func (i Info) HasSeveralForms() bool { return i.Print == PrintForms || i.Print == PrintLossy }

// HoldsDocuments reports whether a value can be a JSON document.
func (i Info) HoldsDocuments() bool {
	return i.Document == TextDocument || i.Document == ParsedDocument
}

// infos has the facts about each type. It is never changed.
var infos = [change.TypeCount]Info{
	change.Text: {
		OID: 25, Length: VaryingLength, Class: OtherClass, Equality: EqualBytes, Print: PrintUnique, Storage: Compressed, Document: TextDocument,
		format: formatText, appendJSON: jsonString(formatText),
	},
	change.Boolean: {
		OID: 16, Length: 1, Class: OtherClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatBoolean, appendJSON: jsonPlain(formatBoolean),
	},
	change.SmallInt: {
		OID: 21, Length: 2, Class: IntegerClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatInteger, appendJSON: jsonPlain(formatInteger),
	},
	change.Integer: {
		OID: 23, Length: 4, Class: IntegerClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatInteger, appendJSON: jsonPlain(formatInteger),
	},
	change.BigInt: {
		OID: 20, Length: 8, Class: IntegerClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatInteger, appendJSON: jsonPlain(formatInteger),
	},
	change.Real: {
		OID: 700, Length: 4, Class: FloatClass, Equality: EqualValues, Print: PrintLossy, Storage: Uncompressed, Document: NoDocument,
		format: formatReal, appendJSON: jsonNumber(formatReal), appendCanonical: appendCanonicalReal,
	},
	change.Double: {
		OID: 701, Length: 8, Class: FloatClass, Equality: EqualValues, Print: PrintLossy, Storage: Uncompressed, Document: NoDocument,
		format: formatDouble, appendJSON: jsonNumber(formatDouble), appendCanonical: appendCanonicalDouble,
	},
	change.Numeric: {
		OID: 1700, Length: VaryingLength, Class: DecimalClass, Equality: EqualValues, Print: PrintForms, Storage: Uncompressed, Document: NoDocument,
		format: formatNumeric, appendJSON: jsonNumber(formatNumeric), appendCanonical: appendCanonicalNumeric,
	},
	change.Date: {
		OID: 1082, Length: 4, Class: OtherClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatDate, appendJSON: jsonString(formatDate),
	},
	change.Time: {
		OID: 1083, Length: 8, Class: OtherClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatTime, appendJSON: jsonString(formatTime),
	},
	change.TimeTZ: {
		// Equal values have the same bytes, but record_image_eq has always compared them.
		OID: 1266, Length: 12, Class: OtherClass, Equality: EqualValues, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatTimeTZ, appendJSON: jsonString(formatTimeTZ), appendCanonical: appendBytes,
	},
	change.Timestamp: {
		OID: 1114, Length: 8, Class: OtherClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatTimestamp, appendJSON: appendJSONTimestamp,
	},
	change.TimestampTZ: {
		OID: 1184, Length: 8, Class: OtherClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatTimestampTZ, appendJSON: appendJSONTimestampTZ,
	},
	change.Interval: {
		OID: 1186, Length: intervalLength, Class: OtherClass, Equality: EqualValues, Print: PrintForms, Storage: Uncompressed, Document: NoDocument,
		format: formatInterval, appendJSON: jsonString(formatInterval), appendCanonical: appendCanonicalInterval,
	},
	change.UUID: {
		OID: 2950, Length: 16, Class: OtherClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatUUID, appendJSON: jsonString(formatUUID),
	},
	change.JSONB: {
		OID: 3802, Length: VaryingLength, Class: OtherClass, Equality: EqualValues, Print: PrintLossy, Storage: Compressed, Document: ParsedDocument,
		format: formatJSONB, appendJSON: appendJSONDocument, appendCanonical: appendCanonicalJSONB,
	},
	change.Bytea: {
		OID: 17, Length: VaryingLength, Class: OtherClass, Equality: EqualBytes, Print: PrintUnique, Storage: Uncompressed, Document: NoDocument,
		format: formatBytea, appendJSON: jsonString(formatBytea),
	},
}
