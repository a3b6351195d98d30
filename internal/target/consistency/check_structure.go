package consistency

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"

	"metadb/internal/ident"
)

// The checks of a table's parts.
const (
	missingPartition = "missing partition"
	missingSync      = "missing sync table"
	missingIndex     = "missing index"
	missingDefault   = "missing default"
)

// checkPartitions finds a missing current table, history, sync table or attachment. It reports whether
// the rows can be verified. A missing main table is a finding about metadb.base_table.
func (v *verifier) checkPartitions(ctx context.Context, t *targetTable) (whole bool, err error) {
	var there bool
	err = v.inReadOnlyTx(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'p')", t.main.SQL()).Scan(&there)
	})
	if err != nil || !there {
		return false, err
	}
	missing, err := v.runCheck(ctx, t.displayName(), missingPartition, countingSQL(`
		SELECT wanted.name AS example
		  FROM (VALUES ($2::text, 'r'::"char"), ($3::text, 'p'::"char")) AS wanted (name, kind)
		 WHERE NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		                    WHERE i.inhparent = to_regclass($1) AND c.relname = wanted.name AND c.relkind = wanted.kind)
		UNION ALL
		SELECT c.relname
		  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $4
		 WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ $5`),
		t.main.SQL(), string(t.current.Name), string(t.history.Name), string(t.main.Schema), "^"+regexp.QuoteMeta(string(t.history.Name))+"-?[0-9]+$")
	if err != nil {
		return false, err
	}
	_, err = v.runCheck(ctx, t.displayName(), missingSync, "SELECT (to_regclass($1) IS NULL)::int, $2::text", t.sync.SQL(), string(t.sync.Name))
	return missing == 0, err
}

// checkYears finds missing partitions of the years in which current versions began: the versions move
// there when they end.
func (v *verifier) checkYears(ctx context.Context, t *targetTable) error {
	var years []int
	parts := make(map[string]bool)
	err := v.inReadOnlyTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT DISTINCT extract(year FROM __start AT TIME ZONE 'UTC')::int FROM ONLY "+t.current.SQL()+
			" WHERE isfinite(__start) AND __start >= '0001-01-01 00:00:00+00' ORDER BY 1")
		if err != nil {
			return err
		}
		if years, err = pgx.CollectRows(rows, pgx.RowTo[int]); err != nil {
			return err
		}
		rows, err = tx.Query(ctx, "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1)", t.history.SQL())
		if err != nil {
			return err
		}
		var name string
		_, err = pgx.ForEachRow(rows, []any{&name}, func() error {
			parts[name] = true
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("look for %s: %w", missingPartition, err)
	}
	f := Finding{Table: t.displayName(), Check: missingPartition}
	for _, year := range years {
		if name := string(ident.Year(t.name.Name, year)); !parts[name] {
			if f.Count++; f.Count > 1 {
				f.Examples += " "
			}
			f.Examples += name
		}
	}
	if f.Count > 0 {
		v.findings = append(v.findings, f)
	}
	return nil
}

// checkDefaults finds relations without a default for __id or __origin.
func (v *verifier) checkDefaults(ctx context.Context, t *targetTable) error {
	_, err := v.runCheck(ctx, t.displayName(), missingDefault, countingSQL(`
		SELECT c.relname || '.' || a.attname AS example
		  FROM pg_partition_tree(to_regclass($1)) p
		  JOIN pg_class c ON c.oid = p.relid
		  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('__id', '__origin')
		 WHERE NOT a.atthasdef AND a.attidentity = ''
		 ORDER BY 1`), t.main.SQL())
	return err
}

// checkIndexes finds missing indexes: of each partition the ones that begin with __id, a column of the
// key or a uuid column, and the unique one of the current rows' keys. The unique one is not
// expected where several current rows have one key.
func (v *verifier) checkIndexes(ctx context.Context, t *targetTable, repeated bool) error {
	key := make([]string, len(t.key))
	for i, column := range t.key {
		key[i] = string(column)
	}
	_, err := v.runCheck(ctx, t.displayName(), missingIndex, countingSQL(`
		SELECT c.relname || '(' || a.attname || ')' AS example
		  FROM pg_partition_tree(to_regclass($1)) p
		  JOIN pg_class c ON c.oid = p.relid
		  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		 WHERE p.isleaf AND c.relkind = 'r' AND (a.attname = '__id' OR a.attname = ANY ($2::text[]) OR a.atttypid = 'uuid'::regtype)
		   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum)
		UNION ALL
		SELECT $3::text || '(unique)'
		 WHERE NOT $5 AND NOT EXISTS (
		       SELECT FROM pg_index i
		        WHERE i.indrelid = to_regclass($4) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
		          AND (SELECT array_agg(a.attname::text ORDER BY a.attname)
		                 FROM unnest(i.indkey) k (n) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n)
		            = (SELECT array_agg(name ORDER BY name::name) FROM unnest($2::text[] || '__origin'::text) name))`),
		t.main.SQL(), key, string(t.current.Name), t.current.SQL(), repeated)
	return err
}

// yearBoundsSQL returns the history partitions that are named like a year, with the bounds of their
// rows' __start, as rows of VALUES.
func yearBoundsSQL(t *targetTable, names []string) string {
	sql := ""
	for _, name := range names {
		digits := regexp.MustCompile(`[0-9]+$`).FindString(name)
		year, err := strconv.Atoi(digits)
		if err != nil || string(ident.Year(t.name.Name, year)) != name || year >= firstUnboundedYear {
			continue
		}
		relation := ident.Qualified{Schema: t.history.Schema, Name: ident.Name(name)}
		sql += fmt.Sprintf(", (%s::regclass::oid, '%04d-01-01 00:00:00+00'::timestamptz, '%04d-01-01 00:00:00+00'::timestamptz)",
			quoteLiteral(relation.SQL()), year, year+1)
	}
	return sql
}

// firstUnboundedYear is the first year with an end that a literal of four digits can't express.
const firstUnboundedYear = 9999
