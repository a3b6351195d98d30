// Package source has what the server, the pipeline and the synchronization need of a data source,
// whatever its kind: a stream of change events with positions ([Source]), the bounds of what can be
// read ([Bounds]), and the kinds of sources with the way to open each ([Kinds]).
//
//	CREATE DATA SOURCE … TYPE kafka ──▶ Kinds ──▶ Kind ──▶ Opener ──▶ Source ──▶ pipeline
//
// The kinds are a value that package server composes. Kafka's is package source/kafka; another one is
// a package of its own and one line there.
//
// A source has partitions: those of Kafka's topics, or the tables of a source without topics. The
// events of a partition are numbered by offsets that have no meaning beyond their order; a source
// whose own positions are of another form delivers them as restart points ([change.RestartPoint]).
// A source may take its own snapshot: its rows are events with a phase ([change.SnapshotPhase]) before
// the first streamed change, and it counts as complete with the row that is marked as the last.
//
// The package refuses to read anything itself, to decode records, and to store positions: package
// checkpoint does, in the transaction of the rows.
package source
