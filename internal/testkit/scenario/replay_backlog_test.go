package scenario_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"metadb/internal/change"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/pipeline"
	"metadb/internal/target/checkpoint"
	"metadb/internal/testkit/corpus"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// interleaving is an order of writing the partitions of a recording: a sequence of
// partitions; each element writes some of the partition's next records.
type interleaving struct {
	name string
	// next returns the partition that is written next, of those that have records left,
	// and how many of its records.
	next func(left map[int32]int) (partition int32, n int)
	// restarts says that the server is stopped and started again after half of the records.
	restarts bool
}

// interleavings are those that the recording of a backlog is played in.
func interleavings() []interleaving {
	var list []interleaving
	for first := range int32(4) {
		list = append(list, interleaving{name: fmt.Sprintf("one after the other from %d", first), next: func(left map[int32]int) (int32, int) {
			for i := range int32(4) {
				if part := (first + i) % 4; left[part] > 0 {
					return part, left[part]
				}
			}
			return 0, 0
		}})
	}
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 0))
		list = append(list, interleaving{name: fmt.Sprintf("seed %d", seed), restarts: seed%2 == 1, next: func(left map[int32]int) (int32, int) {
			for {
				if part := random.Int32N(4); left[part] > 0 {
					return part, 1 + random.IntN(min(left[part], 1<<random.IntN(9)))
				}
			}
		}})
	}
	if testing.Short() {
		return []interleaving{list[0], list[5]}
	}
	return list
}

// TestReplayBacklog replays the records that a real connector sent to four partitions while
// it worked off a backlog, in several interleavings of the partitions, and compares every
// version with the source's own log. Records that are written after later ones are delayed
// by seconds, or by the length of their partition.
func TestReplayBacklog(t *testing.T) {
	want := corpus.LoggedVersions(corpus.SourceLog(t, "backlog"))
	for _, one := range interleavings() {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			r := &replay{line: newLine(t, pgtest.New(t), datasourceOptions(t), nil), name: "backlog", records: corpus.Events(t, "backlog")}
			w := newInterleavedSource(t, r.records, &one)
			if one.restarts {
				r.play(t, w, len(r.records)/2)
			}
			r.play(t, w, len(r.records))
			differences := r.differences(t)
			delete(differences, "b.log rows") // the source's record was not streamed
			if len(differences) > 0 {
				t.Errorf("values differ: %v", differences)
			}
			if n := r.answer(t, "SELECT count(*)::text AS line FROM metadb.rejected_event"); n != "0" {
				t.Errorf("%s events are set aside", n)
			}
			got := map[string][]string{}
			for _, row := range r.texts(t, "SELECT id, amount || ' ' || md5(doc) AS v, __current FROM b.acct__ ORDER BY id, __start, __id") {
				got[*row["id"]] = append(got[*row["id"]], corpus.DescribeVersion(*row["v"], *row["__current"] == "true"))
			}
			for id, versions := range want {
				if !slices.Equal(got[id], versions) {
					t.Errorf("versions of %s: got\n%s\nwant\n%s", id, strings.Join(got[id], "\n"), strings.Join(versions, "\n"))
				}
			}
			if len(got) != len(want) {
				t.Errorf("versions of %d keys, want %d", len(got), len(want))
			}
			if t.Failed() {
				r.explain(t)
			}
		})
	}
}

