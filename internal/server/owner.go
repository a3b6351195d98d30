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

// ownerLock is the key of the advisory lock that the one server of a database
// holds: "metadb" in ASCII. It counts within one database.
// https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
const ownerLock int64 = 0x6d6574616462

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

// errOwned says that another server has the database.
var errOwned = errors.New("is in use by another Metadb server")

// owner holds the lock of the database, on a connection of its own.
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
	if err := unshared(ctx, config, config.SystemUser); err != nil {
		return nil, err
	}
	o := &owner{config: config, logger: logger, retake: retakeTime, words: &lastWords{}}
	if err := o.take(ctx, takeTime); err != nil {
		return nil, err
	}
	return o, nil
}

// take connects and takes the lock, for as long as patience lasts.
func (o *owner) take(ctx context.Context, patience time.Duration) error {
	conn, err := o.words.connect(ctx, o.config)
	if o.away != nil {
		o.away(err)
	}
	if err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; {
		var taken bool
		if err = conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", ownerLock).Scan(&taken); err != nil {
			err = fmt.Errorf("lock the database: %w", err)
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

// holder says from where the lock is held, as far as can be seen.
func holder(ctx context.Context, conn *pgx.Conn) string {
	const sql = `
SELECT coalesce(host(a.client_addr), 'a Unix socket')
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
   AND l.classid::bigint << 32 | l.objid::bigint = $1`
	var from string
	if err := conn.QueryRow(ctx, sql, ownerLock).Scan(&from); err != nil {
		return ""
	}
	return fmt.Sprintf(", connected from %s", from)
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
		if err == nil {
			return nil
		}
		o.close(ctx)
		return o.words.add(err)
	}
	if err := o.take(ctx, o.retake); err != nil {
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
