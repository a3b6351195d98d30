package scenario_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReplaySnapshotMarks(t *testing.T) {
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, "snapshot_marks", size)
			r.follow(t, `^metadb_snapshot_marks_1\.`, groupName, false)
			r.same(t)
		})
	}
}

// TestReplayBusy compares every version with the source's own record of them.
func TestReplayBusy(t *testing.T) {
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, "busy", size)
			r.follow(t, `^metadb_busy_1\.`, groupName, false)
			r.same(t)
			want := versions(t)
			got := map[string][]string{}
			for _, row := range r.texts(t, `SELECT id, row_to_json(v)::text AS version, __current FROM
				(SELECT id, owner, amount, note, __current, __start, __id FROM b.acct__) v ORDER BY __start, __id`) {
				var version account
				if err := json.Unmarshal([]byte(*row["version"]), &version); err != nil {
					t.Fatal(err)
				}
				got[*row["id"]] = append(got[*row["id"]], version.String())
			}
			if len(got) != len(want) {
				t.Errorf("versions of %d keys, want %d", len(got), len(want))
			}
			for id, versions := range want {
				if !slices.Equal(got[id], versions) {
					t.Errorf("versions of %s: got\n%s\nwant\n%s", id, strings.Join(got[id], "\n"), strings.Join(versions, "\n"))
				}
			}
		})
	}
}

// TestReplayResync carries out docs/spec/06-synchronization.md#the-compatible-procedure on the recording of a lost stream.
func TestReplayResync(t *testing.T) {
	for _, size := range batchSizes() {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			r := newReplay(t, "resync", size)
			r.follow(t, `^metadb_resync_1\.`, groupName, false)
			r.endsync(t)
			options := datasourceOptions(t)
			for key, value := range map[string]string{"topics": `^metadb_resync_2\.`, "consumer_group": secondGroup} {
				if err := options.Set(key, value); err != nil {
					t.Fatal(err)
				}
			}
			r.sync(t, options)
			began := time.Now()
			r.follow(t, `^metadb_resync_2\.`, secondGroup, true)
			ended := int64(0)
			for _, count := range r.endsync(t) {
				ended += count.Unconfirmed()
			}
			r.same(t)
			// Three patrons, the second tags of ten, and all that is retired.
			if ended != 16 {
				t.Errorf("endsync ended %d rows, want 16", ended)
			}
			for _, row := range r.texts(t, `SELECT count(*) AS n FROM library.retired__ WHERE __end > '`+began.UTC().Format(time.RFC3339Nano)+`' AND NOT __current`) {
				if *row["n"] != "3" {
					t.Errorf("%s retired rows have the time of endsync as their end, want 3", *row["n"])
				}
			}
		})
	}
}
