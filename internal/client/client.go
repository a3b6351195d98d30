package client

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/admin/command"
	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/resync"
	"metadb/internal/target/dbsession"
)

// Client sends commands to the running server of a data directory, through the Unix socket in it.
type Client struct {
	conn *pgx.Conn
	// path is the data directory.
	path string
	// warn receives the server's warnings; nil drops them.
	warn func(line string)
}

// Dial connects to the server that runs on a data directory.
func Dial(ctx context.Context, path string) (*Client, error) {
	const prefix = ".s.PGSQL."
	sockets, err := filepath.Glob(filepath.Join(path, prefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("look for the server's socket: %w", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("look for the server's socket: %w", err)
	}
	c := &Client{path: path}
	failure := errors.New("there is none")
	for _, socket := range sockets {
		port := strings.TrimPrefix(filepath.Base(socket), prefix)
		if strings.Contains(port, ".") {
			continue // the socket's lock file
		}
		// A socket that a killed server left behind refuses the connection.
		if c.conn, failure = c.connectPort(ctx, absolute, port); failure == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("connect to the running server through its socket in %s: %w", path, failure)
}

func (c *Client) connectPort(ctx context.Context, dir, port string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("port=" + port + " dbname=metadb user=metadb sslmode=disable")
	if err != nil {
		return nil, err
	}
	config.Host = dir
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if c.warn != nil {
			c.warn(n.Message)
		}
	}
	return pgx.ConnectConfig(ctx, config)
}

// Close closes the connection.
func (c *Client) Close(ctx context.Context) { dbsession.Close(ctx, c.conn) }

// Sync begins a synchronization while the server runs; see [SyncOffline].
func (c *Client) Sync(ctx context.Context, front resync.Prompter, o resync.SyncOptions) error {
	c.warn = front.Warn
	rows, err := c.conn.Query(ctx, "sync "+quoteTarget(o.Target)+" with (dry_run)")
	if err != nil {
		return asServerError(err)
	}
	type asked struct{ Question, Answer string }
	questions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[asked])
	if err != nil {
		return asServerError(err)
	}
	var with []string
	for _, q := range questions {
		yes := o.Force
		if q.Answer == "from_beginning" {
			yes = o.FromBeginning
		}
		if !yes && !o.Force {
			if yes, err = front.Ask(resync.Question{Text: q.Question + " "}); err != nil {
				return err
			}
		}
		switch {
		case yes && q.Answer != "":
			with = append(with, q.Answer)
		case !yes && q.Answer != "from_beginning":
			return resync.ErrDeclined
		}
	}
	c.warn = nil // the dry run has shown the warnings
	return c.execCommand(ctx, "sync "+quoteTarget(o.Target)+withClause(with))
}

// Endsync ends a synchronization while the server runs; see [EndsyncOffline].
func (c *Client) Endsync(ctx context.Context, front resync.Prompter, o resync.EndsyncOptions) ([]resync.TableCount, error) {
	c.warn = front.Warn
	counts, err := c.queryCounts(ctx, o.Target, "dry_run")
	if err != nil || o.DryRun {
		return counts, err
	}
	if !o.Force {
		if err := askOrDecline(front, fmt.Sprintf("End synchronization process for %s? ", o.Target)); err != nil {
			return nil, err
		}
	}
	c.warn = nil
	stop := c.watchProgress(ctx, front, o.Source)
	defer stop()
	if o.ForceUnconfirmed {
		return c.queryCounts(ctx, o.Target, "force_unconfirmed")
	}
	done, err := c.queryCounts(ctx, o.Target, "")
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.ConstraintName != command.RuleUnconfirmed {
		return done, err
	}
	unconfirmed := int64(0)
	for _, count := range counts {
		unconfirmed += count.Unconfirmed()
	}
	err = askOrDecline(front, fmt.Sprintf("End %s of %s? ", change.Plural(unconfirmed, "unconfirmed row", "unconfirmed rows"), o.Target))
	if errors.Is(err, resync.ErrNoTerminal) {
		return nil, &resync.RiskError{Message: refused.Message, Remedy: "no terminal is attached to answer whether they should end: use "}
	}
	if err != nil {
		return nil, err
	}
	return c.queryCounts(ctx, o.Target, "force_unconfirmed")
}

// Abort aborts a resynchronization while the server runs; see [AbortOffline].
func (c *Client) Abort(ctx context.Context, target resync.Target) error {
	return c.execCommand(ctx, "abort sync "+quoteTarget(target))
}

// queryCounts carries out endsync with an optional word after WITH, and returns the tables'
// counts.
func (c *Client) queryCounts(ctx context.Context, target resync.Target, word string) ([]resync.TableCount, error) {
	var with []string
	if word != "" {
		with = []string{word}
	}
	rows, err := c.conn.Query(ctx, "endsync "+quoteTarget(target)+withClause(with))
	if err != nil {
		return nil, asServerError(err)
	}
	counts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (resync.TableCount, error) {
		var count resync.TableCount
		var name string
		var sample string
		into := []any{&name, &count.Current, &count.Confirmed, &count.Ended}
		if word == "dry_run" {
			into = append(into, &sample)
		}
		err := row.Scan(into...)
		count.Table = tableName(name)
		if sample != "" {
			count.Sample = []string{sample}
		}
		return count, err
	})
	return counts, asServerError(err)
}

func (c *Client) execCommand(ctx context.Context, sql string) error {
	_, err := c.conn.Exec(ctx, sql)
	return asServerError(err)
}

// quoteTarget returns a target as a command names it.
func quoteTarget(target resync.Target) string {
	if target.Whole() {
		return "data source " + ident.Name(target.Source).SQL()
	}
	return "table " + ident.Qualified{Schema: ident.Name(target.Table.Schema), Name: ident.Name(target.Table.Name)}.SQL()
}

func withClause(with []string) string {
	if len(with) == 0 {
		return ""
	}
	return " with (" + strings.Join(with, ", ") + ")"
}

// askOrDecline prompts with a question. It returns resync.ErrDeclined if the answer is no.
func askOrDecline(front resync.Prompter, text string) error {
	yes, err := front.Ask(resync.Question{Text: text})
	if err == nil && !yes {
		return resync.ErrDeclined
	}
	return err
}

// serverError is an error of the server with PostgreSQL's message only, for display.
type serverError struct{ *pgconn.PgError }

func (e *serverError) Error() string { return e.Message }

func (e *serverError) Unwrap() error { return e.PgError }

func asServerError(err error) error {
	var answered *pgconn.PgError
	if errors.As(err, &answered) {
		return &serverError{answered}
	}
	return err
}
