// Package connectjson reads Debezium's change events in the form of Kafka's JSON converter with schemas.
//
// It owns the wire format: JSON, the schema of Kafka Connect beside each payload and the cache of
// schemas, the record's key and headers, and the form in which each value is written. What the parts
// mean is package debezium's. It has no tables: package route chooses an event's table.
//
// Decoding is the first step of the data path: source/kafka calls [Decoder.Decode] for every record
// that it fetches.
//
//	Input ─ topic's cache of schemas ─ plan ─ payload ─ row of cells ─ change.Event
//
// Nearly all of a topic's records begin with the same bytes: their schema. The
// decoder caches, for each topic, the latest of these beginnings (head) with the
// plan that was compiled from each. A record that begins with one of them is read
// from there on, in one pass; any other record is first split into schema and
// payload.
//
// A record that can't be decoded becomes a rejected event with a reason, never an
// error, so that the stream continues. JSON is read strictly (RFC 8259, UTF-8). Text after the value,
// nesting deeper than [maxDepth], and a column, a field of the key or a member
// of the envelope that appears twice reject the record; in a schema, of which
// Debezium never writes a member twice, the last one counts. U+0000 and half of
// a surrogate pair reject the record where they are in a text, and become
// U+FFFD with a note where they are in a document.
package connectjson
