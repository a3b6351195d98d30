package bench

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// warmBuffers makes PostgreSQL use its shared buffers and its WAL once. The system assigns memory and
// files of a new cluster at the first write, which takes a sixth of PostgreSQL's processor time in
// the first gigabyte of changes. A server that has run for an hour does not pay that, and the raw
// COPY, which uses a few buffers again and again, never does.
func (b *benchSite) warmBuffers(ctx context.Context) error {
	db, err := pgx.Connect(ctx, b.cluster.URL("postgres"))
	if err != nil {
		return fmt.Errorf("warm PostgreSQL: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range []string{
		"CREATE TABLE warm (filler text)",
		"ALTER TABLE warm ALTER filler SET STORAGE PLAIN",
		// A row fills a page; an INSERT uses all buffers, which COPY does not.
		"INSERT INTO warm SELECT repeat('x', 8000) FROM generate_series(1, (SELECT setting::int FROM pg_settings WHERE name = 'shared_buffers'))",
		"CHECKPOINT",
		"DROP TABLE warm",
		"CHECKPOINT",
	} {
		if _, err := db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("warm PostgreSQL: %w", err)
		}
	}
	return nil
}
