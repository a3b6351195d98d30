package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/backoff"
	"metadb/internal/instance"
)

const (
	// lockCheckInterval is the time between two checks of the lock's connection.
	lockCheckInterval = 5 * time.Second
	// acquireTimeout is the time for which a new server waits for the lock of a killed one, until
	// PostgreSQL has ended that connection.
	acquireTimeout = 3 * time.Second
	// defaultReacquireTimeout is the time for which a server waits for PostgreSQL to end the
	// server's own lost connection.
	defaultReacquireTimeout = time.Minute
	// acquireInterval is the pause between two tries.
	acquireInterval = 250 * time.Millisecond
)

// errLockLost is returned when the transaction with the lock has failed.
var errLockLost = errors.New("the lock of the database was lost")

// errDatabaseInUse is returned when another server has the lock.
var errDatabaseInUse = errors.New("is in use by another Metadb server")

// dbLock holds the lock of the database on a connection of its own, in one open transaction.
type dbLock struct {
	config *instance.Config
	logger *slog.Logger
	conn   *pgx.Conn
	// reacquireTimeout is defaultReacquireTimeout, except in tests.
	reacquireTimeout time.Duration
	// shutdown is the reason that the database gives when it shuts down.
	shutdown *shutdownReason
	// onFailover is called when the lock was taken again after the database was unreachable,
	// onConnect after each try to reconnect, with its error or nil. Either may be nil.
	onFailover func()
	onConnect  func(err error)
}

// acquireDBLock takes the lock. It fails if another server has it.
func acquireDBLock(ctx context.Context, config *instance.Config, logger *slog.Logger) (*dbLock, error) {
	o := &dbLock{config: config, logger: logger, reacquireTimeout: defaultReacquireTimeout, shutdown: &shutdownReason{}}
	conn, err := dialUnpooled(ctx, config, config.SystemUser, o.shutdown.recordFrom)
	if err != nil {
		return nil, o.shutdown.addReason(err)
	}
	if err := o.acquire(ctx, conn, acquireTimeout); err != nil {
		return nil, err
	}
	return o, nil
}

// reacquire connects and takes the lock.
func (o *dbLock) reacquire(ctx context.Context) error {
	conn, err := o.shutdown.connectSystemUser(ctx, o.config)
	if o.onConnect != nil {
		o.onConnect(err)
	}
	if err != nil {
		return err
	}
	return o.acquire(ctx, conn, o.reacquireTimeout)
}

// acquire tries for patience to take the lock on conn. It closes conn if it fails.
func (o *dbLock) acquire(ctx context.Context, conn *pgx.Conn, patience time.Duration) error {
	var taken bool
	var err error
	for end := time.Now().Add(patience); ; {
		if taken, err = tryLock(ctx, conn); err != nil {
			break
		}
		if taken {
			o.conn = conn
			return nil
		}
		if time.Now().After(end) {
			err = fmt.Errorf("database %q %w%s", o.config.Database, errDatabaseInUse, lockHolderAddress(ctx, conn))
			break
		}
		if err = backoff.Sleep(ctx, acquireInterval); err != nil {
			break
		}
	}
	_ = conn.Close(context.WithoutCancel(ctx))
	return err
}

// tryLock tries to take the lock: metadb.server_lock, or the older one in a database without it.
func tryLock(ctx context.Context, conn *pgx.Conn) (bool, error) {
	there, err := hasServerLock(ctx, conn)
	if err != nil {
		return false, err
	}
	if there {
		return lockServer(ctx, conn)
	}
	taken, err := lockOlder(ctx, conn)
	if err != nil {
		return false, fmt.Errorf("lock the database: %w", err)
	}
	return taken, nil
}

// acquireServerLock takes the lock of metadb.server_lock, which other roles can't take, after the
// schema has been created or upgraded, and releases the older one.
func (o *dbLock) acquireServerLock(ctx context.Context) error {
	if holdsLock(o.conn) {
		return nil
	}
	for end := time.Now().Add(acquireTimeout); ; {
		taken, err := lockServer(ctx, o.conn)
		switch {
		case err != nil:
			return err
		case taken:
			if _, err := o.conn.Exec(ctx, "SELECT pg_catalog.pg_advisory_unlock($1)", pgx.QueryExecModeSimpleProtocol, legacyLock); err != nil {
				return fmt.Errorf("lock the database: %w", err)
			}
			return nil
		case time.Now().After(end):
			return fmt.Errorf("database %q %w%s", o.config.Database, errDatabaseInUse, lockHolderAddress(ctx, o.conn))
		}
		if err := backoff.Sleep(ctx, acquireInterval); err != nil {
			return err
		}
	}
}

// keepLock checks the lock until ctx ends, and takes it again after its connection is lost. It
// returns an error if another server has taken it meanwhile.
func (o *dbLock) keepLock(ctx context.Context) error {
	pauses, said := backoff.Default(), ""
	for {
		err := o.check(ctx)
		if err != nil && ctx.Err() == nil {
			if errors.Is(err, errDatabaseInUse) {
				return err
			}
			if err.Error() != said {
				said = err.Error()
				o.logger.Warn("the database is away: " + said)
			}
			if err := pauses.Wait(ctx); err != nil {
				return err
			}
			continue
		}
		pauses.Reset()
		said = ""
		if err := backoff.Sleep(ctx, lockCheckInterval); err != nil {
			return err
		}
	}
}

// check checks the lock's connection, and makes another one after it is lost.
func (o *dbLock) check(ctx context.Context) error {
	if o.conn != nil {
		asking, cancel := context.WithTimeout(ctx, connectTimeout)
		err := o.conn.Ping(asking)
		cancel()
		if err == nil && !holdsLock(o.conn) {
			err = errLockLost
		}
		if err == nil {
			return nil
		}
		o.close(ctx)
		return o.shutdown.addReason(err)
	}
	if err := o.reacquire(ctx); err != nil {
		return err
	}
	o.logger.Info("the database is back")
	if o.onFailover != nil {
		o.onFailover()
	}
	return nil
}

// close releases the lock by closing its connection.
func (o *dbLock) close(ctx context.Context) {
	if o.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = o.conn.Close(ctx)
	o.conn = nil
}
