package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/pgbinary"
	"metadb/internal/target/pgcode"
)

// isTableFault reports whether an error is a fault of the table itself that PostgreSQL has not
// reported.
func isTableFault(err error) bool {
	var fault *catalog.Fault
	var rows *pgbinary.RowCountError
	return errors.As(err, &fault) || errors.As(err, &rows) || errors.Is(err, ErrRowGone)
}

// isForeignConstraint reports whether PostgreSQL refuses rows for a reason outside the events: a
// constraint or an index that Metadb did not create, a missing partition, or an exhausted sequence.
// Then no event is rejected for it.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func (r *batchTx) isForeignConstraint(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch class := pgcode.Class(refused.Code); {
	case refused.Code == pgcode.SequenceGeneratorLimitExceeded:
		return true
	case class == pgcode.ClassIntegrityConstraintViolation, class == pgcode.ClassProgramLimitExceeded && refused.ConstraintName != "":
		relation := ident.Qualified{Schema: ident.Name(refused.SchemaName), Name: ident.Name(refused.TableName)}
		t := r.ownerTable(relation)
		return t == nil || !ddl.IsOwnIndex(t, relation.Name, ident.Name(refused.ConstraintName))
	}
	return false
}

// ownerTable returns the table that a relation belongs to, nil if it is not one of Metadb's.
func (r *batchTx) ownerTable(relation ident.Qualified) *catalog.Table {
	for _, t := range r.tables {
		for own := range t.table.Relations() {
			if own == relation {
				return t.table
			}
		}
	}
	return r.snapshot.Owner(relation)
}

// checkUsable returns the [catalog.Fault] of a table or of one of its transformed tables, nil if
// all can be used.
func (r *batchTx) checkUsable(t *catalog.Table) error {
	if t.Fault != nil {
		return t.Fault
	}
	for _, name := range r.childNames(t.Name) {
		child := r.snapshot.Table(name)
		if child == nil {
			continue // created by this batch
		}
		if err := r.checkUsable(child); err != nil {
			return err
		}
	}
	return nil
}

// restoreTables creates the missing relations of a table and of its transformed tables.
func (r *batchTx) restoreTables(ctx context.Context, t *tableState) error {
	if err := r.restoreTable(ctx, t); err != nil {
		return err
	}
	for _, name := range r.childNames(t.table.Name) {
		known := r.snapshot.Table(name)
		if known == nil || known.MissingParts == (catalog.MissingParts{}) && len(r.childIndex.children[name]) == 0 {
			continue
		}
		if err := r.restoreTables(ctx, r.childState(name)); err != nil {
			return err
		}
	}
	return nil
}

// restoreTable creates the missing relations of a table. The ids that a resynchronization has
// confirmed are lost with their table: then it returns a fault, and the resynchronization has to
// begin again.
func (r *batchTx) restoreTable(ctx context.Context, t *tableState) error {
	if t.table.MissingParts == (catalog.MissingParts{}) {
		return nil
	}
	if t.table.MissingParts.Sync && slices.ContainsFunc(t.events, func(i int) bool { return r.batch.Events[i].Confirm }) {
		return &catalog.Fault{Problem: catalog.Unconfirmed, Relation: t.table.Sync}
	}
	table, err := ddl.RestoreMissing(ctx, r.tx, t.table)
	if err != nil {
		return err
	}
	t.table, t.changed = table, true
	return nil
}

// verifyRelationsSQL finds a relation that is not as the catalog has it, among those that the batch
// may have written: missing or unlogged; not a partition, so that its rows are not in the main
// table; with row security or a rule that hides or suppresses rows; or without the unique index
// that detects an existing key. Other sessions can't change that before the commit, since the batch
// has locks on the relations that it has written.
const verifyRelationsSQL = `
	SELECT w.ord::int - 1
		FROM unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS w (relation, parent, keys, ord)
			LEFT JOIN pg_class AS c ON c.oid = to_regclass(w.relation)
		WHERE c.oid IS NULL OR c.relpersistence = 'u' OR c.relrowsecurity AND row_security_active(c.oid)
			OR NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid AND i.inhparent = to_regclass(w.parent) AND NOT i.inhdetachpending)
			OR c.relhasrules AND EXISTS (SELECT FROM pg_rewrite AS r
				WHERE r.ev_class = c.oid AND r.is_instead AND r.ev_type <> '1' AND r.ev_enabled <> 'D')
			OR w.keys > 0 AND NOT EXISTS (SELECT FROM pg_index AS x WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid
				AND x.indimmediate AND x.indnullsnotdistinct AND x.indpred IS NULL AND x.indnkeyatts = w.keys)
		LIMIT 1`

// verifyRelations checks, before the commit, whether the tables that the batch has finished are as
// the catalog has them. Without it rows could be lost silently after a change by hand.
func (r *batchTx) verifyRelations(ctx context.Context) error {
	var relations, parents []string
	var keys []int32
	var faults []tableError
	add := func(t *catalog.Table, relation, parent ident.Qualified, key int) {
		relations, parents, keys = append(relations, relation.SQL()), append(parents, parent.SQL()), append(keys, int32(key))
		faults = append(faults, tableError{table: r.eventTable(t), err: &catalog.Fault{Problem: catalog.Changed, Relation: relation}, tableOnly: true})
	}
	for _, s := range r.finishedTables {
		t := s.table
		key := 0
		if t.UniqueKey {
			key = len(t.Key) + 1
		}
		add(t, t.Current, t.Main, key)
		add(t, t.History, t.Main, 0)
		for _, year := range t.Years {
			add(t, t.Year(year), t.History, 0)
		}
	}
	if len(relations) == 0 {
		return nil
	}
	var at int
	err := r.tx.QueryRow(ctx, verifyRelationsSQL, relations, parents, keys).Scan(&at)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("verify the tables: %w", err)
	}
	return &faults[at]
}

// eventTable returns the name of the table with the events from which a table's rows come.
func (r *batchTx) eventTable(t *catalog.Table) change.Table {
	for t.IsTransformed() {
		parent := r.snapshot.Table(t.Parent)
		if parent == nil {
			return t.Parent
		}
		t = parent
	}
	return t.Name
}
