package command

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/admin/lang"
	"metadb/internal/change"
	"metadb/internal/target/pgcode"
)

// maxOriginBytes is the length of the column __origin.
const maxOriginBytes = 63

// createOrigin adds an origin. It takes effect at once; existing rows keep their origin.
func (e *Executor) createOrigin(ctx context.Context, c lang.CreateOrigin) (*Result, error) {
	if len(c.Name.Text) > maxOriginBytes {
		return nil, &Error{
			Code: pgcode.InvalidParameterValue, Message: fmt.Sprintf("the name of an origin is longer than %d bytes", maxOriginBytes), Position: c.Name.At,
		}
	}
	const sql = `
insert into metadb.origin (name)
select $1::text
 where not exists (select from metadb.origin where name = $1::text)`
	tag, err := e.DB.Exec(ctx, sql, c.Name.Text)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		return nil, duplicateError("data origin", c.Name)
	}
	e.logChange("data origin %q created", c.Name.Text)
	return tagResult("CREATE DATA ORIGIN"), e.publishOrigins(ctx)
}

// dropOrigin removes an origin. Its rows keep it.
func (e *Executor) dropOrigin(ctx context.Context, c lang.DropOrigin) (*Result, error) {
	tag, err := e.DB.Exec(ctx, "delete from metadb.origin where name = $1", c.Name.Text)
	if err != nil {
		return nil, err
	}
	if tag.RowsAffected() == 0 {
		return nil, missingError("data origin", c.Name)
	}
	e.logChange("data origin %q dropped", c.Name.Text)
	return tagResult("DROP DATA ORIGIN"), e.publishOrigins(ctx)
}

// publishOrigins passes the stored origins to the streams, also if the client cancels meanwhile:
// the change is committed.
func (e *Executor) publishOrigins(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	rows, err := e.DB.Query(ctx, "select name from metadb.origin order by name")
	if err != nil {
		return err
	}
	origins, err := pgx.CollectRows(rows, pgx.RowTo[change.Origin])
	if err != nil {
		return err
	}
	e.Control.SetOrigins(origins)
	return nil
}

// listOrigins executes LIST DATA_ORIGINS.
func (e *Executor) listOrigins(ctx context.Context) (*Result, error) {
	return e.queryList(ctx, "data_origins", "select name::text from metadb.origin order by name")
}
