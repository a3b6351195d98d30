package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
)

// relationRole is the part that a relation plays in its table.
type relationRole int

const (
	mainRole relationRole = iota
	currentRole
	historyRole
	syncRole
	yearRole
)

// pgRelation is a relation in PostgreSQL's catalog.
type pgRelation struct {
	oid         uint32
	kind        string
	unlogged    bool
	parentOID   uint32
	rowSecurity bool
	// owner is the role that owns it, empty if that is the session's role or a superuser.
	owner string
	// rule is an enabled rule that replaces writes to the relation, empty if it has no such rule.
	rule string
}

// tableRelation links a relation to its table.
type tableRelation struct {
	table *loadedTable
	role  relationRole
}

// relationColumnsSQL has the expressions that fill a relation, for the row c of pg_class.
const relationColumnsSQL = `c.oid, c.relkind::text, c.relpersistence = 'u',
			coalesce((SELECT i.inhparent FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid AND c.relispartition AND NOT i.inhdetachpending), 0),
			c.relrowsecurity AND pg_catalog.row_security_active(c.oid),
			CASE WHEN c.relowner IN (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user OR r.rolsuper) THEN ''
				ELSE pg_catalog.pg_get_userbyid(c.relowner)::text END,
			CASE WHEN c.relhasrules THEN coalesce((SELECT min(r.rulename) FROM pg_catalog.pg_rewrite AS r
				WHERE r.ev_class = c.oid AND r.is_instead AND r.ev_type <> '1' AND r.ev_enabled <> 'D'), '')::text ELSE '' END`

// relationsSQL finds the relations that each table was created with, by their names.
const relationsSQL = `
	SELECT t.schema_name, t.table_name, r.role, ` + relationColumnsSQL + `
		FROM metadb.target_table AS t
			JOIN pg_catalog.pg_namespace AS n ON n.nspname = t.stored_schema
			CROSS JOIN LATERAL (VALUES (0, t.main_table), (1, t.current_table), (2, t.history_table), (3, t.sync_table)) AS r (role, name)
			JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.name`

// loadRelations reads the relations that each table was created with.
func (l *catalogLoader) loadRelations(ctx context.Context) error {
	rows, err := l.db.Query(ctx, relationsSQL)
	if err != nil {
		return fmt.Errorf("relations: %w", err)
	}
	found := make(map[*loadedTable]*[4]pgRelation)
	var schema, name string
	var at relationRole
	var r pgRelation
	targets := append([]any{&schema, &name, &at}, r.scanTargets()...)
	_, err = pgx.ForEachRow(rows, targets, func() error {
		e := l.byName[newTableName(schema, name)]
		if e == nil {
			return nil
		}
		if found[e] == nil {
			found[e] = &[4]pgRelation{}
		}
		found[e][at] = r
		return nil
	})
	if err != nil {
		return fmt.Errorf("relations: %w", err)
	}
	for _, e := range l.found {
		l.assignRelations(e, found[e])
	}
	return nil
}

func (r *pgRelation) scanTargets() []any {
	return []any{&r.oid, &r.kind, &r.unlogged, &r.parentOID, &r.rowSecurity, &r.owner, &r.rule}
}

// assignRelations assigns the relations to their table, and sets a fault where one is missing or unsuitable.
func (l *catalogLoader) assignRelations(e *loadedTable, found *[4]pgRelation) {
	t := e.table
	if found == nil || found[mainRole].oid == 0 && found[currentRole].oid == 0 && found[historyRole].oid == 0 {
		e.dropped = true
		return
	}
	main := found[mainRole]
	e.checkRelation(t.Main, &main, "p", ident.Qualified{}, 0)
	e.checkRelation(t.Current, &found[currentRole], "r", t.Main, main.oid)
	e.checkRelation(t.History, &found[historyRole], "p", t.Main, main.oid)
	if found[syncRole].oid == 0 {
		t.MissingParts.Sync = true
	} else {
		e.checkRelation(t.Sync, &found[syncRole], "r", ident.Qualified{}, 0)
	}
	if main.kind == "p" {
		l.byMain[main.oid] = e
	}
	e.currentOID, e.historyOID = found[currentRole].oid, found[historyRole].oid
	for at, r := range found {
		if r.oid != 0 {
			l.byRelation[r.oid] = tableRelation{e, relationRole(at)}
		}
	}
}

