package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/observe/status"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/pgcode"
)

// resourceTimeout bounds the query for the largest user of a resource.
const resourceTimeout = 2 * time.Second

// resourceError is an error about an exhausted resource, with the largest user of it.
type resourceError struct {
	most string
	err  error
}

func (e *resourceError) Error() string { return fmt.Sprintf("%v; %s", e.err, e.most) }

// Unwrap returns PostgreSQL's error.
func (e *resourceError) Unwrap() error { return e.err }

// resource is a resource of the database server that other clients may have exhausted.
type resource struct {
	// sql returns the largest user of it as a status.Blocker, that user's amount, and the total
	// of all users.
	sql string
	// text is the format of the message, for the blocker, both amounts, the user and the process
	// id.
	text string
	// least is the smallest amount for which the user is named.
	least int64
}

// mostSessionsSQL selects the role with most connections, and the oldest of them.
const mostSessionsSQL = `
	SELECT min(a.pid), '', a.usename::text, '', coalesce(extract(epoch FROM clock_timestamp() - min(a.backend_start)), 0)::float8,
			count(*), sum(count(*)) OVER ()::bigint
		FROM pg_stat_activity AS a
		WHERE a.usename IS NOT NULL
		GROUP BY a.usename
		ORDER BY count(*) DESC LIMIT 1`

// mostDiskSQL selects the session with the largest temporary files, in megabytes. The names of
// the files begin with the process id.
const mostDiskSQL = `
	SELECT a.pid, '', coalesce(a.usename::text, ''), coalesce(a.state, ''),
			coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start)), 0)::float8,
			(sum(f.size) / 1048576)::bigint, (sum(sum(f.size)) OVER () / 1048576)::bigint
		FROM pg_ls_tmpdir() AS f
			JOIN pg_stat_activity AS a ON a.pid = substring(f.name FROM '^pgsql_tmp([0-9]+)')::int
		GROUP BY a.pid, a.usename, a.state, a.xact_start, a.backend_start
		ORDER BY sum(f.size) DESC LIMIT 1`

// mostTablesSQL selects the role with the largest tables, in megabytes, except the system user
// ($1).
const mostTablesSQL = `
	SELECT 0, '', r.rolname::text, '', 0::float8, (sum(pg_table_size(c.oid)) / 1048576)::bigint, 0::bigint
		FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
		WHERE c.relkind IN ('r', 'm') AND c.relnamespace <> 'pg_catalog'::regnamespace AND r.rolname <> $1
		GROUP BY r.rolname
		ORDER BY 6 DESC LIMIT 1`

// resourcesOfCode returns the resources that may be exhausted, by SQLSTATE.
func resourcesOfCode(code string) []resource {
	switch code {
	case pgcode.TooManyConnections:
		return []resource{{mostSessionsSQL, "connections: user %[4]s has %[2]d of %[3]d, the oldest is pid %[5]d", 5}}
	case pgcode.DiskFull:
		return []resource{
			{mostDiskSQL, "disk: %[1]s has temporary files of %[2]d MB", 64},
			{mostTablesSQL, "disk: the tables of user %[4]s take %[2]d MB", 64},
		}
	}
	return nil
}

// addResourceHolder adds the largest user of an exhausted resource to the error. The error is
// returned unchanged if the query fails or takes longer than resourceTimeout.
func (s *supervisor) addResourceHolder(ctx context.Context, err error) error {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	resources := resourcesOfCode(refused.Code)
	if len(resources) == 0 && refused.Code != pgcode.OutOfMemory || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, resourceTimeout)
	defer cancel()
	if refused.Code == pgcode.OutOfMemory {
		return s.addLockHolder(ctx, err)
	}
	// Superusers have reserved connections, and see the activity of all roles.
	conn, failure := s.connectObserver(ctx)
	if failure != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, of := range resources {
		if text, found := of.findHolder(ctx, conn, s.config.SystemUser.Name); found {
			err = &resourceError{most: text, err: err}
		}
	}
	return err
}

// connectSuperuser connects as the superuser.
func (s *supervisor) connectSuperuser(ctx context.Context) (*pgx.Conn, error) {
	return dbsession.ConnectRole(ctx, s.config, s.config.Superuser)
}

// connectObserver connects as the role that sees most of other sessions: the superuser, or, if it
// can't connect, the system user, which may be a member of pg_read_all_stats and
// pg_signal_backend.
func (s *supervisor) connectObserver(ctx context.Context) (*pgx.Conn, error) {
	if conn, err := s.connectSuperuser(ctx); err == nil {
		return conn, nil
	}
	return dbsession.ConnectRole(ctx, s.config, s.config.SystemUser)
}

// findHolder returns the text about the largest user of a resource. It reports false if the query
// fails or the amount is below least.
func (r resource) findHolder(ctx context.Context, conn *pgx.Conn, systemUser string) (string, bool) {
	var args []any
	if r.sql == mostTablesSQL {
		args = append(args, systemUser)
	}
	var who status.Blocker
	var has, all int64
	if err := conn.QueryRow(ctx, r.sql, args...).Scan(&who.PID, &who.Prepared, &who.User, &who.State, &who.Age, &has, &all); err != nil || has < r.least {
		return "", false
	}
	return fmt.Sprintf(r.text, who.String(), has, all, who.User, who.PID), true
}
