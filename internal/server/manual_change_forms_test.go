package server

// manualChange is a change of one table that an administrator can make by SQL. $ is replaced by
// the table's name, {key} by the index on its key, {name} by that without its schema.
type manualChange struct {
	sql string
	// mend undoes a change that makes the table wait; it is empty for other changes.
	mend string
	// made is set if the table is created anew, without its previous rows.
	made bool
}

// manualChanges are the statements in PostgreSQL's manual that concern a table, its partitions,
// indexes, columns, owner or rights.
// https://www.postgresql.org/docs/current/sql-commands.html
var manualChanges = []manualChange{
	// ALTER TABLE, columns: changes that are tolerated.
	{sql: "ALTER TABLE lib.$__ ADD COLUMN tsv tsvector GENERATED ALWAYS AS (to_tsvector('simple', name)) STORED"},
	{sql: "ALTER TABLE lib.$__ ADD COLUMN note text; UPDATE lib.$ SET note = 'checked'"},
	{sql: "ALTER TABLE lib.$__ ADD COLUMN note text NOT NULL DEFAULT 'x'"},
	{sql: "ALTER TABLE lib.$__ ADD COLUMN place point"},
	{sql: "ALTER TABLE lib.$__ ADD COLUMN note text; ALTER TABLE lib.$__ DROP COLUMN note"},
	{sql: "ALTER TABLE lib.$__ ALTER COLUMN name SET DEFAULT 'x'"},
	{sql: "ALTER TABLE lib.$__ ALTER COLUMN name SET NOT NULL; ALTER TABLE lib.$__ ALTER COLUMN name DROP NOT NULL"},
	{sql: "ALTER TABLE lib.$ ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN name SET (n_distinct = 10)"},
	{sql: "ALTER TABLE lib.$ ALTER COLUMN name SET STORAGE EXTERNAL, ALTER COLUMN name SET COMPRESSION pglz"},
	{sql: "ALTER TABLE lib.$__ ALTER COLUMN name TYPE text COLLATE \"C\""},
	{sql: "ALTER TABLE lib.$ ALTER COLUMN __id DROP DEFAULT"},
	// Columns: changes that make the table wait.
	{sql: "ALTER TABLE lib.$__ ADD COLUMN note text; UPDATE lib.$__ SET note = 'x'; ALTER TABLE lib.$__ ALTER COLUMN note SET NOT NULL", mend: "ALTER TABLE lib.$__ ALTER COLUMN note DROP NOT NULL"},
	{sql: "ALTER TABLE lib.$__ ALTER COLUMN name TYPE varchar(40)", mend: "ALTER TABLE lib.$__ ALTER COLUMN name TYPE text"},
	{sql: "ALTER TABLE lib.$__ RENAME COLUMN id TO number", mend: "ALTER TABLE lib.$__ RENAME COLUMN number TO id"},
	{sql: "ALTER TABLE lib.$__ RENAME COLUMN __end TO until", mend: "ALTER TABLE lib.$__ RENAME COLUMN until TO __end"},
	// Constraints.
	{sql: "ALTER TABLE lib.$__ ADD CONSTRAINT short CHECK (name = 'v1')", mend: "ALTER TABLE lib.$__ DROP CONSTRAINT short"},
	{sql: "ALTER TABLE lib.$ ADD CONSTRAINT old CHECK (name = 'v1') NOT VALID", mend: "ALTER TABLE lib.$ DROP CONSTRAINT old"},
	{sql: "ALTER TABLE lib.$__ ADD CONSTRAINT wide CHECK (length(name) < 3000)"},
	{sql: "CREATE TABLE lib.$_names (name text PRIMARY KEY); INSERT INTO lib.$_names VALUES ('v1'); ALTER TABLE lib.$ ADD CONSTRAINT known FOREIGN KEY (name) REFERENCES lib.$_names", mend: "ALTER TABLE lib.$ DROP CONSTRAINT known"},
	{sql: "CREATE TABLE lib.$_names (name text PRIMARY KEY); INSERT INTO lib.$_names VALUES ('v1'); ALTER TABLE lib.$ ADD CONSTRAINT known FOREIGN KEY (name) REFERENCES lib.$_names DEFERRABLE INITIALLY DEFERRED", mend: "ALTER TABLE lib.$ DROP CONSTRAINT known"},
	{sql: "ALTER TABLE lib.$ ADD CONSTRAINT one EXCLUDE USING btree (name WITH =) DEFERRABLE INITIALLY DEFERRED"},
	// Options, storage, order.
	{sql: "ALTER TABLE lib.$ SET (fillfactor = 70, autovacuum_enabled = off)"},
	{sql: "ALTER TABLE lib.$ SET TABLESPACE pg_default; ALTER TABLE lib.$ SET ACCESS METHOD heap"},
	{sql: "ALTER TABLE lib.$ CLUSTER ON {name}; CLUSTER lib.$"},
	{sql: "ALTER TABLE lib.$ REPLICA IDENTITY FULL; CREATE PUBLICATION pub_$ FOR TABLE lib.$"},
	{sql: "ALTER TABLE lib.$ SET UNLOGGED", mend: "ALTER TABLE lib.$ SET LOGGED"},
	{sql: "VACUUM FULL lib.$"},
	// Partitions and inheritance.
	{sql: "CREATE TABLE lib.\"2030 $\" PARTITION OF lib.zzz___$___ FOR VALUES FROM ('2030-01-01Z') TO ('2031-01-01Z')"},
	{sql: "CREATE TABLE lib.zzz___$___2030 PARTITION OF lib.zzz___$___ FOR VALUES FROM ('2030-01-01Z') TO ('2031-01-01Z')"},
	{sql: "CREATE TABLE lib.$_rest PARTITION OF lib.zzz___$___ DEFAULT"},
	{sql: "ALTER TABLE lib.$__ DETACH PARTITION lib.$", mend: "ALTER TABLE lib.$__ ATTACH PARTITION lib.$ FOR VALUES IN (true)"},
	{sql: "ALTER TABLE lib.$__ DETACH PARTITION lib.zzz___$___", mend: "ALTER TABLE lib.$__ ATTACH PARTITION lib.zzz___$___ FOR VALUES IN (false)"},
	{sql: "CREATE TABLE lib.$_kid () INHERITS (lib.zzz___$___sync)"},
	{sql: "CREATE TYPE lib.$_t AS (__id bigint, __start timestamptz, __end timestamptz, __current boolean, __origin varchar(63), id integer, name text); ALTER TABLE lib.$__ OF lib.$_t"},
	// Names, schemas, owners.
	{sql: "ALTER TABLE lib.$ OWNER TO postgres", mend: "ALTER TABLE lib.$ OWNER TO mdbadmin"},
	{sql: "ALTER TABLE lib.$__ OWNER TO postgres", mend: "ALTER TABLE lib.$__ OWNER TO mdbadmin"},
	{sql: "ALTER TABLE lib.$ RENAME TO $_now", mend: "ALTER TABLE lib.$_now RENAME TO $"},
	{sql: "ALTER TABLE lib.$__ SET SCHEMA public", mend: "ALTER TABLE public.$__ SET SCHEMA lib"},
	{sql: "ALTER TABLE lib.$ RENAME TO $_now; CREATE VIEW lib.$ AS SELECT * FROM lib.$_now", mend: "DROP VIEW lib.$; ALTER TABLE lib.$_now RENAME TO $"},
	{sql: "ALTER SEQUENCE lib.zzz___$___id RENAME TO $_numbers"},
	{sql: "ALTER SEQUENCE lib.zzz___$___id RESTART WITH 1000 INCREMENT BY 2 CACHE 10"},
	{sql: "ALTER INDEX {key} RENAME TO $_key"},
	{sql: "ALTER INDEX {key} SET (fillfactor = 50)"},
	{sql: "DROP INDEX {key}"},
	{sql: "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{key}'::regclass"},
	// Row-level security.
	{sql: "ALTER TABLE lib.$ ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON lib.$ USING (false)"},
	{sql: "ALTER TABLE lib.$ ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", mend: "ALTER TABLE lib.$ NO FORCE ROW LEVEL SECURITY"},
	// Triggers and rules.
	{sql: "CREATE RULE nothing AS ON INSERT TO lib.$ DO INSTEAD NOTHING", mend: "DROP RULE nothing ON lib.$"},
	{sql: "CREATE RULE also AS ON INSERT TO lib.$ DO ALSO SELECT 1; ALTER TABLE lib.$ DISABLE RULE also"},
	{sql: "CREATE FUNCTION lib.$_skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER skip BEFORE INSERT ON lib.$ FOR EACH ROW EXECUTE FUNCTION lib.$_skip()", mend: "DROP TRIGGER skip ON lib.$"},
	{sql: "CREATE FUNCTION lib.$_raise() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not today''; END'; CREATE TRIGGER raise AFTER INSERT ON lib.$ FOR EACH ROW EXECUTE FUNCTION lib.$_raise()", mend: "ALTER TABLE lib.$ DISABLE TRIGGER raise"},
	{sql: "CREATE FUNCTION lib.$_log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER note AFTER INSERT ON lib.$ REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION lib.$_log()"},
	{sql: "ALTER TABLE lib.$ DISABLE TRIGGER ALL"},
	// Rights.
	{sql: "REVOKE ALL ON lib.$, lib.$__, lib.zzz___$___ FROM mdbadmin", mend: "GRANT ALL ON lib.$, lib.$__, lib.zzz___$___ TO mdbadmin"},
	{sql: "GRANT ALL ON lib.$ TO PUBLIC; REVOKE SELECT (name) ON lib.$ FROM PUBLIC"},
	// Objects that depend on a table.
	{sql: "CREATE STATISTICS lib.$_stat (dependencies) ON id, name FROM lib.$"},
	{sql: "CREATE VIEW lib.$_view AS SELECT * FROM lib.$__; CREATE MATERIALIZED VIEW lib.$_mat AS SELECT * FROM lib.$"},
	{sql: "COMMENT ON TABLE lib.$ IS 'x'; COMMENT ON COLUMN lib.$.name IS 'y'"},
	{sql: "CREATE INDEX $_low ON lib.$__ (lower(name)); CREATE UNIQUE INDEX $_one ON lib.$ (name)"},
	{sql: "CREATE UNIQUE INDEX $_once ON lib.$ ((length(name)))"},
	// DROP and TRUNCATE.
	{sql: "DROP TABLE lib.$__ CASCADE", made: true},
	{sql: "DROP TABLE lib.zzz___$___sync", mend: "CREATE TABLE lib.zzz___$___sync (__id bigint); ALTER TABLE lib.zzz___$___sync OWNER TO mdbadmin"},
	{sql: "TRUNCATE lib.$__", made: true},
}
