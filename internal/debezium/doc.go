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
// stream goes on. JSON is read strictly (RFC 8259, UTF-8): what follows the
// value, a member that appears twice where one is expected, half of a surrogate
// pair and nesting deeper than [maxDepth] reject the record.
package debezium
