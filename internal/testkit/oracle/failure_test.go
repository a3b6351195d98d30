package oracle_test

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// failure describes an injected failure of applying a batch; the zero value is no failure.
type failure struct {
	// statement is the number, from 1, of the statement before which the context
	// is cancelled; write the number of the network write at which the connection
	// breaks. 0 is never.
	statement, write int
	// unanswered says that the write that breaks the connection still
	// reaches the server, and only its answer is lost.
	unanswered bool
	// crash says that the process ends with the failure.
	crash bool
}

func (f failure) any() bool { return f.statement > 0 || f.write > 0 }

// fault makes failures happen.
type fault struct {
	statements, writes atomic.Int64
	unanswered         atomic.Bool
	cancel             context.CancelFunc
}

// arm makes a failure happen under the context that it returns.
func (f *fault) arm(ctx context.Context, how failure) context.Context {
	ctx, f.cancel = context.WithCancel(ctx)
	f.statements.Store(int64(how.statement))
	f.unanswered.Store(how.unanswered)
	f.writes.Store(int64(how.write))
	return ctx
}

// disarm ends the injection that arm began.
func (f *fault) disarm() {
	f.statements.Store(0)
	f.writes.Store(0)
	f.cancel()
}

func (f *fault) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if f.statements.Add(-1) == 0 {
		f.cancel()
	}
	return ctx
}

func (f *fault) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// dial connects like the driver does, through the fault.
func (f *fault) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &faultyConn{Conn: conn, fault: f}, nil
}

// faultyConn is a connection that a fault can break.
type faultyConn struct {
	net.Conn
	fault *fault
}

func (c *faultyConn) Write(p []byte) (int, error) {
	if c.fault.writes.Add(-1) != 0 {
		return c.Conn.Write(p)
	}
	if c.fault.unanswered.Load() {
		if n, err := c.Conn.Write(p); err != nil {
			return n, err
		}
	}
	_ = c.Conn.Close()
	return 0, net.ErrClosed
}
