package resync

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"metadb/internal/target/catalog"
)

// clearOutdated deletes the reasons for which the tables needed reading again, after the
// resynchronization has read them. Reasons noted after its beginning stay: they may concern
// rows that the snapshot had read before.
func (s *syncState) clearOutdated(ctx context.Context, db *pgx.Conn) error {
	if s.mode != Resync {
		return nil
	}
	var schemas, names []string
	for _, t := range s.tables {
		if len(t.Outdated) > 0 {
			schemas, names = append(schemas, t.Name.Schema), append(names, t.Name.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return s.server.exclusively(func() error {
		rows, err := db.Query(ctx, `
DELETE FROM metadb.outdated_table o USING unnest($1::text[], $2::text[]) AS t (schema_name, table_name)
 WHERE o.schema_name = t.schema_name AND o.table_name = t.table_name AND (o.noted_time < $3 OR $3 = 'epoch')
RETURNING o.schema_name, o.table_name, o.reason`, schemas, names, s.started)
		if err != nil {
			return fmt.Errorf("forget which tables need reading again: %w", err)
		}
		var key outdatedReason
		var gone []outdatedReason
		_, err = pgx.ForEachRow(rows, []any{&key.schema, &key.table, &key.reason}, func() error {
			gone = append(gone, key)
			return nil
		})
		if err != nil {
			return fmt.Errorf("forget which tables need reading again: %w", err)
		}
		s.publishWithoutReasons(gone)
		return nil
	})
}

// outdatedReason is a reason for which a table needs reading again.
type outdatedReason struct{ schema, table, reason string }

// publishWithoutReasons publishes the tables in the catalog without the deleted reasons.
func (s *syncState) publishWithoutReasons(gone []outdatedReason) {
	var read []*catalog.Table
	for _, t := range s.tables {
		now := s.store.Snapshot().Table(t.Name)
		if now == nil || len(now.Outdated) == 0 {
			continue
		}
		after := now.Clone()
		after.Outdated = slices.DeleteFunc(after.Outdated, func(reason string) bool {
			return slices.Contains(gone, outdatedReason{t.Name.Schema, t.Name.Name, reason})
		})
		if len(after.Outdated) == 0 {
			after.Outdated = nil
		}
		read = append(read, after)
	}
	s.store.Publish(read...)
}
