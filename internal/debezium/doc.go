// Package debezium has what Debezium means by its change events, whatever they are written in: the
// envelope with its operations ([Envelope]), the block source with times and positions ([Source]),
// the semantic types of columns ([ConversionOf]), the placeholders of unavailable values
// ([Placeholder]), and which connectors are supported.
//
//	Input ─ wire format ─ Envelope, values ─ package debezium ─ change.Event, cells
//
// A wire format is a package below this one: connectjson reads what Kafka's JSON converter writes.
// It finds the parts of a record and reads each value in the form that it has there: an integer, a
// string, bytes. A semantic type says what such a value is, and writes the cell in PostgreSQL's
// binary format; a new one is an entry of [ConversionOf].
//
// The package refuses to read a record itself, and to choose tables: package route does.
package debezium
