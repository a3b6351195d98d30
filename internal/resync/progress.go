package resync

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/catalog"
)

// Progress counts current and confirmed rows during a synchronization, as [Endsync] does.
type Progress struct{ state syncState }

// LoadProgress reads which confirmations of a target's synchronization are valid.
func LoadProgress(ctx context.Context, db Querier, scope *Scope, target Target) (*Progress, error) {
	p := &Progress{syncState{target: target}}
	p.state.validity.keepsConfirmed = scope.snapshots[target].KeepsConfirmed
	return p, p.state.loadValidity(ctx, db)
}

// KeepsConfirmed reports whether the ids of confirmed rows are stored. Otherwise all rows are
// confirmed, and counting is of no use.
func (p *Progress) KeepsConfirmed() bool { return p.state.validity.keepsConfirmed }

// Beginner begins transactions; pools and connections implement it.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Count returns the numbers of current and of confirmed rows of a table.
func (p *Progress) Count(ctx context.Context, db Beginner, t *catalog.Table) (current, confirmed int64, err error) {
	var would *int64
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config('work_mem', $1, true)", workMem); err != nil {
			return err
		}
		from := " FROM " + t.Current.SQL() + " c"
		unconfirmed := "(SELECT count(*)" + from + " WHERE " + p.state.validity.isUnconfirmedSQL(t) + ")"
		if p.state.validity.floors[t.Name] == 0 {
			// Without any id of a confirmed row, only the current rows are counted.
			unconfirmed = "CASE WHEN EXISTS (SELECT FROM " + t.Sync.SQL() + ") THEN " + unconfirmed + " END"
		}
		return tx.QueryRow(ctx, "SELECT (SELECT count(*)"+from+"), "+unconfirmed).Scan(&current, &would)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count the confirmed rows of table %s: %w", t.Name, err)
	}
	if would == nil {
		return current, 0, nil
	}
	return current, max(0, current-*would), nil
}
