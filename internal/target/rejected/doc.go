// Package rejected retries the events of metadb.rejected_event.
//
// It owns the order of the retry, its division into transactions, and the repetition after a lock
// conflict. It refuses to decode records, to apply events and to keep batches out meanwhile: its
// caller supplies functions for these.
package rejected
