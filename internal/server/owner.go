package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/instance"
)

const (
	// watchInterval is how often the lock's connection is looked at.
	watchInterval = 5 * time.Second
	// takeTime is how long a new server waits for one that has just been
	// killed: its connection ends when the database notices.
	takeTime = 3 * time.Second
	// retakeTime is how long a server waits for a connection of its own that
	// the database has not noticed to be gone.
	retakeTime = time.Minute
	// takeInterval lies between two tries.
	takeInterval = 250 * time.Millisecond
)

// errLockLost says that the transaction that had the lock has failed.
var errLockLost = errors.New("the lock of the database was lost")

// errOwned says that another server has the database.
var errOwned = errors.New("is in use by another Metadb server")

// owner holds the lock of the database, on a connection of its own that does nothing else: it
// stays in one transaction.
type owner struct {
	config *instance.Config
	logger *slog.Logger
	conn   *pgx.Conn
	// retake is retakeTime.
	retake time.Duration
	// words are what the database says as it goes down.
	words *lastWords
	// back is called when the database has been away, and away with each failure to
	// connect and, nil, when that is over. Nil is nobody.
	back func()
	away func(err error)
}

// own takes the lock. It fails if another server has it.
func own(ctx context.Context, config *instance.Config, logger *slog.Logger) (*owner, error) {
	o := &owner{config: config, logger: logger, retake: retakeTime, words: &lastWords{}}
	conn, err := dialUnshared(ctx, config, config.SystemUser, o.words.listen)
	if err != nil {
		return nil, o.words.add(err)
	}
	if err := o.take(ctx, conn, takeTime); err != nil {
		return nil, err
	}
	return o, nil
}

// retakeLock connects and takes the lock.
func (o *owner) retakeLock(ctx context.Context) error {
	conn, err := o.words.connect(ctx, o.config)
	if o.away != nil {
		o.away(err)
	}
	if err != nil {
		return err
	}
	return o.take(ctx, conn, o.retake)
}

// take takes the lock on a connection, for as long as patience lasts.
func (o *owner) take(ctx context.Context, conn *pgx.Conn, patience time.Duration) error {
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
			err = fmt.Errorf("database %q %w%s", o.config.Database, errOwned, holder(ctx, conn))
			break
		}
		if err = wait(ctx, takeInterval); err != nil {
			break
		}
	}
	_ = conn.Close(context.WithoutCancel(ctx))
	return err
}

// tryLock tries to take the lock that the database has.
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

// secure takes the lock that strangers can't take, once the database has it.
func (o *owner) secure(ctx context.Context) error {
	if holdsLock(o.conn) {
		return nil
	}
	for end := time.Now().Add(takeTime); ; {
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
			return fmt.Errorf("database %q %w%s", o.config.Database, errOwned, holder(ctx, o.conn))
		}
		if err := wait(ctx, takeInterval); err != nil {
			return err
		}
	}
}

// watch keeps the lock: when its connection is lost, it is taken again. It
// returns an error when another server has it meanwhile.
func (o *owner) watch(ctx context.Context) error {
	pauses, said := growing{}, ""
	for {
		err := o.look(ctx)
		if err != nil && ctx.Err() == nil {
			if errors.Is(err, errOwned) {
				return err
			}
			if err.Error() != said {
				said = err.Error()
				o.logger.Warn("the database is away: " + said)
			}
			if err := pauses.wait(ctx); err != nil {
				return err
			}
			continue
		}
		pauses.reset()
		said = ""
		if err := wait(ctx, watchInterval); err != nil {
			return err
		}
	}
}

// look asks whether the lock's connection lives, and makes another one if not.
func (o *owner) look(ctx context.Context) error {
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
		return o.words.add(err)
	}
	if err := o.retakeLock(ctx); err != nil {
		return err
	}
	o.logger.Info("the database is back")
	if o.back != nil {
		o.back()
	}
	return nil
}

// close gives the lock back.
func (o *owner) close(ctx context.Context) {
	if o.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = o.conn.Close(ctx)
	o.conn = nil
}
