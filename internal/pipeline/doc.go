// Package pipeline runs the data path of one source: it fetches and routes events,
// collects them into batches and applies each batch.
//
//	fetch ──deliveries──▶ collect ──batches──▶ apply
//
// Three goroutines are connected by unbuffered channels (a fourth one measures
// the lag): one delivery is fetched and decoded while another is collected and
// a batch is applied. No stage runs ahead further than that, so memory is bounded
// by the sizes of a delivery and a batch; when the database is slow, fetching
// waits. A large batch is applied in shares, by several appliers in parallel
// (parallel.go); apply waits for all of them.
//
// The package owns the order of events: the progress of each partition, the
// recognition of repetitions, the events that wait for other partitions
// (package ordering), the completion of snapshots. It owns the decision to retry
// (retry.go) and the parking of tables that can't be applied (parking.go). It
// depends on neither Kafka nor PostgreSQL: it declares the small interfaces that
// it needs.
package pipeline
