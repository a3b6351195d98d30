package kafka

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of what a broker is asked for at a time. A fetch is asked for in bytes
// as they are sent; compressed batches take ten or fifty times that in memory,
// since nearly all of a record of Debezium's is the same schema again. So little
// is asked for until it is known how much becomes of it, and then so much that
// it is about fetchUnpacked. Larger fetches are no faster. Of one partition it is never
// more than fetchLeast: where several are merged, what comes of one that has to wait is
// fetched again.
const (
	// largestResponse bounds one answer of a broker, in bytes: what it holds
	// beyond the usual is one batch of records that is larger than that.
	largestResponse = 1 << 30

	fetchUnpacked = 4 << 20
	fetchLeast    = 256 << 10
	fetchMost     = 2 << 20
)

// appetite keeps what a fetch takes in memory about the same, however the
// records are compressed. It is a hook of the client.
type appetite struct {
	// ask sets what fetches from now on ask for at most, in bytes.
	ask func(limit int32)

	mu sync.Mutex
	// unpacked is the highest ratio of a batch's bytes in memory to those
	// sent.
	unpacked float64
}

var (
	_ kgo.HookNewClient      = (*appetite)(nil)
	_ kgo.HookFetchBatchRead = (*appetite)(nil)
)

// OnNewClient implements kgo.HookNewClient.
func (a *appetite) OnNewClient(client *kgo.Client) {
	a.ask = func(limit int32) { client.UpdateFetchMaxBytes(limit, fetchLeast) }
}

// OnFetchBatchRead implements kgo.HookFetchBatchRead. Small batches compress
// badly and say little, but they don't hurt: the highest ratio counts.
func (a *appetite) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	if m.CompressedBytes <= 0 {
		return
	}
	ratio := float64(m.UncompressedBytes) / float64(m.CompressedBytes)
	a.mu.Lock()
	defer a.mu.Unlock()
	if ratio <= a.unpacked {
		return
	}
	a.unpacked = ratio
	a.ask(fetchLimit(ratio))
}

// fetchLimit is what to ask for where so many bytes in memory come of each one
// that is sent.
func fetchLimit(ratio float64) int32 {
	return int32(min(max(fetchUnpacked/ratio, fetchLeast), fetchMost))
}
