package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// floorBatch is the number of updates in a transaction of the floor, at least that of a batch of
// the server.
const floorBatch = 10_000

// measureFloor measures the cost in PostgreSQL alone of the updates of one statement, under the best
// conditions, in a copy of the table: a range of keys is moved to history and deleted, and rows
// that were made beforehand are copied into their place. It leaves out finding the current rows,
// comparing them, and storing positions, so that a server with one session can't be faster.
func (b *benchSite) measureFloor(ctx context.Context) (r partResult, err error) {
	r = partResult{name: "updates by SQL alone", rows: min(b.Updates, b.Rows)}
	conn, err := pgx.Connect(ctx, b.metadb.Database())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	var columns string
	const others = `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'inventory.instance'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT LIKE '\_\_%'`
	if err := conn.QueryRow(ctx, others).Scan(&columns); err != nil {
		return r, fmt.Errorf("read the columns: %w", err)
	}
	for _, sql := range []string{
		"SET synchronous_commit = off",
		"CREATE TABLE floor_current (LIKE inventory.instance INCLUDING INDEXES INCLUDING STORAGE INCLUDING COMPRESSION)",
		"CREATE TABLE floor_history (LIKE inventory.instance__ INCLUDING STORAGE INCLUDING COMPRESSION)",
		"CREATE INDEX ON floor_history (__id)",
		"CREATE INDEX ON floor_history (id)",
		"INSERT INTO floor_current SELECT * FROM inventory.instance ORDER BY id",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return r, fmt.Errorf("copy the table: %w", err)
		}
	}
	rows, err := newVersions(ctx, conn, columns, r.rows)
	if err != nil {
		return r, err
	}
	began := time.Now()
	for i := range rows {
		first, end := i*floorBatch, min((i+1)*floorBatch, r.rows)
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return replaceRows(ctx, tx, columns, first, end, &rows[i]) })
		if err != nil {
			return r, fmt.Errorf("update by SQL: %w", err)
		}
	}
	r.took = time.Since(began)
	var moved int
	const count = "SELECT count(*) FROM floor_history h JOIN floor_current c USING (id) WHERE c.__id <> h.__id"
	if err := conn.QueryRow(ctx, count).Scan(&moved); err != nil {
		return r, fmt.Errorf("count updated rows: %w", err)
	}
	if moved != r.rows {
		return r, fmt.Errorf("%d rows were updated by SQL, want %d", moved, r.rows)
	}
	_, err = conn.Exec(ctx, "DROP TABLE floor_current, floor_history")
	return r, err
}

// newVersions returns new versions of the first n rows, as a binary COPY stream for each batch.
func newVersions(ctx context.Context, conn *pgx.Conn, columns string, n int) ([]bytes.Buffer, error) {
	rows := make([]bytes.Buffer, (n+floorBatch-1)/floorBatch)
	for i := range rows {
		sql := fmt.Sprintf("COPY (SELECT __id + 1000000000, now(), __end, true, __origin, %s FROM inventory.instance WHERE id >= %d AND id < %d ORDER BY id) TO STDOUT (FORMAT binary)",
			columns, i*floorBatch, min((i+1)*floorBatch, n))
		if _, err := conn.PgConn().CopyTo(ctx, &rows[i], sql); err != nil {
			return nil, fmt.Errorf("make rows: %w", err)
		}
	}
	return rows, nil
}

// replaceRows moves the rows with ids from first up to end to history, and copies their new
// versions.
func replaceRows(ctx context.Context, tx pgx.Tx, columns string, first, end int, rows *bytes.Buffer) error {
	const replaced = " FROM floor_current WHERE id >= $1 AND id < $2"
	all := "(__id, __start, __end, __current, __origin, " + columns + ")"
	move := "INSERT INTO floor_history " + all + " SELECT __id, __start, now(), false, __origin, " + columns + replaced
	for _, sql := range []string{move, "DELETE" + replaced} {
		if _, err := tx.Exec(ctx, sql, first, end); err != nil {
			return err
		}
	}
	_, err := tx.Conn().PgConn().CopyFrom(ctx, rows, "COPY floor_current "+all+" FROM STDIN (FORMAT binary)")
	return err
}
