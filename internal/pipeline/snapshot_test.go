package pipeline

import (
	"strings"
	"testing"
	"time"

	"metadb/internal/change"
)

// TestLastMark: the mark counts only when everything is applied that the topics
// held when it was read, also what is in other partitions.
func TestLastMark(t *testing.T) {
	r := start(t, func(c *Config) { c.AwaitSnapshot, c.SnapshotDeadline = true, time.Hour })
	r.source.ends = map[change.Partition]int64{part0: 1, part1: 2}
	marked := upsert(part0, 0, 1, 1)
	marked.Snapshot, marked.Op = change.LastInSnapshot, change.Ignore
	r.send(change.Delivery{
		Begun:  []change.Beginning{begin(part0, change.Mark{}), begin(part1, change.Mark{})},
		Events: []change.Event{marked},
	})
	if held := <-r.source.paused; len(held) != 1 || held[0] != part0 {
		t.Errorf("paused %v", held)
	}
	for offset := range int64(2) {
		select {
		case how := <-r.reporter.completed:
			t.Fatalf("complete (%s) although %s is not applied", how, part1)
		default:
		}
		row := upsert(part1, offset, 1, 1)
		row.Snapshot = change.InSnapshot
		r.send(change.Delivery{Events: []change.Event{row}})
		if b := r.batch(); len(b.Spans) != int(offset)+1 {
			t.Errorf("batch %d: got spans %+v", offset, b.Spans)
		}
		r.answer(nil)
	}
	if how := <-r.reporter.completed; how != LastRecord {
		t.Errorf("got %q", how)
	}
	_ = r.stop()
	const line = `source \"sensor\" snapshot complete (last record received); consider running \"metadb endsync\"`
	if strings.Count(r.log.String(), line) != 1 {
		t.Errorf("the log lacks %s: %s", line, r.log)
	}
}

// TestLastMarkGoesWithItsBatch: what is remembered of a snapshot's end commits
// with its rows.
func TestLastMarkGoesWithItsBatch(t *testing.T) {
	for awaited, want := range map[bool]string{true: string(LastRecord), false: ""} {
		r := start(t, func(c *Config) { c.AwaitSnapshot = awaited })
		row := upsert(part0, 0, 5, 5)
		row.Snapshot = change.LastInSnapshot
		r.send(change.Delivery{Begun: []change.Beginning{begin(part0, change.Mark{})}, Events: []change.Event{row}})
		if b := r.batch(); b.Complete != want {
			t.Errorf("awaited %t: got %q", awaited, b.Complete)
		}
		r.answer(nil)
		if awaited {
			<-r.reporter.completed
		}
		_ = r.stop()
	}
}

func TestDeadline(t *testing.T) {
	clock := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	s := snapshot{awaited: true, deadline: time.Hour, looked: clock}
	pass := func(d time.Duration, active bool) {
		clock = clock.Add(d)
		s.pass(clock, active)
	}
	if _, complete := s.complete(); complete {
		t.Error("complete at once")
	}
	pass(59*time.Minute, true)
	s.applied(&batch{inSnapshot: true})
	pass(59*time.Minute, true)
	s.applied(&batch{})
	if _, complete := s.complete(); complete {
		t.Error("complete although snapshot records came within the deadline")
	}
	pass(time.Hour, false)
	if _, complete := s.complete(); complete {
		t.Error("complete although the stream was not active")
	}
	pass(time.Minute, true)
	if how, complete := s.complete(); !complete || how != Deadline {
		t.Errorf("got %q, %t", how, complete)
	}
}
