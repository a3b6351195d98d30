package apply_test

import (
	"testing"
	"time"

	"metadb/internal/change"
	"metadb/internal/target/apply"
)

// TestSnapshotNewsCommitsWithTheBatch checks that the progress of a snapshot is stored if and only
// if the batch is committed.
func TestSnapshotNewsCommitsWithTheBatch(t *testing.T) {
	r := newRig(t)
	if _, err := r.db.Pool.Exec(t.Context(), "INSERT INTO metadb.source (name, enable, sync) VALUES ('sensor', true, 1)"); err != nil {
		t.Fatal(err)
	}
	const known = "SELECT complete FROM metadb.resync WHERE source_name = 'sensor' AND table_name = ''"
	batch := func(from int64) *change.Batch {
		return &change.Batch{
			Source: "sensor", Events: []change.Event{put(1, "a", 10)},
			Snapshots: map[change.Table]change.SnapshotProgress{{}: {Complete: "last record received"}},
			Spans:     []change.Span{{Partition: change.Partition{Topic: "t"}, Fresh: from == 0, From: change.PartitionProgress{Next: from}, To: change.PartitionProgress{Next: from + 1}}},
		}
	}
	if _, err := r.applier.Apply(t.Context(), batch(7)); err == nil || r.rows(known) != "" {
		t.Errorf("a batch that is not applied: %v, %s", err, r.rows(known))
	}
	if _, err := r.applier.Apply(t.Context(), batch(0)); err != nil || r.rows(known) != "last record received" {
		t.Errorf("a batch that is applied: %v, %s", err, r.rows(known))
	}
}

// TestStoreSnapshot checks that the progress of a snapshot is extended, and only while the same
// synchronization lasts.
func TestStoreSnapshot(t *testing.T) {
	r := newRig(t)
	began, patron := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), change.Table{Schema: "library", Name: "patron"}
	for _, sql := range []string{
		"INSERT INTO metadb.source (name, enable, sync) VALUES ('sensor', true, 0)",
		"INSERT INTO metadb.resync (source_name, schema_name, table_name, started_at) VALUES ('sensor', 'library', 'patron', '2026-03-01Z')",
	} {
		if _, err := r.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		about string
		table change.Table
		news  change.SnapshotProgress
		want  string
	}{
		{"the data source is not synchronized", change.Table{}, change.SnapshotProgress{Complete: "x"}, "patron - false"},
		{"one that began before", patron, change.SnapshotProgress{Since: began.Add(-time.Hour), Complete: "x"}, "patron - false"},
		{"one that has been ended", change.Table{Schema: "library", Name: "loan"}, change.SnapshotProgress{Since: began, Complete: "x"}, "patron - false"},
		{"a notification", patron, change.SnapshotProgress{Since: began, Notified: true}, "patron - true"},
		{"the end", patron, change.SnapshotProgress{Since: began, Complete: "notification received"}, "patron notification received true"},
		{"once more", patron, change.SnapshotProgress{Since: began, Complete: "deadline exceeded"}, "patron notification received true"},
	} {
		if err := apply.StoreSnapshot(t.Context(), r.db.Pool, apply.Snapshot{Source: "sensor", Table: step.table}, step.news); err != nil {
			t.Fatal(err)
		}
		if got := r.rows("SELECT table_name, coalesce(complete, '-'), notified FROM metadb.resync"); got != step.want {
			t.Errorf("%s: got %s, want %s", step.about, got, step.want)
		}
	}
}
