package rejected

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// StoreRetried removes those of the retried events that have been applied, and stores the new reasons of
// the others.
func (s *Set) StoreRetried(ctx context.Context, tx pgx.Tx, retried map[change.Position]*change.RejectedEvent) error {
	var failed []int64
	var reasons, kinds, schemas, tables []string
	still := make(map[int64]bool, len(s.Events))
	for _, rej := range s.Events {
		id := retried[rej.Event.Position].ID
		still[id] = true
		failed, reasons = append(failed, id), append(reasons, storableReason(rej.reason))
		kinds = append(kinds, rej.kind.String())
		schemas, tables = append(schemas, rej.Event.Table.Schema), append(tables, rej.Event.Table.Name)
	}
	var done []int64
	for _, rej := range retried {
		if !still[rej.ID] {
			done = append(done, rej.ID)
		}
	}
	if _, err := tx.Exec(ctx, "DELETE FROM metadb.rejected_event WHERE id = ANY ($1)", done); err != nil {
		return fmt.Errorf("remove retried events: %w", err)
	}
	_, err := tx.Exec(ctx, `
		UPDATE metadb.rejected_event AS r SET reason = e.reason, kind = e.kind,
				schema_name = coalesce(nullif(e.schema_name, ''), r.schema_name), table_name = coalesce(nullif(e.table_name, ''), r.table_name)
			FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) AS e (id, reason, schema_name, table_name, kind)
			WHERE r.id = e.id`, failed, reasons, schemas, tables, kinds)
	if err != nil {
		return fmt.Errorf("store why retried events were set aside again: %w", err)
	}
	return nil
}

// MarkUndatedUnconfirmed marks rejected events without a time, of a source or of one of its tables, since their records could not be
// read: they may belong to an attempt that was given up, or may have confirmed rows after the
// beginning of the present one. endsync fails until they are retried or purged.
func MarkUndatedUnconfirmed(ctx context.Context, tx pgx.Tx, source string, table change.Table) error {
	_, err := tx.Exec(ctx, `
UPDATE metadb.rejected_event AS e SET unconfirmed = true
 WHERE e.source_name = $1 AND e.event_time IS NULL AND NOT e.unconfirmed AND ($3 = '' OR e.table_name IS NULL OR e.schema_name = $2 AND e.table_name = $3)
   AND e.rejected_time >= coalesce((SELECT r.started_at FROM metadb.resync r JOIN metadb.source s ON s.name = r.source_name
                                     WHERE s.sync <> 1 AND s.name = $1 AND r.schema_name = $2 AND r.table_name = $3), 'epoch')
   AND NOT EXISTS (SELECT FROM metadb.resync_from f WHERE f.source_name = $1 AND f.schema_name = $2 AND f.table_name = $3
                      AND f.topic = e.topic AND f.partition = e.partition AND e."offset" < f.next_offset)`,
		source, table.Schema, table.Name)
	if err != nil {
		return fmt.Errorf("note which rejected events may be of an attempt that was given up: %w", err)
	}
	return nil
}
