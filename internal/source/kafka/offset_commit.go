package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
)

// commitInterval is how often the group's offsets are committed at most.
const commitInterval = time.Second

// offsetCommitter commits the group's offsets for tools that watch lag; the stream does not
// depend on them. It has a goroutine of its own, because a commit waits while the
// group rebalances, and the stream must not.
type offsetCommitter struct {
	client *kgo.Client
	// stop is closed to end the goroutine, which closes done.
	stop, done chan struct{}
	// due has a value when something is to be committed.
	due chan struct{}

	mu      sync.Mutex
	pending map[string]map[int32]kgo.EpochOffset
}

func startCommitter(client *kgo.Client) *offsetCommitter {
	a := &offsetCommitter{client: client, stop: make(chan struct{}), done: make(chan struct{}), due: make(chan struct{}, 1)}
	go a.runCommits()
	return a
}

func (a *offsetCommitter) runCommits() {
	defer close(a.done)
	pause := time.NewTicker(commitInterval)
	defer pause.Stop()
	for {
		select {
		case <-a.due:
		case <-a.stop:
			return
		}
		a.commitPending(context.Background())
		select {
		case <-pause.C:
		case <-a.stop:
			return
		}
	}
}

// commitPending commits the pending offsets. It takes at most adminTimeout.
func (a *offsetCommitter) commitPending(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	a.client.CommitOffsetsSync(ctx, a.takePending(), nil)
}

// addSpans notes that the spans are applied.
func (a *offsetCommitter) addSpans(spans []change.Span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pending == nil {
		a.pending = make(map[string]map[int32]kgo.EpochOffset)
	}
	for _, span := range spans {
		topic := a.pending[span.Partition.Topic]
		if topic == nil {
			topic = make(map[int32]kgo.EpochOffset)
			a.pending[span.Partition.Topic] = topic
		}
		topic[span.Partition.Number] = kgo.EpochOffset{Epoch: -1, Offset: span.To.Next}
	}
	select {
	case a.due <- struct{}{}:
	default:
	}
}

func (a *offsetCommitter) takePending() map[string]map[int32]kgo.EpochOffset {
	a.mu.Lock()
	defer a.mu.Unlock()
	pending := a.pending
	a.pending = nil
	return pending
}

// closeCommitter ends the goroutine and commits the remaining offsets until the context
// ends.
func (a *offsetCommitter) closeCommitter(ctx context.Context) {
	close(a.stop)
	<-a.done
	a.commitPending(ctx)
}

// Ack commits the ends of the spans as the group's offsets, soon and in the
// background. A failure does not concern the stream: its positions are in the
// database.
func (s *Source) Ack(_ context.Context, spans []change.Span) { s.committer.addSpans(spans) }
