package server

import (
	"fmt"
	"strings"
	"testing"

	"metadb/internal/testkit/eventgen"
)

// TestSecondSourceOnTheSameTopics checks that a source with tables that all belong to another
// source stops instead of rejecting its stream, and continues from there when it has names of its
// own.
func TestSecondSourceOnTheSameTopics(t *testing.T) {
	const events = 1300
	i, f := install(t), newFeed(t)
	for id := int64(1); id <= events; id++ {
		f.change('c', id, "a", "")
	}
	r := i.start(t)
	r.admin(t, f.source())
	r.awaitText(t, "SELECT count(*)::text FROM library.patron", fmt.Sprint(events))
	r.admin(t, strings.NewReplacer("sensor type", "dup type", "sensor_1", "dup_1").Replace(f.source()))
	const why = `table library.patron belongs to data source "sensor"; no other table of the data source could be applied so far`
	r.await(t, "the second source stops", func() error {
		rows := r.admin(t, "list status")
		if len(rows) != 2 || rows[0][1] != "dup" || rows[0][2] != "error" || !strings.Contains(rows[0][8], why) || rows[1][2] != "active" {
			return fmt.Errorf("list status: %v", rows)
		}
		return nil
	})
	r.awaitText(t, "SELECT (count(*) <= 1000)::text FROM metadb.rejected_event", "true")
	r.awaitText(t, "SELECT count(*)::text FROM metadb.stream_gap", "0")
	r.admin(t, "alter data source dup options (add add_schema_prefix 'dup_')")
	r.stop(t)
	r = i.start(t)
	r.admin(t, "retry rejected events for data source dup")
	r.awaitText(t, "SELECT count(*)::text FROM dup_library.patron", fmt.Sprint(events))
	r.awaitText(t, "SELECT count(*)::text FROM metadb.rejected_event", "0")
}

// TestOriginForWhatWaits checks that events which wait because of a reserved schema name are
// applied as soon as an origin changes the schema.
func TestOriginForWhatWaits(t *testing.T) {
	const events = 1300
	i := install(t)
	f := feedOf(t, eventgen.Table{
		Schema: "pg_east", Name: "patron", Key: []int{0},
		Columns: []eventgen.Column{{Name: "id", Kind: eventgen.Integer}, {Name: "name", Kind: eventgen.Text}},
	})
	for id := int64(1); id <= events; id++ {
		f.change('c', id, "a", "")
	}
	r := i.start(t)
	r.admin(t, f.source())
	r.awaitState(t, "error", "schema pg_east is reserved")
	r.admin(t, "create data origin pg")
	r.await(t, "the table is made", func() error {
		r.admin(t, "retry rejected events for data source sensor")
		var n int
		if err := r.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM east.patron").Scan(&n); err != nil || n != events {
			return fmt.Errorf("%d rows: %w", n, err)
		}
		return nil
	})
}

// TestRejectedLimit checks that a source stops at its limit of rejected events, and continues
// when the limit is raised or rejected events are purged.
func TestRejectedLimit(t *testing.T) {
	i, f := install(t), newFeed(t)
	r := i.start(t)
	r.admin(t, strings.TrimSuffix(f.source(), ")")+", rejected_limit '10')")
	f.change('c', 1, "Ada", "")
	r.awaitText(t, current, "1=Ada")
	bad := func(n int) {
		record := eventgen.Record{Topic: "sensor.library.patron", Key: []byte("{"), Value: []byte("{")}
		if err := f.producer.Write(t.Context(), slicesOf(record, n)...); err != nil {
			t.Fatal(err)
		}
	}
	bad(10)
	r.awaitStatus(t, "10")
	bad(1)
	f.change('u', 1, "Eve", "")
	r.awaitState(t, "error", "11 events with 0 MB would be set aside, more than rejected_limit allows (10 events, 1024 MB)")
	r.awaitText(t, current, "1=Ada")
	r.admin(t, "alter data source sensor options (set rejected_limit '11')")
	r.awaitText(t, current, "1=Eve")
	bad(1)
	f.change('u', 1, "Zoe", "")
	r.awaitState(t, "error", "12 events")
	r.admin(t, "purge rejected events for data source sensor")
	r.awaitText(t, current, "1=Zoe")
	r.awaitStatus(t, "1")
}
