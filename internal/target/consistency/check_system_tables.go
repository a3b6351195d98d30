package consistency

import (
	"context"
	"strings"
)

// systemChecks are the checks of the tables of the schema metadb.
var systemChecks = []struct{ table, check, rows string }{
	{"metadb.acl", "grant without its object", `
		SELECT a.schema_name || '.' || a.object_name || ' to ' || a.user_name AS example
		  FROM metadb.acl a
		 WHERE CASE a.object_type
		       WHEN 'f' THEN NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		                                  WHERE n.nspname = a.schema_name AND (p.oid = a.function_oid OR a.object_name = quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')'))
		       ELSE to_regclass(quote_ident(a.schema_name) || '.' || quote_ident(a.object_name)) IS NULL
		            AND a.schema_name NOT IN ('folio_derived', 'reshare_derived') AND (a.schema_name, a.object_name) <> ('folio_source_record', 'marc__t')
		       END
		 ORDER BY 1`},
	{"metadb.auth", "user without a role", `
		SELECT username AS example FROM metadb.auth u
		 WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = u.username) ORDER BY 1`},
	{"metadb.base_table", "row without its table", `
		SELECT b.schema_name || '.' || b.table_name AS example
		  FROM metadb.base_table b
		  LEFT JOIN metadb.target_table t ON t.stored_schema = b.schema_name AND t.current_table = b.table_name
		 WHERE NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		                    WHERE n.nspname = b.schema_name AND c.relname = t.main_table AND c.relkind = 'p')
		 ORDER BY 1`},
	{"metadb.base_table", "table without its row", `
		SELECT n.nspname || '.' || c.relname AS example
		  FROM pg_partitioned_table p
		  JOIN pg_class c ON c.oid = p.partrelid AND NOT c.relispartition
		  JOIN pg_namespace n ON n.oid = c.relnamespace
		  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] AND a.attname = '__current'
		 WHERE p.partstrat = 'l' AND NOT EXISTS (
		       SELECT FROM metadb.target_table t JOIN metadb.base_table b ON b.schema_name = t.stored_schema AND b.table_name = t.current_table
		        WHERE t.stored_schema = n.nspname AND t.main_table = c.relname)
		 ORDER BY 1`},
}

// checkSystemTables runs the checks of the schema metadb.
func (v *verifier) checkSystemTables(ctx context.Context) error {
	for _, c := range systemChecks {
		if _, err := v.runCheck(ctx, c.table, c.check, countingSQL(strings.TrimSpace(c.rows))); err != nil {
			return err
		}
	}
	return nil
}
