package resync

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/catalog"
)

// Progress counts how far a synchronization has come, as [Endsync] would see it.
type Progress struct{ syncState }

// LoadProgress reads which confirmations of a target's synchronization count.
func LoadProgress(ctx context.Context, db Querier, scope *Scope, target Target) (*Progress, error) {
	p := &Progress{syncState{Target: target}}
	p.keepsConfirmed = scope.snapshots[target].KeepsConfirmed
	return p, p.loadValidity(ctx, db)
}

// KeepsConfirmed reports whether there is anything to count: not where all rows are confirmed.
func (p *Progress) KeepsConfirmed() bool { return p.keepsConfirmed }

// Beginner is a pool or a connection.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Count returns how many rows of a table are current, and how many of them are confirmed.
func (p *Progress) Count(ctx context.Context, db Beginner, t *catalog.Table) (current, confirmed int64, err error) {
	var would int64
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config('work_mem', $1, true)", workMem); err != nil {
			return err
		}
		from := " FROM " + t.Current.SQL() + " c"
		return tx.QueryRow(ctx, "SELECT (SELECT count(*)"+from+"), (SELECT count(*)"+from+" WHERE "+p.isUnconfirmedSQL(t)+")").Scan(&current, &would)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count the confirmed rows of table %s: %w", t.Name, err)
	}
	return current, max(0, current-would), nil
}
