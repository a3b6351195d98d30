package apply

import (
	"context"
	"errors"
	"fmt"

	"metadb/internal/change"
	"metadb/internal/target/catalog"
	"metadb/internal/target/ddl"
	"metadb/internal/target/pgcode"
)

// If a publication of the target database contains all tables, PostgreSQL refuses to update and
// delete rows of tables without a replica identity. Tables get one only after such a refusal, since
// it costs WAL.

// noteIdentityRefusal notes that a batch may have failed for want of a replica identity. The next
// batches check each of their tables, also those that were checked before.
func (a *Applier) noteIdentityRefusal(err error) {
	if _, inTable := errors.AsType[*tableError](err); inTable && pgcode.Is(err, pgcode.ObjectNotInPrerequisiteState) {
		a.identifiedTables = make(map[change.Table]bool)
	}
}

// ensureReplicaIdentities sets the replica identity of a table and its transformed tables, after
// PostgreSQL has refused a change for want of one.
func (r *batchTx) ensureReplicaIdentities(ctx context.Context, t *tableState) error {
	if r.identifiedTables == nil {
		return nil
	}
	if err := r.ensureReplicaIdentity(ctx, t.table); err != nil {
		return err
	}
	for _, name := range r.childNames(t.table.Name) {
		if child := r.childState(name); child != nil {
			if err := r.ensureReplicaIdentity(ctx, child.table); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *batchTx) ensureReplicaIdentity(ctx context.Context, t *catalog.Table) error {
	if r.identifiedTables == nil || r.identifiedTables[t.Name] {
		return nil
	}
	had, err := ddl.EnsureReplicaIdentity(ctx, r.tx, t)
	if err != nil {
		return err
	}
	if had {
		r.config.Logger.Info(fmt.Sprintf("table %s: its rows have got a replica identity (FULL), since a publication has the table", t.Name))
	}
	r.newlyIdentified = append(r.newlyIdentified, t.Name)
	return nil
}
