package plan_test

import (
	"testing"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/plan"
)

// BenchmarkMake plans an ordinary batch: known tables, nothing to change.
func BenchmarkMake(b *testing.B) {
	columns := []string{"id integer"}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		columns = append(columns, name+" text")
	}
	events := make([]change.Event, 10000)
	upsert, remove := row(patron, columns...), with(row(patron, "id integer"), op(change.Delete))
	for i := range events {
		events[i] = upsert
		if i%10 == 0 {
			events[i] = remove
		}
	}
	events[0] = upsert
	first := plan.Make("sensor", events, nil)
	store := published(first)
	b.ReportAllocs()
	for b.Loop() {
		plan.Make("sensor", events, store.Snapshot())
	}
}

func published(p *plan.Plan) *catalog.Store {
	store := catalog.NewStore()
	for _, d := range p.Deltas {
		store.Publish(d.After)
	}
	return store
}
