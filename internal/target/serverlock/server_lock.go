package serverlock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/backoff"
	"metadb/internal/instance"
	"metadb/internal/target/dbsession"
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

// ErrInUse is returned when another server has the lock.
var ErrInUse = errors.New("is in use by another Metadb server")

// Lock holds the lock of the database on a connection of its own, in one open transaction.
type Lock struct {
	config *instance.Config
	logger *slog.Logger
	Conn   *pgx.Conn
	// ReacquireTimeout is defaultReacquireTimeout, except in tests.
	ReacquireTimeout time.Duration
	// Shutdown is the reason that the database gives when it shuts down.
	Shutdown *dbsession.ShutdownReason
	// OnFailover is called when the lock was taken again after the database was unreachable,
	// onConnect after each try to reconnect, with its error or nil. Either may be nil.
	OnFailover func()
	OnConnect  func(err error)
}

// Acquire takes the lock. It fails if another server has it.
func Acquire(ctx context.Context, config *instance.Config, logger *slog.Logger) (*Lock, error) {
	o := &Lock{config: config, logger: logger, ReacquireTimeout: defaultReacquireTimeout, Shutdown: &dbsession.ShutdownReason{}}
	conn, err := dbsession.ConnectRoleUnpooled(ctx, config, config.SystemUser, o.Shutdown.RecordFrom)
	if err != nil {
		return nil, o.Shutdown.AddReason(err)
	}
	if err := o.acquire(ctx, conn, acquireTimeout); err != nil {
		return nil, err
	}
	return o, nil
}

// reacquire connects and takes the lock.
func (o *Lock) reacquire(ctx context.Context) error {
	conn, err := o.Shutdown.ConnectSystemUser(ctx, o.config)
	if o.OnConnect != nil {
		o.OnConnect(err)
	}
	if err != nil {
		return err
	}
	return o.acquire(ctx, conn, o.ReacquireTimeout)
}

// acquire tries for patience to take the lock on conn. It closes conn if it fails.
func (o *Lock) acquire(ctx context.Context, conn *pgx.Conn, patience time.Duration) error {
	var taken bool
	var err error
	for end := time.Now().Add(patience); ; {
		if taken, err = TryLock(ctx, conn); err != nil {
			break
		}
		if taken {
			o.Conn = conn
			return nil
		}
		if time.Now().After(end) {
			err = fmt.Errorf("database %q %w%s", o.config.Database, ErrInUse, LockHolderAddress(ctx, conn))
			break
		}
		if err = backoff.Sleep(ctx, acquireInterval); err != nil {
			break
		}
	}
	_ = conn.Close(context.WithoutCancel(ctx))
	return err
}

// TryLock tries to take the lock: metadb.server_lock, or the older one in a database without it.
func TryLock(ctx context.Context, conn *pgx.Conn) (bool, error) {
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

// AcquireCurrent takes the lock of metadb.server_lock, which other roles can't take, after the
// schema has been created or upgraded, and releases the older one.
func (o *Lock) AcquireCurrent(ctx context.Context) error {
	if HoldsLock(o.Conn) {
		return nil
	}
	for end := time.Now().Add(acquireTimeout); ; {
		taken, err := lockServer(ctx, o.Conn)
		switch {
		case err != nil:
			return err
		case taken:
			if _, err := o.Conn.Exec(ctx, "SELECT pg_catalog.pg_advisory_unlock($1)", pgx.QueryExecModeSimpleProtocol, LegacyLock); err != nil {
				return fmt.Errorf("lock the database: %w", err)
			}
			return nil
		case time.Now().After(end):
			return fmt.Errorf("database %q %w%s", o.config.Database, ErrInUse, LockHolderAddress(ctx, o.Conn))
		}
		if err := backoff.Sleep(ctx, acquireInterval); err != nil {
			return err
		}
	}
}

// Keep checks the lock until ctx ends, and takes it again after its connection is lost. It
// returns an error if another server has taken it meanwhile.
func (o *Lock) Keep(ctx context.Context) error {
	pauses, said := backoff.Default(), ""
	for {
		err := o.Check(ctx)
		if err != nil && ctx.Err() == nil {
			if errors.Is(err, ErrInUse) {
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

// Check checks the lock's connection, and makes another one after it is lost.
func (o *Lock) Check(ctx context.Context) error {
	if o.Conn != nil {
		asking, cancel := context.WithTimeout(ctx, dbsession.ConnectTimeout)
		err := o.Conn.Ping(asking)
		cancel()
		if err == nil && !HoldsLock(o.Conn) {
			err = errLockLost
		}
		if err == nil {
			return nil
		}
		o.Close(ctx)
		return o.Shutdown.AddReason(err)
	}
	if err := o.reacquire(ctx); err != nil {
		return err
	}
	o.logger.Info("the database is back")
	if o.OnFailover != nil {
		o.OnFailover()
	}
	return nil
}

// Close releases the lock by closing its connection.
func (o *Lock) Close(ctx context.Context) {
	if o.Conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = o.Conn.Close(ctx)
	o.Conn = nil
}
