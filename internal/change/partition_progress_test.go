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
			{"the first again", 0, 20, 1, 1, change.PossiblyRepeated},
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
			var mark change.PartitionProgress
			for _, s := range steps {
				e := &change.Event{Op: change.Upsert, Commit: s.commit, LSN: s.lsn, Time: s.at}
				got := mark.Judge(e, s.key)
				if got != s.want {
					t.Errorf("%s: got %d, want %d", s.name, got, s.want)
				}
				if got == change.New {
					mark.Advance(e, s.key, got, true)
				}
			}
		})
	}
}

// TestJudgeBeyondMemory expects the order of the key to decide beyond the recent changes.
func TestJudgeBeyondMemory(t *testing.T) {
	var mark change.PartitionProgress
	for i := range uint64(1000) {
		e := &change.Event{LSN: 1000 + i, Time: change.Micros(i / 400)}
		mark.Advance(e, i%700, change.New, true)
	}
	for name, test := range map[string]struct {
		lsn  uint64
		at   change.Micros
		key  uint64
		want change.Verdict
	}{
		"forgotten":                             {1100, 0, 100, change.Repeated}, // its key has changed since
		"forgotten, and its key too":            {1500, 1, 500, change.PossiblyRepeated},
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

// TestJudgeByTransaction expects transactions to decide without source.sequence, for any
// number of transactions with one time, and however far back the connector returns.
func TestJudgeByTransaction(t *testing.T) {
	var mark change.PartitionProgress
	raise := func(tx int64, lsn uint64, at change.Micros, key uint64) {
		mark.Advance(&change.Event{Tx: tx, LSN: lsn, Time: at}, key, change.New, true)
	}
	// Transaction 1 has written before 300 others, of the same time, and commits after 200 of them.
	for tx := int64(2); tx <= 201; tx++ {
		raise(tx, 1000+uint64(tx), 5000, uint64(tx))
	}
	raise(1, 100, 5000, 1)
	raise(1, 900, 5000, 2)
	type step struct {
		tx   int64
		lsn  uint64
		at   change.Micros
		key  uint64
		want change.Verdict
	}
	check := func(steps map[string]step) {
		t.Helper()
		for name, s := range steps {
			if got := mark.Judge(&change.Event{Tx: s.tx, LSN: s.lsn, Time: s.at}, s.key); got != s.want {
				t.Errorf("%s: got %d, want %d", name, got, s.want)
			}
		}
	}
	check(map[string]step{
		"its first change again":       {1, 100, 5000, 1, change.Repeated},
		"its last change again":        {1, 900, 5000, 2, change.Repeated},
		"the other half of that":       {1, 900, 5000, 3, change.New},
		"its next change":              {1, 950, 5000, 1, change.New},
		"the first transaction again":  {2, 1002, 5000, 2, change.Repeated},
		"more of it, after others":     {2, 1003, 5000, 2, change.New},
		"one that ran beside it":       {202, 500, 5000, 2, change.New},
		"one of that id, years before": {2, 50, 1, 2, change.New},
	})
	for tx := int64(302); tx <= 600; tx++ {
		raise(tx, 1000+uint64(tx), 9000, uint64(tx))
	}
	check(map[string]step{
		"the last change of a former time": {1, 900, 5000, 2, change.PossiblyRepeated}, // forgotten
		"of the present time":              {302, 1302, 9000, 302, change.Repeated},
		"beside them":                      {301, 1301, 9000, 301, change.New},
	})
	raise(0, 2000, 9000, 1)
	raise(700, 2001, 9001, 1)
	if len(mark.Transactions) > 500 {
		t.Errorf("%d transactions are remembered", len(mark.Transactions))
	}
	mark.Advance(&change.Event{Tx: 701, Commit: 2100, LSN: 2200, Time: 9002}, 1, change.New, true)
	if len(mark.Transactions) > 0 {
		t.Errorf("%d transactions are remembered where source.sequence tells", len(mark.Transactions))
	}
}

// TestChangeFromTheFutureSentAgain expects the position to identify the repetition of a change
// with the time of its record in Kafka: the repeated record has a later time.
func TestChangeFromTheFutureSentAgain(t *testing.T) {
	for name, commit := range map[string]uint64{"with source.sequence": 1, "without": 0} {
		t.Run(name, func(t *testing.T) {
			at := func(lsn uint64, time, claimed change.Micros) *change.Event {
				e := &change.Event{Op: change.Upsert, LSN: lsn, Tx: int64(lsn), Time: time, ClaimedTime: claimed}
				if commit > 0 {
					e.Commit = lsn - 1
				}
				return e
			}
			var m change.PartitionProgress
			for i, e := range []*change.Event{at(10, 1000, 9e9), at(20, 2000, 0)} {
				if verdict := m.Judge(e, uint64(i)); verdict != change.New {
					t.Errorf("change %d: got %d", i, verdict)
				}
				m.Advance(e, uint64(i), change.New, true)
			}
			if verdict := m.Judge(at(10, 5000, 9e9), 0); verdict != change.Repeated {
				t.Errorf("sent again: got %d", verdict)
			}
			if verdict := m.Judge(at(30, 5000, 9e9), 0); verdict != change.New {
				t.Errorf("a new one from the future: got %d", verdict)
			}
			if m.HighTime != 2000 {
				t.Errorf("the highest time is %d", m.HighTime)
			}
		})
	}
}
