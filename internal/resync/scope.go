package resync

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// Scope says what of a data source is being synchronized, and which of its events
// confirm: all of them in a
// resynchronization of the source, those of the tables that are being
// synchronized by themselves otherwise. It never changes.
type Scope struct {
	mode      Mode
	snapshots map[Target]Snapshot
}

// Snapshot is what is known of the snapshot that a synchronization awaits.
type Snapshot struct {
	// Since is when the resynchronization began, zero for the initial one and
	// where that is not known.
	Since time.Time
	// Complete says that the snapshot is known to be complete, Notified that a
	// notification calls it complete.
	Complete, Notified bool
	// Begun is since when what snapshots read has been read after it began.
	Begun change.SnapshotStarts
	// Before is the snapshot that may have been under way when it began.
	Before change.SnapshotID
	// Attempts is what is known of the snapshot's attempts, GivenUp the time of the one
	// that the present one took the place of, zero if there was none.
	Attempts change.Attempts
	GivenUp  change.Micros
	// KeepsConfirmed says that the ids of confirmed rows are kept: always, but in an initial
	// synchronization where every row that is there is one of the source's.
	KeepsConfirmed bool
	// confirmFrom are the first offsets that confirm, of partitions that had been
	// read before. Other partitions confirm from their beginning.
	confirmFrom map[change.Partition]int64
}

// IsCovered reports whether a record at a position is about the synchronization: a
// backlog from before is not.
func (s Snapshot) IsCovered(at change.Position) bool { return at.Offset >= s.confirmFrom[at.Partition] }

// Querier is a connection, a pool or a transaction.
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

// After returns the scope as it is after a batch that brings news of snapshots.
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

// Mark says of an event that has been routed whether it confirms: it is about the
// synchronization, and of the present attempt of its snapshot or later. An event whose
// table is not known may be of any table. Where the ids of confirmed rows are not kept,
// only changes are noted.
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

// KeepsConfirmed reports whether the ids of confirmed rows are kept.
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

// Observed reports whether a batch was looked through for news of every snapshot that is
// awaited: observed says since when each was.
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

// Mode is that of the data source.
func (s *Scope) Mode() Mode {
	if s == nil {
		return Normal
	}
	return s.mode
}

// Targets returns what is being synchronized, and whether its snapshot is known
// to be complete.
func (s *Scope) Targets() map[Target]bool {
	targets := make(map[Target]bool)
	if s != nil {
		for target, p := range s.snapshots {
			targets[target] = p.Complete
		}
	}
	return targets
}

// Snapshots returns what is known of the snapshots that are awaited, or have
// been.
func (s *Scope) Snapshots() map[Target]Snapshot {
	if s == nil {
		return nil
	}
	return s.snapshots
}
