package apply_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/target/checkpoint"
)

// TestMappingModel checks that the transformed tables are the transformation of the parents'
// versions, for random documents, mappings, changes, batches and interruptions.
func TestMappingModel(t *testing.T) {
	runs := 12
	if testing.Short() {
		runs = 4
	}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			m := &model{
				rand: rand.New(rand.NewPCG(uint64(seed), 9)), targets: map[string]string{}, now: map[int]string{}, n: map[int]int{}, parents: map[int][]parentVersion{},
			}
			r := newRig(t)
			for _, mapping := range mappable() {
				if above := mapping[0][:max(strings.LastIndexByte(mapping[0], '.'), 0)]; above != "" && m.targets[above] == "" || m.rand.IntN(5) == 0 && mapping[0] != "$" {
					continue
				}
				m.targets[mapping[0]] = mapping[1]
				r.exec("INSERT INTO metadb.transform_json VALUES ('library', 'item', 'doc', $1, $2)", mapping[0], mapping[1])
			}
			if seed%3 == 1 {
				r.applier.SetPieceBytes(m.rand.IntN(400))
			}
			for range 25 {
				var events []change.Event
				for range 1 + m.rand.IntN(12) {
					events = append(events, m.event())
				}
				if seed%2 == 1 && m.rand.IntN(2) == 0 {
					r.applier, r.other = r.other, r.applier // the other session applies the next batches
				}
				r.applyKilled(m.rand, events)
			}
			want, have := m.want(), got(t, r, false)
			if !slices.Equal(want, have) {
				t.Errorf("the tables differ:\n%s", difference(want, have))
			}
		})
	}
}

// applyKilled applies a batch, may interrupt it, and repeats it until it is applied.
func (r *rig) applyKilled(random *rand.Rand, events []change.Event) {
	r.t.Helper()
	for {
		ctx, cancel := context.WithCancel(r.t.Context())
		if random.IntN(3) == 0 {
			timer := time.AfterFunc(time.Duration(random.IntN(20_000))*time.Microsecond, cancel)
			defer timer.Stop()
		}
		err := r.tryWithin(ctx, events)
		cancel()
		switch {
		case err == nil:
			return
		case errors.Is(err, checkpoint.ErrFenced): // the interrupted commit had succeeded
			r.offset += int64(len(events)) + 1
			r.reload()
			return
		case r.t.Context().Err() != nil || ctx.Err() == nil:
			r.t.Fatal(err)
		}
		r.reload()
	}
}

// tryWithin applies a batch within a context and returns its error.
func (r *rig) tryWithin(ctx context.Context, events []change.Event) error {
	part := change.Partition{Topic: "t"}
	span := change.Span{Partition: part, Fresh: r.offset == 0, From: change.PartitionProgress{Next: r.offset}}
	for i := range events {
		events[i].Position = change.Position{Partition: part, Offset: r.offset + int64(i)}
	}
	span.To.Next = r.offset + int64(len(events)) + 1
	_, err := r.applier.Apply(ctx, &change.Batch{Source: "sensor", Events: events, Spans: []change.Span{span}})
	if err == nil {
		r.offset = span.To.Next
	}
	return err
}

// reload loads the catalog again, as the server does after a failure.
func (r *rig) reload() {
	r.t.Helper()
	if err := r.store.Load(r.t.Context(), r.db.Pool); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.db.Pool.Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

// difference lists the lines that only one side has.
func difference(want, have []string) string {
	var b strings.Builder
	for _, line := range want {
		if !slices.Contains(have, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range have {
		if !slices.Contains(want, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	if b.Len() == 0 {
		return "some line is there twice"
	}
	return b.String()
}
