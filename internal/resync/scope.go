package resync

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// Scope has the targets of a data source that are being synchronized, and so which of its
// events confirm: all of them in a synchronization of the source, otherwise those of the tables
// that are synchronized by themselves. It is immutable.
type Scope struct {
	mode      Mode
	snapshots map[Target]Snapshot
}

// Snapshot is the state of the snapshot that a synchronization expects.
type Snapshot struct {
	// Since is the time when the resynchronization began; zero for the initial synchronization
	// and if unknown.
	Since time.Time
	// Complete is true if the snapshot is complete, Notified if a notification reports it.
	Complete, Notified bool
	// Begun has the times after which rows that a snapshot reads were certainly read after the
	// synchronization began.
	Begun change.SnapshotStarts
	// Before is the snapshot that may have been in progress when the synchronization began.
	Before change.SnapshotID
	// Attempts is the state of the snapshot's attempts, GivenUp the time of the attempt before
	// the present one; zero without one.
	Attempts change.Attempts
	GivenUp  change.Micros
	// KeepsConfirmed is true if the ids of confirmed rows are stored. They always are, except
	// in an initial synchronization in which every current row is one of the source's.
	KeepsConfirmed bool
	// confirmFrom has the first offsets that confirm, of partitions that had been read before.
	// Other partitions confirm from their beginning.
	confirmFrom map[change.Partition]int64
}

// IsCovered reports whether the record at a position belongs to the synchronization: it is not
// part of a backlog from before.
func (s Snapshot) IsCovered(at change.Position) bool { return at.Offset >= s.confirmFrom[at.Partition] }

// Querier runs queries; connections, pools and transactions implement it.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

var _ Querier = (*pgx.Conn)(nil)

