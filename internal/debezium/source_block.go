package debezium

import (
	"errors"

	"metadb/internal/change"
)

// Source is the block "source" of an envelope: where and when the change was made.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-create-events
type Source struct {
	// Connector is the kind of database, nil if it is absent.
	Connector     []byte
	Schema, Table []byte
	Snapshot      change.SnapshotPhase
	// Millis, Micros and Nanos are the time of the change as far as it is given.
	Millis, Micros, Nanos OptionalInteger
	LSN, Tx               OptionalInteger
	// First says that the snapshot begins with the record.
	First bool
	// CommitLSN and ChangeLSN are the two numbers of sequence: the lsn of the last commit before
	// the change's transaction, and the change's own. They are 0 if they are absent.
	CommitLSN, ChangeLSN uint64
}

// OptionalInteger is a number that may be absent.
type OptionalInteger struct {
	Value int64
	Given bool
}

// SnapshotPhaseOf returns the phase that the word source.snapshot stands for. first says that it is
// that of a snapshot's first record.
func SnapshotPhaseOf(word []byte) (phase change.SnapshotPhase, first bool) {
	switch string(word) {
	case "", "false":
		return change.Streamed, false
	case "last":
		return change.LastInSnapshot, false
	case "last_in_data_collection":
		return change.LastInTable, false
	case "incremental":
		return change.Incremental, false
	}
	return change.InSnapshot, string(word) == "first"
}

// The times that a change can have: until the day that __end has while a row
// is current.
const (
	minChangeTime change.Micros = 0
	maxChangeTime change.Micros = 253402214400000000 - 1 // before 9999-12-31
)

// changeTime returns when the change was made, as finely as it is given.
func (r *Source) changeTime() (change.Micros, error) {
	var at int64
	ok := true
	switch {
	case r.Nanos.Given:
		at, ok = nanoseconds.toMicros(r.Nanos.Value)
	case r.Micros.Given:
		at = r.Micros.Value
	case r.Millis.Given:
		at, ok = milliseconds.toMicros(r.Millis.Value)
	default:
		return 0, errors.New("the event has no time: expected source.ts_ms")
	}
	if time := change.Micros(at); ok && time >= minChangeTime && time <= maxChangeTime {
		return time, nil
	}
	return 0, errors.New("the event's time, source.ts_ms, lies outside the years 1970 to 9999")
}

// positionLSN returns two numbers, each 0 if it is absent: source.lsn or, where that is
// null, the second element of source.sequence; and the first element.
func (r *Source) positionLSN() (lsn, commit uint64) {
	lsn = r.ChangeLSN
	if r.LSN.Given {
		lsn = uint64(r.LSN.Value)
	}
	return lsn, r.CommitLSN
}
