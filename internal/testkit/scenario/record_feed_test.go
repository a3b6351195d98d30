package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/debezium"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/pipeline"
	"metadb/internal/route"
	"metadb/internal/target/checkpoint"
	"metadb/internal/testkit/scenario"
)

// recordFeed is a source that delivers records in given batches: the next delivery
// begins when the one before has been applied.
type recordFeed struct {
	group string
	// router is the feed's own: a router belongs to one goroutine.
	router     *route.Router
	decoder    *connectjson.Decoder
	deliveries chan change.Delivery
	acked      chan []change.Span
	// begun are the partitions that it has begun to deliver.
	mu    sync.Mutex
	begun map[change.Partition]bool
}

var _ pipeline.Source = (*recordFeed)(nil)

func newFeed(t *testing.T, options *datasource.Options) *recordFeed {
	t.Helper()
	return &recordFeed{
		group:      options.ConsumerGroup,
		router:     router(t, options),
		decoder:    decoder(t, options),
		deliveries: make(chan change.Delivery),
		acked:      make(chan []change.Span, 16),
		begun:      make(map[change.Partition]bool),
	}
}

// decoder decodes as the options say.
func decoder(t *testing.T, options *datasource.Options) *connectjson.Decoder {
	t.Helper()
	unchanged, err := options.MeansUnchanged()
	if err != nil {
		t.Fatal(err)
	}
	return connectjson.NewDecoder(connectjson.Config{Placeholder: options.UnavailablePlaceholder, MeansUnchanged: unchanged})
}

// Fetch implements pipeline.Source.
func (f *recordFeed) Fetch(ctx context.Context) (change.Delivery, error) {
	select {
	case delivery := <-f.deliveries:
		return delivery, nil
	case <-ctx.Done():
		return change.Delivery{}, ctx.Err()
	}
}

// Ack implements pipeline.Source.
func (f *recordFeed) Ack(_ context.Context, spans []change.Span) { f.acked <- spans }

// Ends implements pipeline.Source. A scenario has no records behind the delivered
// ones.
func (f *recordFeed) Ends(context.Context, []change.Lane) (map[change.Partition]int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ends := make(map[change.Partition]int64, len(f.begun))
	for part := range f.begun {
		ends[part] = 0
	}
	return ends, nil
}

// begins reports whether a partition is delivered for the first time.
func (f *recordFeed) begins(part change.Partition) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.begun[part] {
		return false
	}
	f.begun[part] = true
	return true
}

// Pause implements pipeline.Source. A scenario waits by itself.
func (f *recordFeed) Pause([]change.Partition) {}

// deliver sends records as one batch and waits until it has been applied,
// unless nothing in it changes anything: then they go with the next.
func (f *recordFeed) deliver(t *testing.T, l *line, records []scenario.Record) {
	t.Helper()
	var delivery change.Delivery
	changes := make(map[change.Partition]int64)
	for _, record := range records {
		event := f.decode(record)
		part := event.Position.Partition
		if f.begins(part) {
			delivery.Assigned = append(delivery.Assigned, beginning(t, l, f.group, part))
		}
		if changesRows(f.router, event) {
			changes[part] = event.Position.Offset
		}
		delivery.Events = append(delivery.Events, event)
	}
	select {
	case f.deliveries <- delivery:
	case err := <-l.failed:
		t.Fatalf("deliver: %v", err)
	case err := <-l.done:
		l.done <- err
		t.Fatalf("the pipeline ended: %v", err)
	}
	for len(changes) > 0 {
		select {
		case spans := <-f.acked:
			// A batch before this one may have been acknowledged late.
			for _, s := range spans {
				if last, waits := changes[s.Partition]; waits && s.To.Next > last {
					delete(changes, s.Partition)
				}
			}
		case err := <-l.failed:
			t.Fatalf("apply: %v", err)
		case err := <-l.done:
			l.done <- err
			t.Fatalf("the pipeline ended: %v", err)
		}
	}
}

// beginning returns the assignment of a partition, which is read from the stored position.
func beginning(t *testing.T, l *line, group string, part change.Partition) change.Assignment {
	t.Helper()
	marks, err := checkpoint.Load(t.Context(), l.db.Pool, sourceName, group, []change.Partition{part})
	if err != nil {
		t.Fatal(err)
	}
	mark, stored := marks[part]
	return change.Assignment{Partition: part, Fresh: !stored, Stored: mark, From: mark.Next}
}

func (f *recordFeed) decode(record scenario.Record) change.Event {
	input := debezium.Input{
		Topic: record.Topic, Partition: record.Partition, Offset: record.Offset,
		Time: change.Micros(record.Time.UnixMicro()), Key: record.Key, Value: record.Value,
	}
	for _, header := range record.Headers {
		input.Headers = append(input.Headers, change.Header{Name: header.Name, Value: header.Value})
	}
	return f.decoder.Decode(&input)
}

// changesRows reports whether an event makes a batch worth a transaction.
func changesRows(router *route.Router, event change.Event) bool {
	router.Route(&event)
	return event.Op != change.Ignore
}

// errSteps is the error for a step in a wrong place of a script.
var errSteps = errors.New("options come first")

func misplaced(step scenario.Step) error { return fmt.Errorf("section %s: %w", step.Kind, errSteps) }
