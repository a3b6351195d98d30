package kafka

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Sizes of fetches, in bytes. A fetch is limited in compressed bytes; batches take
// ten or fifty times as many in memory, since nearly all of a Debezium record is the
// same schema. So the first fetches are small, and when the ratio is known they grow
// until they take about targetUnpackedBytes in memory. Larger fetches are no faster. One
// partition never gets more than minFetchBytes: when several partitions are merged, the
// records of a paused one are fetched again.
const (
	// maxResponseBytes bounds one fetch response. Only a single batch of records
	// can make a response larger than maxFetchBytes.
	maxResponseBytes = 1 << 30

	targetUnpackedBytes = 4 << 20
	minFetchBytes       = 256 << 10
	maxFetchBytes       = 2 << 20
)

// fetchLimiter keeps the memory of a fetch about constant for any compression of the
// records. It is a hook of the client.
type fetchLimiter struct {
	// setLimit sets the maximum size of future fetches, in compressed bytes.
	setLimit func(limit int32)

	mu sync.Mutex
	// maxRatio is the highest ratio so far of a batch's bytes in memory to its
	// compressed bytes.
	maxRatio float64
}

var (
	_ kgo.HookNewClient      = (*fetchLimiter)(nil)
	_ kgo.HookFetchBatchRead = (*fetchLimiter)(nil)
)

// OnNewClient implements kgo.HookNewClient.
func (a *fetchLimiter) OnNewClient(client *kgo.Client) {
	a.setLimit = func(limit int32) { client.UpdateFetchMaxBytes(limit, minFetchBytes) }
}

// OnFetchBatchRead implements kgo.HookFetchBatchRead. Small batches compress
// badly, but have no effect, since the highest ratio counts.
func (a *fetchLimiter) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	if m.CompressedBytes <= 0 {
		return
	}
	ratio := float64(m.UncompressedBytes) / float64(m.CompressedBytes)
	a.mu.Lock()
	defer a.mu.Unlock()
	if ratio <= a.maxRatio {
		return
	}
	a.maxRatio = ratio
	a.setLimit(fetchLimit(ratio))
}

// fetchLimit returns the maximum size of a fetch, in compressed bytes, for a ratio of
// bytes in memory to compressed bytes.
func fetchLimit(ratio float64) int32 {
	return int32(min(max(targetUnpackedBytes/ratio, minFetchBytes), maxFetchBytes))
}
