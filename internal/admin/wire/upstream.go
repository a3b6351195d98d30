package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/target/pgcode"
)

// connectTimeout bounds connecting to the database.
const connectTimeout = 10 * time.Second

// databaseConn is a session's own connection to the database.
type databaseConn struct {
	conn    *pgconn.PgConn
	raw     *pgconn.HijackedConn
	w       *bufio.Writer
	r       *bufio.Reader
	replies *pendingReplies
	reading queryReading
	// done is closed when the pump has ended.
	done chan struct{}
}

// dialDatabase opens a connection to the database as a role, with the client's startup parameters.
func dialDatabase(ctx context.Context, base *pgconn.Config, role Role, parameters map[string]string) (*databaseConn, error) {
	config := base.Copy()
	config.User, config.Password = role.Name, role.Password
	maps.Copy(config.RuntimeParams, parameters)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, config)
	if pgcode.Is(err, pgcode.ProtocolViolation) {
		// A pooler accepts only parameters that the client itself would have sent.
		for name := range base.RuntimeParams {
			if _, given := parameters[name]; !given {
				delete(config.RuntimeParams, name)
			}
		}
		conn, err = pgconn.ConnectConfig(ctx, config)
	}
	if err != nil {
		return nil, err
	}
	// Otherwise pgconn may still be reading in the background, and would consume the database's
	// first message.
	if err := conn.SyncConn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("take over the connection: %w", err), conn.Close(ctx))
	}
	raw, err := conn.Hijack()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take over the connection: %w", err), conn.Close(ctx))
	}
	return &databaseConn{
		conn: conn, raw: raw, reading: queryReading{dialect: dialectOf(raw.ParameterStatuses)},
		w:       bufio.NewWriterSize(raw.Conn, bufferBytes),
		r:       bufio.NewReaderSize(raw.Conn, bufferBytes),
		replies: newPendingReplies(raw.TxStatus),
		done:    make(chan struct{}),
	}, nil
}

// sendMessage writes a message to the database.
func (u *databaseConn) sendMessage(message pgproto3.FrontendMessage) error {
	buf, err := message.Encode(nil)
	if err != nil {
		return err
	}
	_, err = u.w.Write(buf)
	return err
}

// forwardMessage copies a message of the client to the database.
func (u *databaseConn) forwardMessage(h header, body *bufio.Reader) error {
	if _, err := u.w.Write(h.append(nil)); err != nil {
		return err
	}
	return relayBody(u.w, body, h.length)
}

// writeMessage sends a message to the database. Its body has been read.
func (u *databaseConn) writeMessage(h header, body []byte) error {
	if _, err := u.w.Write(h.append(nil)); err != nil {
		return err
	}
	_, err := u.w.Write(body)
	return err
}

// relayAnswers copies the database's messages to the client until the connection ends. lost is true
// if it ended without an error message of the database.
func (u *databaseConn) relayAnswers(out *clientOutput) (lost bool) {
	defer close(u.done)
	defer u.replies.closeReplies()
	var last byte
	for {
		if u.r.Buffered() == 0 {
			if err := out.flushBuffer(); err != nil {
				return false
			}
		}
		h, err := readHeader(u.r)
		if err != nil {
			return last != 'E'
		}
		tx, err := u.relayAnswer(h, out)
		if err != nil {
			return true
		}
		u.replies.noteReply(h.kind, tx)
		last = h.kind
	}
}

// relayAnswer copies one message to the client, unless it is hidden. For ReadyForQuery it returns
// the transaction's state.
func (u *databaseConn) relayAnswer(h header, out *clientOutput) (tx byte, err error) {
	if h.kind == 'Z' {
		state, err := u.r.Peek(1)
		if err != nil {
			return 0, err
		}
		tx = state[0]
	}
	if err := u.noteDeallocate(h); err != nil {
		return 0, err
	}
	if err := u.noteParameter(h); err != nil {
		return 0, err
	}
	if !u.replies.isForClient(h.kind) {
		return tx, discardBody(u.r, h.length)
	}
	if h.kind == 'E' || h.kind == 'N' {
		return tx, out.relayPlain(h, u.r, u.reading.isUTF8())
	}
	return tx, out.relayMessage(h, u.r)
}

// noteDeallocate records the end of a statement that deallocates all prepared statements, in any
// form: the command tag shows it.
func (u *databaseConn) noteDeallocate(h header) error {
	const deallocated, discarded = "DEALLOCATE ALL\x00", "DISCARD ALL\x00"
	if h.kind != 'C' || h.length > len(deallocated) {
		return nil
	}
	tag, err := u.r.Peek(h.length)
	if string(tag) == deallocated || string(tag) == discarded {
		u.replies.noteDeallocateAll()
	}
	return err
}

// cancelStatement requests the database to cancel the running statement.
func (u *databaseConn) cancelStatement(ctx context.Context) error { return u.conn.CancelRequest(ctx) }

// cancelOnShutdown cancels the running statement, as the database would at its own shutdown, and
// interrupts reads and writes of the connection: the session may be blocked by a database that does
// not read.
func (u *databaseConn) cancelOnShutdown() {
	if u.replies.isBusy() {
		ctx, stop := context.WithTimeout(context.Background(), goodbyeTimeout)
		defer stop()
		// If the database is unreachable, it ends the session when it notices.
		_ = u.cancelStatement(ctx)
	}
	_ = u.raw.Conn.SetDeadline(time.Now())
}

// closeConn sends Terminate to the database, closes the connection, and waits for the pump.
func (u *databaseConn) closeConn() {
	// The connection may be broken already, or the client may have left in the middle of a message:
	// then only closing remains.
	if err := u.raw.Conn.SetDeadline(time.Now().Add(time.Second)); err == nil {
		_ = u.sendMessage(&pgproto3.Terminate{})
		_ = u.w.Flush()
	}
	_ = u.raw.Conn.Close()
	<-u.done
}

// isBusy reports whether an answer of the database is pending.
func (q *pendingReplies) isBusy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.replies) > 0
}