// play has the first so many records written, of which those come that have not been
// applied, and waits until all of them have.
func (r *replay) play(t *testing.T, w *interleavedSource, upTo int) {
	t.Helper()
	ctx := t.Context()
	parts := make([]change.Partition, 4)
	for n := range parts {
		parts[n] = change.Partition{Topic: r.records[0].Topic, Number: int32(n)}
	}
	marks, err := checkpoint.Load(ctx, r.db.Pool, sourceName, groupName, parts)
	if err != nil {
		t.Fatal(err)
	}
	w.begin(t, parts, marks, upTo)
	r.start(t, w, groupName, false)
	whole := upTo == len(r.records)
	err = testbed.Eventually(ctx, replayLimit, "play "+r.name, func() error {
		select {
		case err := <-r.failed:
			t.Fatal(err)
		default:
		}
		marks, err := checkpoint.Load(ctx, r.db.Pool, sourceName, groupName, parts)
		if err != nil {
			return err
		}
		behind, ends := 0, w.ends()
		for _, part := range parts {
			if marks[part].Next < ends[part] {
				behind++
			}
		}
		// Events that wait for an unwritten record are not applied before the restart.
		if len(w.left()) > 0 || whole && behind > 0 || behind == len(parts) {
			return fmt.Errorf("%d partitions are behind", behind)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.stop(t)
}

// interleavedSource is a source with partitions that are written in the order of an interleaving. The
// end of a partition is always the offset behind the last written record.
type interleavedSource struct {
	// order has the records in the order in which they are written.
	order []corpus.Record
	// mutex guards the fields below.
	mutex sync.Mutex
	// rest are deliveries to come, end the ends of the partitions.
	rest []change.Delivery
	end  map[change.Partition]int64
}

var _ pipeline.Source = (*interleavedSource)(nil)

// chunk is how many records come in one delivery at most.
const chunk = 50

func newInterleavedSource(t *testing.T, records []corpus.Record, one *interleaving) *interleavedSource {
	t.Helper()
	queues, left := make(map[int32][]corpus.Record), make(map[int32]int)
	for _, record := range records {
		queues[record.Partition] = append(queues[record.Partition], record)
		left[record.Partition]++
	}
	w := &interleavedSource{}
	for len(w.order) < len(records) {
		part, n := one.next(left)
		w.order = append(w.order, queues[part][:n]...)
		queues[part], left[part] = queues[part][n:], left[part]-n
	}
	return w
}

// begin prepares the deliveries of the first upTo written records, without those before the
// stored positions.
func (w *interleavedSource) begin(t *testing.T, parts []change.Partition, marks map[change.Partition]change.PartitionProgress, upTo int) {
	t.Helper()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delivery, d := change.Delivery{}, connectjson.NewDecoder(connectjson.Config{})
	for _, part := range parts {
		mark, stored := marks[part]
		delivery.Assigned = append(delivery.Assigned, change.Assignment{Partition: part, Fresh: !stored, Stored: mark, From: mark.Next, Partitions: len(parts)})
	}
	w.rest, w.end = nil, make(map[change.Partition]int64)
	for _, record := range w.order[:upTo] {
		event := d.Decode(&debezium.Input{
			Topic: record.Topic, Partition: record.Partition, Offset: record.Offset, Time: change.Micros(record.Millis * 1000),
			Key: record.Key, Value: record.Value, Headers: headers(record),
		})
		part := event.Position.Partition
		if record.Offset < marks[part].Next {
			w.end[part] = record.Offset + 1
			continue
		}
		last := len(delivery.Events) - 1
		if last >= 0 && delivery.Events[last].Position.Partition != part || last+1 >= chunk {
			w.rest, delivery = append(w.rest, delivery), change.Delivery{}
		}
		delivery.Events = append(delivery.Events, event)
	}
	w.rest = append(w.rest, delivery)
}

func headers(record corpus.Record) []change.Header {
	var list []change.Header
	for _, header := range record.Headers {
		list = append(list, change.Header{Name: header.Name, Value: header.Value})
	}
	return list
}

// left are the deliveries to come.
func (w *interleavedSource) left() []change.Delivery {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.rest
}

// ends returns the offsets behind the last written records.
func (w *interleavedSource) ends() map[change.Partition]int64 {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	ends := make(map[change.Partition]int64, len(w.end))
	for part, end := range w.end {
		ends[part] = end
	}
	return ends
}

// Fetch implements pipeline.Source.
func (w *interleavedSource) Fetch(ctx context.Context) (change.Delivery, error) {
	w.mutex.Lock()
	if len(w.rest) > 0 {
		defer w.mutex.Unlock()
		next := w.rest[0]
		w.rest = w.rest[1:]
		for i := range next.Events {
			w.end[next.Events[i].Position.Partition] = next.Events[i].Position.Offset + 1
		}
		return next, nil
	}
	w.mutex.Unlock()
	<-ctx.Done()
	return change.Delivery{}, ctx.Err()
}

// Ends implements pipeline.Source.
func (w *interleavedSource) Ends(context.Context, []change.Lane) (map[change.Partition]int64, error) {
	return w.ends(), nil
}

// Ack implements pipeline.Source.
func (w *interleavedSource) Ack(context.Context, []change.Span) {}

// Pause implements pipeline.Source. Events of a paused partition wait in the order gate.
func (w *interleavedSource) Pause([]change.Partition) {}
