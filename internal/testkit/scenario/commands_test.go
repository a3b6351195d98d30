package scenario_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/ident"
	"metadb/internal/target/apply"
)

// commands carries out commands of the administration port, one a line. Nothing
// is being applied: every step waits for the one before.
func (l *line) commands(t *testing.T, options *datasource.Options, body string) error {
	t.Helper()
	logger := slog.New(l.log)
	applier := apply.New(apply.Config{
		Connect: func(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, l.db.ConnString) },
		Source:  sourceName, Group: options.ConsumerGroup, Store: l.store, Logger: logger,
	})
	defer func() { _ = applier.Close(context.Background()) }()
	executor := command.New(command.Services{
		SourceTypes: []string{"kafka"},
		DB:          l.db.Pool, Logger: logger,
		RefreshMapping: func(ctx context.Context, table ident.Qualified) (command.Refreshed, error) {
			done, err := applier.Refresh(ctx, apply.RefreshOptions{
				Table:       change.Table{Schema: string(table.Schema), Name: string(table.Name)},
				Exclusively: func(do func() error) error { return do() },
				Progress:    func(int64, int64) {}, Step: 2,
			})
			return command.Refreshed(done), err
		},
	})
	for text := range strings.Lines(body) {
		for _, statement := range executor.Parse(lang.Dialect{}, text) {
			if statement.Command == nil {
				return fmt.Errorf("%s: no command", text)
			}
			if _, err := executor.Exec(t.Context(), statement.Command); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
	}
	return nil
}
