package resync

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/catalog"
)

// SyncOptions are those of [Sync].
type SyncOptions struct {
	// Source is the name of the data source.
	Source string
	// Force puts no questions. Topics that have been read already are not
	// read from the beginning then.
	Force bool
	// Bounds asks the data source's broker.
	Bounds BoundsFunc
	// Patience is how long a lock is waited for at a time; 0 for 5 seconds.
	Patience time.Duration
}

// Sync begins the resynchronization of a data source: it forgets which rows are
// confirmed and sets the mode, in one transaction. The error is [ErrDeclined] if
// the front's answer is no. After an error nothing has changed.
//
// The data source's stream must not be running. What is confirmed by later
// events depends on what has been read already: see [BoundsFunc].
func Sync(ctx context.Context, db *pgx.Conn, front Front, o SyncOptions) error {
	s, err := load(ctx, db, o.Source)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Begin synchronization process for data source %q? ", s.name())
	if s.mode != Normal {
		front.Warn(fmt.Sprintf("a synchronization is in progress for data source %q", s.name()))
		question = fmt.Sprintf("Restart synchronization process for data source %q? ", s.name())
	}
	if !o.Force {
		if err := confirmed(front, question); err != nil {
			return err
		}
	}
	begin, err := s.whereToBegin(ctx, db, front, o)
	if err != nil {
		return err
	}
	return transact(ctx, db, o.Patience, "begin the synchronization", func(tx pgx.Tx) error {
		if err := emptySyncTables(ctx, tx, s.tables); err != nil {
			return err
		}
		if err := s.enterResync(ctx, tx); err != nil {
			return err
		}
		return begin.store(ctx, tx, s)
	})
}

// enterResync sets the mode, and forgets what an earlier resynchronization has
// come to.
func (s *state) enterResync(ctx context.Context, tx pgx.Tx) error {
	const remember = `
INSERT INTO metadb.resync (source_name, started_at) VALUES ($1, now())
ON CONFLICT (source_name) DO UPDATE SET started_at = excluded.started_at, complete = NULL, endsync_time = NULL`
	if _, err := tx.Exec(ctx, "UPDATE metadb.source SET sync = $2 WHERE name = $1", s.name(), Resync); err != nil {
		return fmt.Errorf("set the mode: %w", err)
	}
	if _, err := tx.Exec(ctx, remember, s.name()); err != nil {
		return fmt.Errorf("remember the beginning: %w", err)
	}
	return nil
}

// emptySyncTables forgets which rows are confirmed.
func emptySyncTables(ctx context.Context, tx pgx.Tx, tables []*catalog.Table) error {
	if len(tables) == 0 {
		return nil
	}
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.Sync.SQL()
	}
	if _, err := tx.Exec(ctx, "TRUNCATE "+strings.Join(names, ", ")); err != nil {
		return fmt.Errorf("empty the tables of confirmed rows: %w", err)
	}
	return nil
}
