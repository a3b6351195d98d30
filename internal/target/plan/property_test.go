package plan_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

// TestCutsDoNotMatter cuts a stream into batches of many sizes: the tables are the same after each,
// with the same path of types for every column.
func TestCutsDoNotMatter(t *testing.T) {
	event := rapid.Custom(func(t *rapid.T) change.Event {
		var columns []string
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"id", "Id", "__id", "__id_", "v"}), 1, 4, rapid.ID).Draw(t, "columns")
		for _, name := range names {
			kind := change.Type(rapid.IntRange(1, change.TypeCount-1).Draw(t, "type"))
			columns = append(columns, name+" "+kind.String())
		}
		e := row(in("s", rapid.SampledFrom([]string{"a", "a__", "b"}).Draw(t, "table")), columns...)
		e.Op = rapid.SampledFrom([]change.Op{change.Upsert, change.Upsert, change.Delete, change.Truncate}).Draw(t, "op")
		e.Time = at(rapid.IntRange(2020, 2026).Draw(t, "year"))
		e.Source.Schema = rapid.SampledFrom([]string{"s", "s", "t"}).Draw(t, "source")
		return e
	})
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(event, 1, 12).Draw(t, "events")
		whole := run(events, len(events))
		for size := 1; size < len(events); size++ {
			if cut := run(events, size); cut != whole {
				t.Fatalf("batches of %d:\n%s\none batch:\n%s", size, cut, whole)
			}
		}
	})
}

// run plans the events in batches of a size and describes the resulting tables and plans.
func run(events []change.Event, size int) string {
	store := catalog.NewStore()
	result := ""
	steps := map[string]string{}
	for start := 0; start < len(events); start += size {
		batch := events[start:min(start+size, len(events))]
		p := plan.Make("sensor", batch, store.Snapshot())
		for i := range batch {
			if reason, refused := p.Refused[i]; refused {
				result += fmt.Sprintln(start+i, reason)
			}
		}
		for _, d := range p.Deltas {
			store.Publish(d.After)
			for _, s := range d.Steps {
				steps[d.After.Name.Name] += fmt.Sprintln(start+s.Event, s.Column, s.From, s.To)
			}
		}
	}
	for table := range store.Snapshot().All() {
		result += fmt.Sprintln(table.Name, describe(table), table.Feeds, steps[table.Name.Name])
	}
	return result
}