// losesRows reports whether rows that are written into the relation can be lost or hidden, and sets the
// cause in f.
func (r *pgRelation) losesRows(f *Fault) bool {
	switch {
	case r.unlogged:
		f.Problem = Unlogged
	case r.rowSecurity:
		f.Problem = RowSecurity
	case r.rule != "":
		f.Problem, f.Found = Rewritten, ident.Name(r.rule).SQL()
	default:
		return false
	}
	return true
}

// checkRelation sets a fault unless a relation of the table has the wanted kind and, where parent has a
// name, is a partition of it.
func (e *loadedTable) checkRelation(name ident.Qualified, r *pgRelation, kind string, parent ident.Qualified, parentOID uint32) {
	f := &Fault{Relation: name, Parent: parent}
	switch {
	case r.oid == 0:
		f.Problem = Missing
	case r.owner != "":
		f.Problem, f.Found = OtherOwner, ident.Name(r.owner).SQL()
	case r.kind != kind:
		f.Problem, f.Found = Replaced, relationKindName(r.kind)
	case parent.Name != "" && (parentOID == 0 || r.parentOID != parentOID):
		f.Problem = Detached
	case !r.losesRows(f):
		return
	}
	e.setFault(f)
}

// relationKindName returns PostgreSQL's word for a kind of relation (pg_class.relkind).
// https://www.postgresql.org/docs/current/catalog-pg-class.html
func relationKindName(kind string) string {
	switch kind {
	case "r":
		return "table"
	case "p":
		return "partitioned table"
	case "v":
		return "view"
	case "m":
		return "materialized view"
	case "f":
		return "foreign table"
	case "S":
		return "sequence"
	case "i", "I":
		return "index"
	case "c":
		return "composite type"
	}
	return "relation"
}

const yearsSQL = `
	SELECT part.inhparent, c.relname, ` + relationColumnsSQL + `
		FROM pg_catalog.pg_inherits AS part
			JOIN pg_catalog.pg_class AS c ON c.oid = part.inhrelid
		WHERE part.inhparent = ANY($1) AND NOT part.inhdetachpending`

// loadYears finds the years of history by the names of the partitions. Metadb did not create partitions
// with other names: PostgreSQL routes rows into them, and Metadb creates no partition that overlaps
// them.
func (l *catalogLoader) loadYears(ctx context.Context) error {
	var histories []uint32
	for oid, of := range l.byRelation {
		if of.role == historyRole {
			histories = append(histories, oid)
		}
	}
	rows, err := l.db.Query(ctx, yearsSQL, histories)
	if err != nil {
		return fmt.Errorf("years: %w", err)
	}
	var oid uint32
	var name string
	var r pgRelation
	_, err = pgx.ForEachRow(rows, append([]any{&oid, &name}, r.scanTargets()...), func() error {
		e := l.byRelation[oid].table
		f := &Fault{Relation: ident.Qualified{Schema: e.table.Main.Schema, Name: ident.Name(name)}}
		if r.owner != "" {
			f.Problem, f.Found = OtherOwner, ident.Name(r.owner).SQL()
		}
		if f.Problem != "" || r.losesRows(f) {
			e.setFault(f)
		}
		year, err := strconv.Atoi(name[strings.LastIndexByte(name, '_')+1:])
		if err == nil && e.table.Year(year).Name == ident.Name(name) {
			e.table.Years = append(e.table.Years, year)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("years: %w", err)
	}
	for _, e := range l.found {
		slices.Sort(e.table.Years)
	}
	return nil
}

const sequencesSQL = `
	SELECT d.refobjid, n.nspname, c.relname
		FROM pg_catalog.pg_depend AS d
			JOIN pg_catalog.pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
			JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
			JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attname = '__id'
		WHERE d.refobjid = ANY($1) AND d.deptype = 'i'
			AND d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass`

// loadSequences finds the sequence of each table's __id.
func (l *catalogLoader) loadSequences(ctx context.Context) error {
	rows, err := l.db.Query(ctx, sequencesSQL, l.mainOIDs())
	if err != nil {
		return fmt.Errorf("sequences: %w", err)
	}
	found := make(map[*loadedTable]bool)
	var oid uint32
	var schema, name string
	_, err = pgx.ForEachRow(rows, []any{&oid, &schema, &name}, func() error {
		e := l.byMain[oid]
		e.table.Sequence = ident.Qualified{Schema: ident.Name(schema), Name: ident.Name(name)}
		found[e] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("sequences: %w", err)
	}
	for _, e := range l.byMain {
		if !found[e] {
			e.setFault(&Fault{Problem: Missing, Relation: e.table.Sequence})
		}
	}
	return nil
}
