package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"metadb/internal/adminexec"
	"metadb/internal/change"
	"metadb/internal/ident"
	"metadb/internal/resync"
)

// Client gives commands to the server that runs on a data directory, through
// the Unix socket there.
type Client struct {
	conn *pgx.Conn
	// path is the data directory.
	path string
	// warn gets what the server warns of; nil is silent.
	warn func(line string)
}

// Dial connects to the running server.
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
			continue // its lock
		}
		// One that a killed server left behind does not answer.
		if c.conn, failure = c.dial(ctx, absolute, port); failure == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("connect to the running server through its socket in %s: %w", path, failure)
}

func (c *Client) dial(ctx context.Context, dir, port string) (*pgx.Conn, error) {
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

// Close ends the connection.
func (c *Client) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePatience)
	defer cancel()
	_ = c.conn.Close(ctx)
}

// Sync begins a synchronization while the server runs; see [Sync].
func (c *Client) Sync(ctx context.Context, front resync.Front, o resync.SyncOptions) error {
	c.warn = front.Warn
	rows, err := c.conn.Query(ctx, "sync "+object(o.Target)+" with (dry_run)")
	if err != nil {
		return plain(err)
	}
	type asked struct{ Question, Answer string }
	questions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[asked])
	if err != nil {
		return plain(err)
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
	c.warn = nil // all of it has been said
	return c.exec(ctx, "sync "+object(o.Target)+words(with))
}

// Endsync ends a synchronization while the server runs; see [Endsync].
func (c *Client) Endsync(ctx context.Context, front resync.Front, o resync.EndsyncOptions) ([]resync.Count, error) {
	c.warn = front.Warn
	counts, err := c.counts(ctx, o.Target, "dry_run")
	if err != nil || o.DryRun {
		return counts, err
	}
	if !o.Force {
		if err := confirmed(front, fmt.Sprintf("End synchronization process for %s? ", o.Target)); err != nil {
			return nil, err
		}
	}
	c.warn = nil
	stop := c.follow(ctx, front, o.Source)
	defer stop()
	if o.ForceUnconfirmed {
		return c.counts(ctx, o.Target, "force_unconfirmed")
	}
	done, err := c.counts(ctx, o.Target, "")
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Hint != adminexec.HintForce {
		return done, err
	}
	unconfirmed := int64(0)
	for _, count := range counts {
		unconfirmed += count.Unconfirmed()
	}
	err = confirmed(front, fmt.Sprintf("End %s of %s? ", change.Count(unconfirmed, "unconfirmed row", "unconfirmed rows"), o.Target))
	if errors.Is(err, resync.ErrNoTerminal) {
		return nil, &resync.DoubtError{Message: refused.Message, Remedy: "no terminal is attached to answer whether they should end: use "}
	}
	if err != nil {
		return nil, err
	}
	return c.counts(ctx, o.Target, "force_unconfirmed")
}

// Abort leaves a resynchronization while the server runs; see [AbortSync].
func (c *Client) Abort(ctx context.Context, target resync.Target) error {
	return c.exec(ctx, "abort sync "+object(target))
}

// counts carries out endsync with a word after WITH.
func (c *Client) counts(ctx context.Context, target resync.Target, word string) ([]resync.Count, error) {
	var with []string
	if word != "" {
		with = []string{word}
	}
	rows, err := c.conn.Query(ctx, "endsync "+object(target)+words(with))
	if err != nil {
		return nil, plain(err)
	}
	counts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (resync.Count, error) {
		var count resync.Count
		var name string
		var sample string
		into := []any{&name, &count.Current, &count.Confirmed, &count.Ended}
		if word == "dry_run" {
			into = append(into, &sample)
		}
		err := row.Scan(into...)
		count.Table.Schema, count.Table.Name, _ = strings.Cut(name, ".")
		if sample != "" {
			count.Sample = []string{sample}
		}
		return count, err
	})
	return counts, plain(err)
}

func (c *Client) exec(ctx context.Context, sql string) error {
	_, err := c.conn.Exec(ctx, sql)
	return plain(err)
}

// object names a target in a command.
func object(target resync.Target) string {
	if target.Whole() {
		return "data source " + ident.Name(target.Source).SQL()
	}
	return "table " + ident.Qualified{Schema: ident.Name(target.Table.Schema), Name: ident.Name(target.Table.Name)}.SQL()
}

func words(with []string) string {
	if len(with) == 0 {
		return ""
	}
	return " with (" + strings.Join(with, ", ") + ")"
}

// confirmed puts a question.
func confirmed(front resync.Front, text string) error {
	yes, err := front.Ask(resync.Question{Text: text})
	if err == nil && !yes {
		return resync.ErrDeclined
	}
	return err
}

// serverError is an error that the server answered, as a person reads it.
type serverError struct{ *pgconn.PgError }

func (e *serverError) Error() string { return e.Message }

func (e *serverError) Unwrap() error { return e.PgError }

func plain(err error) error {
	var answered *pgconn.PgError
	if errors.As(err, &answered) {
		return &serverError{answered}
	}
	return err
}
