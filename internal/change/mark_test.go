package change_test

import (
	"testing"

	"metadb/internal/change"
)

// TestJudge sends events through one partition, with pairs of source.sequence in the form that
// Debezium 3.7 gives them, across crashes of the connector.
func TestJudge(t *testing.T) {
	type step struct {
		name        string
		commit, lsn uint64
		at          change.Micros
		key         uint64
		want        change.Verdict
	}
	for name, steps := range map[string][]step{
		"by source.sequence": {
			{"the connector's first transaction", 0, 20, 1, 1, change.New},
			{"the next one", 30, 35, 2, 1, change.New},
			{"one that began before it", 40, 25, 3, 2, change.New},
			{"its next change", 40, 38, 3, 2, change.New},
			{"its first change again", 40, 25, 3, 2, change.Repeated},
			{"the one before again", 30, 35, 2, 1, change.Repeated},
			{"a page of rows", 40, 50, 3, 3, change.New},
			{"its second row", 40, 50, 3, 4, change.New},
			{"its first row again", 40, 50, 3, 3, change.Repeated},
			{"its second row again", 40, 50, 3, 4, change.Repeated},
			{"its third row", 40, 50, 3, 5, change.New},
			{"a commit whose time is a little earlier", 60, 55, 2, 6, change.New},
			{"the restored source's first change", 30, 33, 9, 7, change.New},
			{"its next one", 30, 34, 9, 8, change.New},
			{"its first one again", 30, 33, 9, 7, change.Repeated},
		},
		"the first transaction, again after others": {
			{"the connector's first transaction", 0, 20, 1, 1, change.New},
			{"the next one", 30, 35, 2, 2, change.New},
			{"the first again", 0, 20, 1, 1, change.Doubtful},
			{"the next again", 30, 35, 2, 2, change.Repeated},
		},
		"a new connector at a server with lower positions": {
			{"the old connector", 900, 950, 1, 1, change.New},
			{"the new connector's first transaction", 0, 20, 5, 1, change.New},
			{"its next change", 0, 30, 5, 2, change.New},
			{"the next transaction, in the same millisecond", 40, 45, 5, 3, change.New},
			{"again", 40, 45, 5, 3, change.Repeated},
		},
		"by source.lsn": {
			{"a transaction", 0, 20, 1, 1, change.New},
			{"one that began before, in the same millisecond", 0, 10, 1, 2, change.New},
			{"again", 0, 10, 1, 2, change.Repeated},
			{"its next change", 0, 15, 1, 2, change.New},
			{"a later one", 0, 30, 2, 1, change.New},
			{"the first again", 0, 20, 1, 1, change.Repeated},
			{"a restored source", 0, 10, 5, 2, change.New},
			{"its next change", 0, 12, 5, 2, change.New},
			{"again", 0, 10, 5, 2, change.Repeated},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var mark change.Mark
			for _, s := range steps {
				e := &change.Event{Op: change.Upsert, Commit: s.commit, LSN: s.lsn, Time: s.at}
				got := mark.Judge(e, s.key)
				if got != s.want {
					t.Errorf("%s: got %d, want %d", s.name, got, s.want)
				}
				if got == change.New {
					mark.Raise(e, s.key, got, true)
				}
			}
		})
	}
}

// TestJudgeBeyondMemory: of more changes than are remembered the key's order decides.
func TestJudgeBeyondMemory(t *testing.T) {
	var mark change.Mark
	for i := range uint64(1000) {
		e := &change.Event{LSN: 1000 + i, Time: change.Micros(i / 400)}
		mark.Raise(e, i%700, change.New, true)
	}
	for name, test := range map[string]struct {
		lsn  uint64
		at   change.Micros
		key  uint64
		want change.Verdict
	}{
		"forgotten":                             {1100, 0, 100, change.Repeated}, // its key has changed since
		"forgotten, and its key too":            {1500, 1, 500, change.Doubtful},
		"a concurrent one after a change of it": {1999, 2, 298, change.New},
		"remembered":                            {1999, 2, 299, change.Repeated},
	} {
		e := &change.Event{LSN: test.lsn, Time: test.at}
		if got := mark.Judge(e, test.key); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
	if len(mark.Recent) > 400 {
		t.Errorf("%d changes are remembered", len(mark.Recent))
	}
}
