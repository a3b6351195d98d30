// Package pipeline runs the line that data travel for one source: it fetches,
// routes, collects events into batches and has each batch applied.
//
//	fetch ──deliveries──▶ collect ──batches──▶ apply
//
// Three goroutines, joined by channels without buffers (and one that measures
// the lag): one delivery is fetched and decoded while another is collected and
// a batch is applied. Nothing runs ahead further than that, so memory is bounded
// by what a delivery and a batch may hold; when the database is slow, fetching
// waits. A large batch is applied in shares, by several appliers at the same time
// (share.go); apply waits for all of them.
//
// The package owns what concerns the order of events: the marks of each
// partition, which events are suspected to be repetitions, which confirm, what
// has to wait for other partitions (the barrier), when a snapshot is complete.
// It owns the decision whether to retry (retry.go). It refuses to know Kafka
// and PostgreSQL: it declares the small interfaces that it needs.
package pipeline
