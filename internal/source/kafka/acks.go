package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"metadb/internal/change"
)

// ackInterval is how often the group's offsets are committed at most.
const ackInterval = time.Second

// acks commits the group's offsets for tools that watch lag; the stream does not
// depend on them. It has a goroutine of its own, because a commit waits while the
// group rebalances, and the stream must not.
type acks struct {
	client *kgo.Client
	// stop is closed to end the goroutine, which closes done.
	stop, done chan struct{}
	// due has a value when something is to be committed.
	due chan struct{}

	mu      sync.Mutex
	pending map[string]map[int32]kgo.EpochOffset
}

func startAcks(client *kgo.Client) *acks {
	a := &acks{client: client, stop: make(chan struct{}), done: make(chan struct{}), due: make(chan struct{}, 1)}
	go a.run()
	return a
}

func (a *acks) run() {
	defer close(a.done)
	pause := time.NewTicker(ackInterval)
	defer pause.Stop()
	for {
		select {
		case <-a.due:
		case <-a.stop:
			return
		}
		a.commit(context.Background())
		select {
		case <-pause.C:
		case <-a.stop:
			return
		}
	}
}

// commit commits the pending offsets. It takes at most adminTimeout.
func (a *acks) commit(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	a.client.CommitOffsetsSync(ctx, a.take(), nil)
}

// add notes that the spans are applied.
func (a *acks) add(spans []change.Span) {
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

func (a *acks) take() map[string]map[int32]kgo.EpochOffset {
	a.mu.Lock()
	defer a.mu.Unlock()
	pending := a.pending
	a.pending = nil
	return pending
}

// close ends the goroutine and commits the remaining offsets until the context
// ends.
func (a *acks) close(ctx context.Context) {
	close(a.stop)
	<-a.done
	a.commit(ctx)
}

// Ack commits the ends of the spans as the group's offsets, soon and in the
// background. A failure does not concern the stream: its positions are in the
// database.
func (s *Source) Ack(_ context.Context, spans []change.Span) { s.acks.add(spans) }
