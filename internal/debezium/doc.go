// Package debezium turns Kafka records that Debezium wrote into change events.
//
// It owns everything that is Debezium's: the envelope, its schema, the record's
// key and headers, how each source type is written, and the placeholders of
// unavailable values. There is one converter for each family of types, and each
// writes PostgreSQL's binary format directly. It refuses to know tables: where
// an event goes is for package route, what it does there for package history.
//
// On the line that data travel it is the first step: source/kafka calls
// [Decoder.Decode] for every record that it fetches.
//
//	Input ─ topic's cache of schemas ─ plan ─ payload ─ row of cells ─ change.Event
//
// Nearly all of a topic's records begin with the same bytes: their schema. The
// decoder keeps, for each topic, the beginnings that it has seen lately (head)
// with the plan that was compiled from each. A record that begins with one of
// them is read from there on, in one pass; any other one is taken apart
// properly first.
//
// What can't be decoded is a rejected event with a reason, never an error: the
// stream goes on. JSON is read strictly (RFC 8259, UTF-8). Text after the value,
// nesting deeper than [maxDepth], and a column, a field of the key or a member
// of the envelope that appears twice reject the record; in a schema, of which
// Debezium never writes a member twice, the last one counts. U+0000 and half of
// a surrogate pair reject the record where they are in a text, and become
// U+FFFD with a note where they are in a document.
package debezium
