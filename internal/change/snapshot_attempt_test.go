package change_test

import (
	"testing"

	"metadb/internal/change"
)

// TestAttemptAfter expects lsn and txId to identify an attempt, time to order two of
// them, and lsn and then txId to order attempts of the same time.
func TestAttemptAfter(t *testing.T) {
	for name, test := range map[string]struct {
		a, b change.Attempt
		want bool
	}{
		"the first":            {change.Attempt{LSN: 1, Tx: 1, Time: 1}, change.Attempt{}, true},
		"none":                 {change.Attempt{}, change.Attempt{LSN: 1, Tx: 1, Time: 1}, false},
		"later":                {change.Attempt{LSN: 9, Tx: 9, Time: 9}, change.Attempt{LSN: 5, Tx: 5, Time: 5}, true},
		"earlier":              {change.Attempt{LSN: 5, Tx: 5, Time: 5}, change.Attempt{LSN: 9, Tx: 9, Time: 9}, false},
		"another time alone":   {change.Attempt{LSN: 5, Tx: 5, Time: 9}, change.Attempt{LSN: 5, Tx: 5, Time: 5}, false},
		"another lsn":          {change.Attempt{LSN: 9, Tx: 5, Time: 9}, change.Attempt{LSN: 5, Tx: 5, Time: 5}, true},
		"another txId":         {change.Attempt{LSN: 5, Tx: 9, Time: 9}, change.Attempt{LSN: 5, Tx: 5, Time: 5}, true},
		"a source set back":    {change.Attempt{LSN: 2, Tx: 2, Time: 9}, change.Attempt{LSN: 5, Tx: 5, Time: 5}, true},
		"in one millisecond":   {change.Attempt{LSN: 9, Tx: 9, Time: 5}, change.Attempt{LSN: 5, Tx: 5, Time: 5}, true},
		"only txId, same time": {change.Attempt{LSN: 5, Tx: 4, Time: 5}, change.Attempt{LSN: 5, Tx: 5, Time: 5}, false},
	} {
		if got := test.a.IsAfter(test.b); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// TestAttemptConfirms: the records of the attempt confirm, and changes that were committed
// after its beginning, also where their own position is lower.
func TestAttemptConfirms(t *testing.T) {
	now := change.Attempt{LSN: 100, Tx: 50, Time: 1000}
	for name, test := range map[string]struct {
		e    change.Event
		want bool
	}{
		"its own":                         {change.Event{Snapshot: change.InSnapshot, LSN: 100, Tx: 50, Time: 1000}, true},
		"its own, a second later":         {change.Event{Snapshot: change.LastInSnapshot, LSN: 100, Tx: 50, Time: 2000}, true},
		"an earlier one's":                {change.Event{Snapshot: change.InSnapshot, LSN: 90, Tx: 40, Time: 900}, false},
		"another txId":                    {change.Event{Snapshot: change.InSnapshot, LSN: 100, Tx: 49, Time: 999}, false},
		"a change before":                 {change.Event{LSN: 99, Time: 999}, false},
		"a change at its position":        {change.Event{LSN: 100, Time: 999}, true},
		"a change after":                  {change.Event{LSN: 101, Time: 1001}, true},
		"of a transaction open meanwhile": {change.Event{LSN: 90, Time: 1500}, true},
		"behind a commit after it":        {change.Event{LSN: 90, CommittedAfter: 120, Time: 999}, true},
		"behind its rows":                 {change.Event{LSN: 90, CommittedAfter: 100, Time: 999}, true},
		"an incremental row before":       {change.Event{Snapshot: change.Incremental, Time: 999}, false},
		"an incremental row after":        {change.Event{Snapshot: change.Incremental, Time: 1000}, true},
	} {
		if got := now.Confirms(&test.e); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
		if !(change.Attempt{}).Confirms(&test.e) {
			t.Errorf("%s: before the first attempt everything confirms", name)
		}
	}
}

func TestAttemptsObserve(t *testing.T) {
	a := func(n int) change.Attempt {
		return change.Attempt{LSN: uint64(n), Tx: int64(n), Time: change.Micros(n)}
	}
	type step struct {
		seen          change.AttemptRecords
		foreign, anew bool
		want          change.Attempts
	}
	for name, steps := range map[string][]step{
		"begun anew": {
			{seen: change.AttemptRecords{Attempt: a(1), Firsts: 1}, anew: true, want: change.Attempts{Current: a(1), First: true}},
			{seen: change.AttemptRecords{Attempt: a(2), Last: true}, anew: true, want: change.Attempts{Current: a(2), Last: true}},
			{seen: change.AttemptRecords{Attempt: a(1), Firsts: 1, Last: true}, want: change.Attempts{Current: a(2), Last: true}},
			{seen: change.AttemptRecords{Attempt: a(2), Firsts: 1}, want: change.Attempts{Current: a(2), First: true, Last: true}},
		},
		"twice with one pair": {
			{seen: change.AttemptRecords{Attempt: a(1), Firsts: 1}, anew: true, want: change.Attempts{Current: a(1), First: true}},
			{seen: change.AttemptRecords{Attempt: change.Attempt{LSN: 1, Tx: 1, Time: 9}, Firsts: 1}, want: change.Attempts{Current: a(1), First: true, Ambiguous: true}},
			{seen: change.AttemptRecords{Attempt: a(20)}, anew: true, want: change.Attempts{Current: a(20)}},
		},
		"another table's": {
			{seen: change.AttemptRecords{Attempt: a(1)}, foreign: true},
			{seen: change.AttemptRecords{Attempt: a(1)}, anew: true, want: change.Attempts{Current: a(1)}},
			{seen: change.AttemptRecords{Attempt: a(2)}, foreign: true, want: change.Attempts{Current: a(1), Overtaken: true}},
			{seen: change.AttemptRecords{Attempt: a(1), Last: true}, foreign: true, want: change.Attempts{Current: a(1), Overtaken: true, Last: true}},
		},
	} {
		var known change.Attempts
		for i, s := range steps {
			if anew := known.Observe(s.seen, !s.foreign); anew != s.anew || known != s.want {
				t.Errorf("%s, %d: anew %v, %+v; want %v, %+v", name, i, anew, known, s.anew, s.want)
			}
		}
	}
}

// TestUnreadableConfirms expects a record that could not be read at all to confirm: it
// may be of the current attempt, and endsync has to take its row into account.
func TestUnreadableConfirms(t *testing.T) {
	now := change.Attempt{LSN: 100, Tx: 7, Time: 1000}
	for name, test := range map[string]struct {
		e    change.Event
		want bool
	}{
		"nothing was read":          {change.Event{Op: change.Reject}, true},
		"nothing, behind its rows":  {change.Event{Op: change.Reject, NotBefore: 1000}, true},
		"of an earlier attempt":     {change.Event{Op: change.Reject, Snapshot: change.InSnapshot, LSN: 90, Tx: 6, Time: 900}, false},
		"of the present one":        {change.Event{Op: change.Reject, Snapshot: change.InSnapshot, LSN: 100, Tx: 7, Time: 1001}, true},
		"changed before":            {change.Event{Op: change.Reject, LSN: 90, Time: 900}, false},
		"a row that says no moment": {change.Event{Op: change.Upsert}, false},
	} {
		if got := now.Confirms(&test.e); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestUnreadableIsDoubtful expects such a record to be unclear unless an earlier record of
// its partition is of the attempt or later.
func TestUnreadableIsDoubtful(t *testing.T) {
	now := change.Attempt{LSN: 100, Tx: 7, Time: 1000}
	for name, test := range map[string]struct {
		e    change.Event
		want bool
	}{
		"the first of its partition":  {change.Event{Op: change.Reject}, true},
		"behind an earlier attempt's": {change.Event{Op: change.Reject, NotBefore: 900}, true},
		"behind one of the attempt's": {change.Event{Op: change.Reject, NotBefore: 1000}, false},
		"of a known moment":           {change.Event{Op: change.Reject, LSN: 90, Time: 900}, false},
	} {
		if got := now.MayFollow(&test.e); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
		if (change.Attempt{}).MayFollow(&test.e) {
			t.Errorf("%s: in doubt before the first attempt", name)
		}
	}
}
