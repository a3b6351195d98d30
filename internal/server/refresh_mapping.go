package server

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/command"
	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/apply"
	"metadb/internal/target/dbsession"
)

// refreshLogInterval is the time between two log lines about a refresh.
const refreshLogInterval = 10 * time.Second

// refreshMapping applies the mappings of the table with this current table to its rows. The
// streams continue between its steps.
func (s *supervisor) refreshMapping(ctx context.Context, table ident.Qualified) (command.Refreshed, error) {
	if err := s.tables.reloadCatalog(ctx, s.pool); err != nil {
		return command.Refreshed{}, err
	}
	refreshing := apply.RefreshOptions{Exclusively: s.tables.withoutBatches}
	source := ""
	for t := range s.tables.store.Snapshot().All() {
		if t.Current == table {
			refreshing.Table, source = t.Name, t.Source
		}
	}
	applier := apply.New(apply.Config{
		Connect: func(ctx context.Context) (*pgx.Conn, error) {
			return dbsession.ConnectRole(ctx, s.config, s.config.SystemUser)
		},
		Store:  s.tables.store,
		Logger: s.logger,
	})
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dbsession.CloseTimeout)
		defer cancel()
		_ = applier.Close(ctx)
	}()
	told := time.Now()
	refreshing.Progress = func(done, total int64) {
		s.setRefreshing(source, refreshing.Table.String(), done, total)
		if time.Since(told) >= refreshLogInterval {
			told = time.Now()
			s.logger.Info(fmt.Sprintf("refreshing data mappings of table %s: %d of %d rows", refreshing.Table, done, total))
		}
	}
	defer s.setRefreshing(source, "", 0, 0)
	began := time.Now()
	done, err := applier.Refresh(ctx, refreshing)
	if err == nil {
		err = s.noteUpdate(ctx, table, time.Since(began))
	}
	if err != nil {
		return command.Refreshed(done), err
	}
	s.logger.Info(fmt.Sprintf("data mappings of table %s refreshed: %s transformed, %d written, %d ended",
		refreshing.Table, change.Plural(done.Rows, "row", "rows"), done.Written, done.Ended))
	return command.Refreshed(done), nil
}

// noteUpdate stores in metadb.table_update the time and the duration, in seconds, of the last
// complete refresh of the tables that are transformed from a table.
func (s *supervisor) noteUpdate(ctx context.Context, table ident.Qualified, took time.Duration) error {
	const sql = `
INSERT INTO metadb.table_update (schema_name, table_name, last_update, elapsed_real_time)
SELECT schema_name, table_name, now(), $3
  FROM metadb.base_table
 WHERE transformed AND parent_schema_name = $1 AND parent_table_name = $2
    ON CONFLICT (schema_name, table_name)
    DO UPDATE SET last_update = excluded.last_update, elapsed_real_time = excluded.elapsed_real_time`
	if _, err := s.pool.Exec(ctx, sql, string(table.Schema), string(table.Name), took.Seconds()); err != nil {
		return fmt.Errorf("note the update of table %s: %w", table.SQL(), err)
	}
	return nil
}

// setRefreshing shows the progress of a refresh in the status of a source.
func (s *supervisor) setRefreshing(source, table string, done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.running[source]; one != nil {
		one.state.SetRefreshing(table, done, total)
	}
}
