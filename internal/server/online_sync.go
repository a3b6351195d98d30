package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/command"
	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/ident"
	"metadb/internal/observe/status"
	"metadb/internal/resync"
	"metadb/internal/source/kinds"
	"metadb/internal/target/dbsession"
)

var _ command.Synchronizer = (*supervisor)(nil)

// onlineLockTimeout bounds one wait for a lock while clients read: their sessions queue behind
// it.
const onlineLockTimeout = 900 * time.Millisecond

// Target implements command.Synchronizer.
func (s *supervisor) Target(schema, main string) (resync.Target, bool) {
	t := s.tables.store.Snapshot().Owner(ident.Qualified{Schema: ident.Name(schema), Name: ident.Name(main)})
	if t == nil || string(t.Main.Name) != main || t.Source == "" {
		return resync.Target{}, false
	}
	return resync.Target{Source: t.Source, Table: t.Name}, true
}

// client.SyncOffline implements command.Synchronizer. The questions are asked before anything stops. Then the
// stream of a data source is rebuilt with the stored options; the stream of a table begins to
// confirm between two batches.
func (s *supervisor) Sync(ctx context.Context, front resync.Prompter, o resync.SyncOptions) error {
	o.Bounds, o.LockTimeout = kinds.BoundsFunc(s.kinds, s.key), onlineLockTimeout
	return s.withConn(ctx, func(db *pgx.Conn) error {
		o.Server = &resync.RunningServer{Store: s.tables.store}
		first := o
		first.DryRun = true
		if err := resync.Sync(ctx, db, front, first); err != nil || o.DryRun {
			return err
		}
		again := &silentPrompter{front}
		if !o.Whole() {
			s.warnOfSnapshot(front, o.Target)
			err := s.tables.withoutBatches(func() error {
				o.Server.ScopeChanged = func() { s.reloadScope(ctx, o.Source) }
				return resync.Sync(ctx, db, again, o)
			})
			if err == nil {
				s.reloadGaps(ctx, o.Source)
			}
			return err
		}
		return s.whileStopped(ctx, o.Source, func() error { return resync.Sync(ctx, db, again, o) })
	})
}

// warnOfSnapshot warns if an incremental snapshot of the table may be under way.
func (s *supervisor) warnOfSnapshot(front resync.Prompter, target resync.Target) {
	one := s.runningStream(target.Source)
	if one == nil {
		return
	}
	if warning := one.incrementals.underWayWarning(target.Table, time.Now()); warning != "" {
		front.Warn(warning)
	}
}

// client.EndsyncOffline implements command.Synchronizer.
func (s *supervisor) Endsync(ctx context.Context, front resync.Prompter, o resync.EndsyncOptions) ([]resync.TableCount, error) {
	o.LockTimeout, o.Logger, o.Server = onlineLockTimeout, s.logger, s.runningServer(ctx, o.Source)
	state := s.registry.Source(o.Source)
	defer state.ConfirmedRows().SetEnding("", 0, 0)
	front = &progressPrompter{front, state, s.logger}
	var counts []resync.TableCount
	err := s.withConn(ctx, func(db *pgx.Conn) error {
		var err error
		counts, err = resync.Endsync(ctx, db, front, o)
		return err
	})
	if err == nil && !o.DryRun {
		s.analyzer.Request(o.Source)
	}
	return counts, err
}

// Abort implements command.Synchronizer.
func (s *supervisor) Abort(ctx context.Context, target resync.Target) error {
	return s.withConn(ctx, func(db *pgx.Conn) error {
		return resync.Abort(ctx, db, resync.AbortOptions{Target: target, LockTimeout: onlineLockTimeout, Server: s.runningServer(ctx, target.Source)})
	})
}

// runningServer returns the hooks by which a synchronization of a source coordinates with the
// running server.
func (s *supervisor) runningServer(ctx context.Context, source string) *resync.RunningServer {
	return &resync.RunningServer{
		Store: s.tables.store, Exclusively: s.tables.withoutBatches, InvalidateCatalog: func() { s.tables.invalidated = true },
		ScopeChanged: func() { s.reloadScope(ctx, source) },
	}
}

// reloadScope loads the scope of the synchronization into the stream. After a failure, the stream
// loads it before its next batch.
func (s *supervisor) reloadScope(ctx context.Context, source string) {
	one := s.runningStream(source)
	if one == nil {
		return
	}
	if err := one.loadScope(context.WithoutCancel(ctx)); err != nil {
		s.logger.Warn(fmt.Sprintf("source %q: %v", source, err))
		return
	}
	one.countConfirmed()
}

// reloadGaps updates the gaps in the status from the database, because the synchronization of a
// table removes some. After a failure the status is unchanged.
func (s *supervisor) reloadGaps(ctx context.Context, source string) {
	one := s.runningStream(source)
	if one == nil {
		return
	}
	if err := one.loadGaps(context.WithoutCancel(ctx)); err != nil {
		s.logger.Warn(fmt.Sprintf("source %q: %v", source, err))
	}
}

// withConn calls do with a new connection of the system user.
func (s *supervisor) withConn(ctx context.Context, do func(*pgx.Conn) error) error {
	db, err := dbsession.ConnectRole(ctx, s.config, s.config.SystemUser)
	if err != nil {
		return err
	}
	defer dbsession.Close(ctx, db)
	return do(db)
}

// whileStopped calls do while the stream of a data source is stopped. The stream then starts with
// the stored options if do succeeds, otherwise with its previous ones.
func (s *supervisor) whileStopped(ctx context.Context, name string, do func() error) error {
	one := s.runningStream(name)
	var options *datasource.Options
	if one != nil {
		options = one.startOptions
		one.cancel()
		<-one.done
		s.mu.Lock()
		delete(s.running, name)
		s.mu.Unlock()
	}
	err := do()
	if err == nil || options == nil {
		stored, loadErr := datasource.Load(context.WithoutCancel(ctx), s.pool, name)
		switch {
		case loadErr == nil:
			options = stored
		case err == nil:
			// The old stream must not continue: its options may differ from those of the
			// synchronization.
			return fmt.Errorf("the synchronization has begun, but the stream of data source %q could not be started again; restart the server: %w", name, loadErr)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runCtx != nil && options != nil && s.running[name] == nil {
		if err == nil {
			s.registry.Source(name).SetGaps(nil)
		}
		s.startStream(options, false)
	}
	return err
}

// progressPrompter is a front that also shows the progress in list status and in the log.
type progressPrompter struct {
	resync.Prompter
	state  *status.Source
	logger *slog.Logger
}

func (f *progressPrompter) Progress(table change.Table, done, total int64) {
	f.state.ConfirmedRows().SetEnding(table.String(), done, total)
	f.logger.Info(fmt.Sprintf("ending rows: %d of %d, table %s", done, total, table))
	f.Prompter.Progress(table, done, total)
}

// silentPrompter is a front without warnings and progress, which the dry run has shown.
type silentPrompter struct{ resync.Prompter }

func (q *silentPrompter) Warn(string)                         {}
func (q *silentPrompter) Progress(change.Table, int64, int64) {}
