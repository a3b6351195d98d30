package server

import (
	"math"
	"runtime/debug"
)

// Settings of the garbage collector, which runs when the heap has grown by gcPercent. The
// server's live heap is small, but it allocates much for each delivery and batch. Without the
// ballast, the collector ran every 40 MB and pages were returned to the system and requested
// again, which took a sixth of the server's processor time. The ballast counts as heap, but is
// never touched, so it takes no memory. The heap that results stays below 200 MB, with little
// room if topics of several partitions are merged.
const (
	gcPercent    = 80
	ballastBytes = 64 << 20
)

const (
	// recordBytesLimit bounds a record, and the unpacked size of a compressed batch of records,
	// in bytes.
	recordBytesLimit = 128 << 20
	// recordCopies is the maximum number of copies of a record in memory: as fetched, decoded in
	// three stages of the pipeline, and while it is written. memoryReserve is the memory beyond
	// the soft limit, less the needs of everything else.
	recordCopies  = 11
	memoryReserve = 384 << 20
)

// maxRecordBytes returns the bound of a record in bytes for a memory limit in GiB, 0 for no
// limit.
func maxRecordBytes(gib float64) int {
	if gib <= 0 {
		return recordBytesLimit
	}
	return int(min(recordBytesLimit, (gib*(1<<30)+memoryReserve)/recordCopies))
}

// limitMemory sets the garbage collector's pace and the soft memory limit in GiB, 0 for no limit.
// It returns the ballast, which the caller keeps while the server runs.
// https://go.dev/doc/gc-guide
func limitMemory(gib float64) []byte {
	debug.SetGCPercent(gcPercent)
	if gib > 0 {
		debug.SetMemoryLimit(int64(math.Min(gib*(1<<30), math.MaxInt64/2)) + ballastBytes)
	}
	return make([]byte, ballastBytes)
}
