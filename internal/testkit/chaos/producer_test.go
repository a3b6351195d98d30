package chaos

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Limits of the time for which a record is queued: ordinarily, and during a flush.
const (
	longestDelay = 10 * time.Second
	lastDelay    = time.Second
)

// producer writes each partition from its own queue, as the producer of a connector with a
// backlog does. The CreateTime of a record is the time when it was queued. It is appended up to
// longestDelay later, in its order within the partition, but before or after the records of
// other partitions.
type producer struct {
	t      *testing.T
	random *rand.Rand
	broker *kfake.Cluster
	// partitions is the number of partitions of each topic.
	partitions map[string]int
	// appending is locked while records are appended, and guards the client.
	appending sync.Mutex
	client    *kgo.Client
	// mutex guards the fields below.
	mutex  sync.Mutex
	queues map[partitionKey]*queue
	// longest is the longest time for which a record was queued.
	longest time.Duration
}

// partitionKey is a partition of a topic.
type partitionKey struct {
	topic  string
	number int32
}

// queue has the records of a partition that are not appended yet.
type queue struct {
	records []delayedRecord
}

// delayedRecord is a record with the time at which it is appended.
type delayedRecord struct {
	*kgo.Record
	due time.Time
}

// newProducer returns a producer that appends until the test ends.
func newProducer(t *testing.T, random *rand.Rand, broker *kfake.Cluster) *producer {
	t.Helper()
	p := &producer{t: t, random: random, broker: broker, partitions: make(map[string]int), queues: make(map[partitionKey]*queue)}
	p.connect()
	ctx, cancel := context.WithCancel(context.Background())
	var appending sync.WaitGroup
	appending.Go(func() { p.run(ctx) })
	t.Cleanup(func() {
		cancel()
		appending.Wait()
		p.client.Close()
		t.Logf("a record waited for %s in its partition's queue at most", p.longest.Round(time.Millisecond))
	})
	return p
}

// connect creates a client with the present partitions.
func (p *producer) connect() {
	p.t.Helper()
	p.appending.Lock()
	defer p.appending.Unlock()
	if p.client != nil {
		p.client.Close()
	}
	var err error
	if p.client, err = kgo.NewClient(kgo.SeedBrokers(p.broker.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		p.t.Fatal(err)
	}
}

// enqueue appends records to the queues of their partitions. Each partition among them gets its
// own random delay, or no delay.
func (p *producer) enqueue(records []*kgo.Record) {
	now, delays := time.Now(), make(map[partitionKey]time.Duration)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, r := range records {
		r.Timestamp, r.Partition = now, p.partition(r)
		at := partitionKey{r.Topic, r.Partition}
		if _, drawn := delays[at]; !drawn && p.random.IntN(2) == 0 {
			delays[at] = time.Duration(p.random.Int64N(int64(longestDelay)))
		} else if !drawn {
			delays[at] = 0
		}
		q := p.queues[at]
		if q == nil {
			q = &queue{}
			p.queues[at] = q
		}
		due := now.Add(delays[at])
		if last := len(q.records) - 1; last >= 0 && q.records[last].due.After(due) {
			due = q.records[last].due
		}
		q.records = append(q.records, delayedRecord{r, due})
	}
}

// partition returns the partition of a record: that of its key, or a random one without a key.
func (p *producer) partition(r *kgo.Record) int32 {
	n := p.partitions[r.Topic]
	if r.Key == nil {
		return p.random.Int32N(int32(n))
	}
	return int32(kgo.StickyKeyPartitioner(nil).ForTopic(r.Topic).Partition(r, n))
}

// run appends records that are due.
func (p *producer) run(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			p.append(ctx, now)
		}
	}
}

// append appends the records that are due at a time, and tries again while the broker is away.
func (p *producer) append(ctx context.Context, now time.Time) {
	p.appending.Lock()
	defer p.appending.Unlock()
	for due := p.takeDue(now); len(due) > 0 && ctx.Err() == nil; {
		// In each partition the records after a failed one have failed too.
		var failed []*kgo.Record
		for _, result := range p.client.ProduceSync(ctx, due...) {
			if result.Err != nil {
				failed = append(failed, result.Record)
			}
		}
		due = slices.DeleteFunc(due, func(r *kgo.Record) bool { return !slices.Contains(failed, r) })
	}
}

// takeDue removes the due records from the queues and returns them.
func (p *producer) takeDue(now time.Time) []*kgo.Record {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var due []*kgo.Record
	for _, at := range p.sortedPartitions() {
		q, n := p.queues[at], 0
		for n < len(q.records) && !q.records[n].due.After(now) {
			n++
		}
		for _, one := range q.records[:n] {
			p.longest = max(p.longest, now.Sub(one.Timestamp))
			due = append(due, one.Record)
		}
		q.records = q.records[n:]
	}
	return due
}

// flush waits until everything is appended, each partition with its own remaining delay.
func (p *producer) flush() {
	p.t.Helper()
	p.mutex.Lock()
	last := time.Now()
	for _, at := range p.sortedPartitions() {
		due := time.Now().Add(time.Duration(p.random.Int64N(int64(lastDelay))))
		for i := range p.queues[at].records {
			if one := &p.queues[at].records[i]; one.due.After(due) {
				one.due = due
			}
			last = latest(last, p.queues[at].records[i].due)
		}
	}
	p.mutex.Unlock()
	<-time.After(time.Until(last))
	p.append(p.t.Context(), last)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sortedPartitions returns the partitions with a queue, in the same order in each run.
func (p *producer) sortedPartitions() []partitionKey {
	places := make([]partitionKey, 0, len(p.queues))
	for at := range p.queues {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b partitionKey) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.number, b.number))
	})
	return places
}

// crash removes the queued records that the connector would send again, and returns them. Other
// queued records are appended, with those before them in their partition.
func (p *producer) crash(again []*kgo.Record) map[*kgo.Record]bool {
	p.t.Helper()
	can := make(map[*kgo.Record]bool, len(again))
	for _, r := range again {
		can[r] = true
	}
	lost := make(map[*kgo.Record]bool)
	p.appending.Lock()
	p.mutex.Lock()
	for _, q := range p.queues {
		keep := len(q.records)
		for keep > 0 && can[q.records[keep-1].Record] {
			keep--
			lost[q.records[keep].Record] = true
		}
		q.records = q.records[:keep]
	}
	p.mutex.Unlock()
	p.appending.Unlock()
	p.flush()
	return lost
}