// LoadScope reads which events of a data source confirm.
func LoadScope(ctx context.Context, db Querier, source string) (*Scope, error) {
	s := &Scope{mode: Normal, snapshots: make(map[Target]Snapshot)}
	rows, err := db.Query(ctx, `
SELECT s.sync, coalesce(r.schema_name, ''), coalesce(r.table_name, ''),
       coalesce(r.started_at, 'epoch'), r.complete IS NOT NULL, coalesce(r.notified, false),
       coalesce(r.initial_begun, 'epoch'), coalesce(r.incremental_begun, 'epoch'),
       coalesce(r.before_lsn, 0), coalesce(r.before_time, 'epoch'),
       coalesce(r.attempt_lsn, 0), coalesce(r.attempt_tx, 0), coalesce(r.attempt_time, 'epoch'), coalesce(r.attempt_first, false),
       coalesce(r.attempt_last, false), coalesce(r.attempt_doubled, false), coalesce(r.attempt_overtaken, false),
       coalesce(r.adopts_attempt, false) OR s.sync = $3 AND EXISTS (SELECT FROM metadb.initial_adopts_attempt a WHERE a.source_name = s.name),
       coalesce(r.given_up_time, 'epoch'), s.sync <> $3 OR coalesce(r.keeps_confirmed, false),
       coalesce(f.topic, ''), coalesce(f.partition, 0), coalesce(f.next_offset, 0)
  FROM metadb.source s
       LEFT JOIN metadb.resync r ON r.source_name = s.name AND (r.table_name = '') = (s.sync <> $2)
       LEFT JOIN metadb.resync_from f
       ON f.source_name = r.source_name AND f.schema_name = r.schema_name AND f.table_name = r.table_name
 WHERE s.name = $1 AND (s.sync <> $2 OR r.source_name IS NOT NULL)`, source, Normal, Initial)
	if err != nil {
		return nil, fmt.Errorf("read what is being synchronized: %w", err)
	}
	target := Target{Source: source}
	var found Snapshot
	var lsn, attemptLSN int64
	var before, initial, incremental, attempt, givenUp time.Time
	seen := &found.Attempts
	var at change.Partition
	var offset int64
	_, err = pgx.ForEachRow(rows, []any{
		&s.mode, &target.Table.Schema, &target.Table.Name,
		&found.Since, &found.Complete, &found.Notified, &initial, &incremental, &lsn, &before,
		&attemptLSN, &seen.Current.Tx, &attempt, &seen.First, &seen.Last, &seen.Ambiguous, &seen.Overtaken, &seen.AdoptsFirst, &givenUp, &found.KeepsConfirmed, &at.Topic, &at.Number, &offset,
	}, func() error {
		p, known := s.snapshots[target]
		if !known {
			p = found
			p.Begun = change.SnapshotStarts{Initial: change.Micros(initial.UnixMicro()), Incremental: change.Micros(incremental.UnixMicro())}
			p.Attempts.Current.LSN, p.Attempts.Current.Time = uint64(attemptLSN), change.Micros(attempt.UnixMicro())
			p.GivenUp = change.Micros(givenUp.UnixMicro())
			p.Before = change.SnapshotID{LSN: uint64(lsn), Time: change.Micros(before.UnixMicro())}
			if p.confirmFrom = make(map[change.Partition]int64); s.mode == Initial || p.Since.Unix() == 0 {
				p.Since = time.Time{}
			}
			s.snapshots[target] = p
		}
		if at.Topic != "" {
			p.confirmFrom[at] = offset
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is being synchronized: %w", err)
	}
	return s, nil
}

// After returns the scope after a batch that changes the state of snapshots.
func (s *Scope) After(news map[change.Table]change.SnapshotProgress) *Scope {
	if s == nil || len(news) == 0 {
		return s
	}
	after := &Scope{mode: s.mode, snapshots: maps.Clone(s.snapshots)}
	for target, p := range s.snapshots {
		told, known := news[target.Table]
		if !known || !told.Since.Equal(p.Since) {
			continue
		}
		if told.AttemptsChanged {
			p.Attempts = told.Attempts
		}
		p.KeepsConfirmed = p.KeepsConfirmed || told.KeepsConfirmed
		after.snapshots[target] = p
	}
	return after
}

// Mark sets Confirm and AttemptUnknown of a routed event. An event confirms if it belongs to a
// synchronization, and to the present attempt of its snapshot or later. An event of unknown
// table may be of any table. Where the ids of confirmed rows are not stored, only streamed
// changes are marked.
func (s *Scope) Mark(e *change.Event) {
	e.Confirm, e.AttemptUnknown = false, false
	if s == nil {
		return
	}
	for target, p := range s.snapshots {
		if !target.Whole() && e.Table != target.Table && e.Table != (change.Table{}) || !p.KeepsConfirmed && e.Snapshot != change.Streamed {
			continue
		}
		if p.IsCovered(e.Position) && p.Attempts.Current.Confirms(e) {
			e.Confirm = true
			if e.AttemptUnknown = p.Attempts.Current.MayFollow(e); !e.AttemptUnknown {
				return
			}
		}
	}
}

// KeepsConfirmed reports whether the ids of confirmed rows are stored.
func (s *Scope) KeepsConfirmed() bool {
	if s == nil {
		return false
	}
	for _, p := range s.snapshots {
		if p.KeepsConfirmed {
			return true
		}
	}
	return false
}

// Observed reports whether a batch was searched for the signals of every expected snapshot.
// observed has the beginnings of their synchronizations.
func (s *Scope) Observed(observed map[change.Table]time.Time) bool {
	if s == nil {
		return true
	}
	for target, p := range s.snapshots {
		if since, known := observed[target.Table]; !known || !since.Equal(p.Since) {
			return false
		}
	}
	return true
}

// Mode returns the mode of the data source.
func (s *Scope) Mode() Mode {
	if s == nil {
		return Normal
	}
	return s.mode
}

// Targets returns the targets being synchronized, with true for a complete snapshot.
func (s *Scope) Targets() map[Target]bool {
	targets := make(map[Target]bool)
	if s != nil {
		for target, p := range s.snapshots {
			targets[target] = p.Complete
		}
	}
	return targets
}

// Snapshots returns the states of the snapshots of all targets.
func (s *Scope) Snapshots() map[Target]Snapshot {
	if s == nil {
		return nil
	}
	return s.snapshots
}
