package resync

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/gap"
)

// SyncOptions are the options of [Sync].
type SyncOptions struct {
	Target
	// Force skips the questions. Topics that have been read already are then not read from the
	// beginning, unless FromBeginning is set.
	Force bool
	// FromBeginning reads topics that have been read already from the beginning, without a
	// question.
	FromBeginning bool
	// DryRun puts the questions and changes nothing.
	DryRun bool
	// Bounds requests the bounds of partitions from the data source's broker.
	Bounds BoundsFunc
	// LockTimeout limits one wait for a lock; 0 means 5 seconds.
	LockTimeout time.Duration
	// Server is the running server, nil without one.
	Server *RunningServer
}

// Sync begins the resynchronization of a data source or a table: it deletes all confirmations
// and sets the mode, in one transaction. The error is [ErrDeclined] if the prompter's answer is
// no. After an error nothing has changed.
//
// The caller stops the stream before, or for a table keeps it from applying. [BoundsFunc]
// describes how the events that confirm depend on the records read before.
func Sync(ctx context.Context, db *pgx.Conn, prompter Prompter, o SyncOptions) error {
	s, err := loadState(ctx, db, o.Target, o.Server)
	if err != nil {
		return err
	}
	kind, question := AskBegin, fmt.Sprintf("Begin synchronization process for %s? ", s.target)
	if s.mode != Normal {
		prompter.Warn(fmt.Sprintf("a synchronization is in progress for %s", s.target))
		kind, question = AskRestart, fmt.Sprintf("Restart synchronization process for %s? ", s.target)
	}
	if !o.Force {
		if err := askOrDecline(prompter, kind, question); err != nil {
			return err
		}
	}
	begin, err := s.planReadStart(ctx, db, prompter, o)
	if err != nil || o.DryRun {
		return err
	}
	err = retryTransaction(ctx, db, o.LockTimeout, "begin the synchronization", syncTables(s.tables), func(tx pgx.Tx) error {
		if err := emptySyncTables(ctx, tx, s.tables); err != nil {
			return err
		}
		if err := s.enterResync(ctx, tx); err != nil {
			return err
		}
		return begin.storeReadStart(ctx, tx, s)
	})
	if err == nil {
		o.Server.notifyScopeChanged()
	}
	return err
}

// enterResync sets the mode, and deletes the state of an earlier resynchronization. The
// resynchronization of a data source replaces those of its tables and clears every gap in the
// stream; that of a table clears the gaps of its topics.
func (s *syncState) enterResync(ctx context.Context, tx pgx.Tx) error {
	if err := s.deleteSyncRows(ctx, tx); err != nil {
		return err
	}
	const remember = "INSERT INTO metadb.resync (source_name, schema_name, table_name, started_at) VALUES ($1, $2, $3, now())"
	if _, err := tx.Exec(ctx, remember, s.target.keyArgs()...); err != nil {
		return fmt.Errorf("remember the beginning: %w", err)
	}
	if !s.target.Whole() {
		return gap.ClearTable(ctx, tx, s.target.Source, s.target.Table)
	}
	if err := gap.Clear(ctx, tx, s.target.Source); err != nil {
		return err
	}
	return s.setMode(ctx, tx, Resync)
}

// deleteSyncRows deletes the stored state of the target's synchronization, and, for a data
// source, of those of its tables.
func (s *syncState) deleteSyncRows(ctx context.Context, tx pgx.Tx) error {
	where, args := isTargetSQL, s.target.keyArgs()
	if s.target.Whole() {
		where, args = "source_name = $1", []any{s.target.Source}
	}
	tables := []string{"metadb.resync_from", "metadb.resync", "metadb.confirmed_since", "metadb.confirmed_floor"}
	if s.target.Whole() {
		tables = append(tables, "metadb.confirmed_change", "metadb.initial_adopts_attempt")
	}
	for _, table := range tables {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE "+where, args...); err != nil {
			return fmt.Errorf("forget the synchronization: %w", err)
		}
	}
	return nil
}

// setMode sets the mode of the data source.
func (s *syncState) setMode(ctx context.Context, tx pgx.Tx, mode Mode) error {
	if _, err := tx.Exec(ctx, "UPDATE metadb.source SET sync = $2 WHERE name = $1", s.target.Source, mode); err != nil {
		return fmt.Errorf("set the mode: %w", err)
	}
	return nil
}

// syncTables returns the tables of confirmed ids.
func syncTables(tables []*catalog.Table) []ident.Qualified {
	names := make([]ident.Qualified, len(tables))
	for i, t := range tables {
		names[i] = t.Sync
	}
	return names
}
