package gap

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// Feed is a topic and a table for which it has events.
type Feed struct {
	Topic string
	Table change.Table
}

// RecordFeeds stores the tables that the events of some topics are for.
func RecordFeeds(ctx context.Context, tx pgx.Tx, source string, feeds []Feed) error {
	if len(feeds) == 0 {
		return nil
	}
	topics, schemas, tables := make([]string, len(feeds)), make([]string, len(feeds)), make([]string, len(feeds))
	for i, feed := range feeds {
		topics[i], schemas[i], tables[i] = feed.Topic, feed.Table.Schema, feed.Table.Name
	}
	const sql = `
	INSERT INTO metadb.topic_table (source_name, topic, schema_name, table_name)
		SELECT $1, feed.* FROM unnest($2::text[], $3::text[], $4::text[]) AS feed (topic, schema_name, table_name)
			ORDER BY 2, 3, 4
		ON CONFLICT DO NOTHING`
	if _, err := tx.Exec(ctx, sql, source, topics, schemas, tables); err != nil {
		return fmt.Errorf("store which tables the topics feed: %w", err)
	}
	return nil
}
