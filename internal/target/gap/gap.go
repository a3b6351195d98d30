package gap

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/change"
)

// DB is the interface that the functions need: a connection, a pool or a transaction.
type DB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// relatedTablesSQL lists the tables that each topic of the source ($1) with a gap feeds. For a topic
// that an older version read, without recording its tables, it matches the name that Debezium gives
// the topic: PREFIX.SCHEMA.TABLE, with underscores for characters that Kafka does not allow.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-topic-names
const relatedTablesSQL = `
	SELECT g.topic, t.schema_name, t.table_name
		FROM metadb.stream_gap AS g
			JOIN metadb.topic_table AS t USING (source_name, topic)
		WHERE g.source_name = $1
	UNION
	SELECT g.topic, f.schema_name, f.table_name
		FROM metadb.stream_gap AS g
			JOIN metadb.table_feed AS f USING (source_name)
		WHERE g.source_name = $1
			AND NOT EXISTS (SELECT FROM metadb.topic_table AS t WHERE t.source_name = g.source_name AND t.topic = g.topic)
			AND starts_with(reverse(g.topic), reverse(
				'.' || regexp_replace(f.source_schema || '.' || f.source_table, '[^a-zA-Z0-9._-]', '_', 'g')))`

// Record stores a gap that reading has found, and reports whether it is new. A gap with the reason
// that is stored for its partition is the same one, found again after a crash, and counts once.
func Record(ctx context.Context, db DB, source string, found change.Gap) (news bool, err error) {
	return storeGap(ctx, db, source, found, ", found_at = excluded.found_at WHERE g.reason <> excluded.reason")
}

// Add counts further missing events, in the transaction that skips them.
func Add(ctx context.Context, tx pgx.Tx, source string, missing change.Gap) error {
	_, err := storeGap(ctx, tx, source, missing, "")
	return err
}

// storeGap adds a gap to the stored one of its partition, so that all tables of the topic have to be
// read again; further ends the statement. It reports whether a row was written.
func storeGap(ctx context.Context, db DB, source string, g change.Gap, further string) (stored bool, err error) {
	const sql = `
	INSERT INTO metadb.stream_gap AS g (source_name, topic, partition, missing, reason) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (source_name, topic, partition) DO UPDATE
			SET missing = g.missing + excluded.missing, reason = excluded.reason, read_again = '{}'`
	tag, err := db.Exec(ctx, sql+further, source, g.Partition.Topic, g.Partition.Number, g.Missing, g.Reason)
	if err != nil {
		return false, fmt.Errorf("store a gap in the stream: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Load returns the gaps of a source in the order in which they were found, with the
// tables that have to be read again.
func Load(ctx context.Context, db DB, source string) ([]change.Gap, error) {
	const sql = `
	WITH related AS (` + relatedTablesSQL + `)
	SELECT g.topic, g.partition, g.missing, g.reason,
			coalesce(array_agg(r.schema_name ORDER BY r.schema_name, r.table_name) FILTER (WHERE r.table_name IS NOT NULL), '{}'),
			coalesce(array_agg(r.table_name ORDER BY r.schema_name, r.table_name) FILTER (WHERE r.table_name IS NOT NULL), '{}')
		FROM metadb.stream_gap AS g
			LEFT JOIN related AS r ON r.topic = g.topic AND r.schema_name || '.' || r.table_name <> ALL (g.read_again)
		WHERE g.source_name = $1
		GROUP BY g.topic, g.partition, g.missing, g.reason, g.found_at
		ORDER BY g.found_at, g.topic, g.partition`
	rows, err := db.Query(ctx, sql, source)
	if err != nil {
		return nil, fmt.Errorf("read the gaps in the stream: %w", err)
	}
	var gaps []change.Gap
	var found change.Gap
	var schemas, tables []string
	_, err = pgx.ForEachRow(rows, []any{&found.Partition.Topic, &found.Partition.Number, &found.Missing, &found.Reason, &schemas, &tables}, func() error {
		found.Tables = make([]change.Table, len(tables))
		for i := range tables {
			found.Tables[i] = change.Table{Schema: schemas[i], Name: tables[i]}
		}
		gaps = append(gaps, found)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the gaps in the stream: %w", err)
	}
	return gaps, nil
}

// Topics returns the topics of a source that have a gap and feed a table.
func Topics(ctx context.Context, db DB, source string, table change.Table) ([]string, error) {
	const sql = `
	WITH related AS (` + relatedTablesSQL + `)
	SELECT DISTINCT topic FROM related WHERE schema_name = $2 AND table_name = $3 ORDER BY topic`
	rows, err := db.Query(ctx, sql, source, table.Schema, table.Name)
	if err != nil {
		return nil, fmt.Errorf("read the gaps of table %s: %w", table, err)
	}
	topics, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read the gaps of table %s: %w", table, err)
	}
	return topics, nil
}

// Clear removes all gaps of a source, which is being resynchronized.
func Clear(ctx context.Context, tx pgx.Tx, source string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM metadb.stream_gap WHERE source_name = $1", source); err != nil {
		return fmt.Errorf("remove the gaps in the stream: %w", err)
	}
	return nil
}

// ClearTable removes the gaps of a source that concern only the given table, which is being
// synchronized. If a topic feeds several tables, it records that this one has been read again.
func ClearTable(ctx context.Context, tx pgx.Tx, source string, table change.Table) error {
	const note = `
	WITH related AS (` + relatedTablesSQL + `)
	UPDATE metadb.stream_gap AS g SET read_again = g.read_again || ($2 || '.' || $3)
		WHERE g.source_name = $1 AND EXISTS (SELECT FROM related AS r WHERE r.topic = g.topic AND r.schema_name = $2 AND r.table_name = $3)`
	if _, err := tx.Exec(ctx, note, source, table.Schema, table.Name); err != nil {
		return fmt.Errorf("remove the gaps of table %s: %w", table, err)
	}
	const remove = `
	WITH related AS (` + relatedTablesSQL + `)
	DELETE FROM metadb.stream_gap AS g
		WHERE g.source_name = $1 AND g.read_again <> '{}' AND NOT EXISTS (
			SELECT FROM related AS r WHERE r.topic = g.topic AND r.schema_name || '.' || r.table_name <> ALL (g.read_again))`
	if _, err := tx.Exec(ctx, remove, source); err != nil {
		return fmt.Errorf("remove the gaps of table %s: %w", table, err)
	}
	return nil
}
