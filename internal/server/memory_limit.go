package server

import (
	"math"
	"runtime/debug"
)

// The collector runs when the heap has grown by gcPercent. A server's heap is small,
// what a delivery and a batch hold, and is thrown away many times a second: without
// the ballast the collector ran every 40 MB, and in between gave pages back to the
// system that were wanted again at once, which together took a sixth of the server's
// processor time. The ballast counts as heap, but nobody ever touches it, so that it takes no
// memory. What the heap may grow to in the end still leaves room below 200 MB, but not
// much where topics of several partitions are merged.
const (
	gcPercent    = 80
	ballastBytes = 64 << 20
)

const (
	// recordBytesLimit bounds a record, and what a batch of records unpacks to.
	recordBytesLimit = 128 << 20
	// recordCopies is how many times a record is in memory at once, at most: as it was fetched, decoded
	// in three places of the line, and while it is written. memoryReserve is what memory may take
	// beyond its limit, less what everything else needs.
	recordCopies  = 11
	memoryReserve = 384 << 20
)

// maxRecordBytes is how large a record may be under a limit of memory in GiB, 0 for none.
func maxRecordBytes(gib float64) int {
	if gib <= 0 {
		return recordBytesLimit
	}
	return int(min(recordBytesLimit, (gib*(1<<30)+memoryReserve)/recordCopies))
}

// limitMemory sets how the Go runtime uses memory, with a soft limit in GiB, none for
// 0. It returns the ballast, to be kept for as long as the server runs.
// https://go.dev/doc/gc-guide
func limitMemory(gib float64) []byte {
	debug.SetGCPercent(gcPercent)
	if gib > 0 {
		debug.SetMemoryLimit(int64(math.Min(gib*(1<<30), math.MaxInt64/2)) + ballastBytes)
	}
	return make([]byte, ballastBytes)
}
