package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"metadb/internal/rig"
)

// create creates the data source.
func (s *stage) create(ctx context.Context) error {
	s.heading("A data source")
	return s.admin(ctx, fmt.Sprintf(`create data source library type kafka options (
      brokers '%s', security 'plaintext', topics '^library_1\.', consumer_group 'library_1_1')`, s.broker.Address()))
}

// firstSnapshot streams the library's rows and shows them arrive.
func (s *stage) firstSnapshot(ctx context.Context) error {
	s.heading("The first snapshot")
	if err := s.snapshot(ctx, "library.patron, library.item and library.loan fill", 0); err != nil {
		return err
	}
	if err := s.status(ctx); err != nil {
		return err
	}
	s.say("The log says: source \"library\" snapshot complete. So the initial synchronization can end:\n")
	if err := s.endsync(ctx); err != nil {
		return err
	}
	return s.start(ctx)
}

// read returns the number of applied records of the present topics.
func (s *stage) read(ctx context.Context) (int, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT coalesce(sum(next_offset), 0) FROM metadb.stream_position
		WHERE topic LIKE $1 || '.%'`, s.library.Prefix()).Scan(&n)
	return n, err
}

// endsync ends a synchronization, with the server stopped.
func (s *stage) endsync(ctx context.Context) error {
	if err := s.stop(ctx); err != nil {
		return err
	}
	return s.run(ctx, "endsync -D data --source library --force", "endsync", "-D", "data", "--source", "library", "--force")
}

// live opens the desk and shows how the stream follows.
func (s *stage) live(ctx context.Context) error {
	s.heading("The library opens")
	s.desk = openDesk(ctx, s.library, s.producer)
	past := s.past()
	if s.Once {
		s.say("Patrons borrow, return and pay: %v of it (a minute without --once).\n", past)
	} else {
		s.say("Patrons borrow, return and pay: a minute of it.\n")
	}
	const perSecond = int(time.Second / stepInterval)
	total := int((past + 2*time.Second).Seconds()) * perSecond
	bar := s.progress("changes", total)
	before, err := s.read(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	err = rig.Eventually(ctx, patience+past, "follow the stream", func() error {
		now, err := s.read(ctx)
		if err != nil {
			return err
		}
		bar.set(min(now-before, total))
		if now-before < total || time.Since(began) < past+2*time.Second {
			return fmt.Errorf("%d changes have been read", now-before)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.status(ctx)
}

// past is the age of the oldest state that the demo queries.
func (s *stage) past() time.Duration {
	if s.Once {
		return pastShort
	}
	return pastLong
}

// history shows one patron's history, and the tables now and as of the past.
func (s *stage) history(ctx context.Context) error {
	s.heading("History")
	s.say("One patron's history, from the main table:\n")
	const versions = `SELECT __start, __end, __current, name, balance::text FROM library.patron__
    WHERE id = (SELECT id FROM library.patron__ GROUP BY id ORDER BY count(*) DESC, id LIMIT 1)
    ORDER BY __start, __id LIMIT 8`
	s.say("  %s\n", versions)
	if err := s.rows(ctx, s.db, versions); err != nil {
		return err
	}
	s.say("Items by status, now and as of %v ago:\n", s.past())
	now := `SELECT status, count(*) FROM library.item GROUP BY status ORDER BY status`
	s.say("  %s\n", now)
	if err := s.rows(ctx, s.db, now); err != nil {
		return err
	}
	asOf := fmt.Sprintf(`SELECT status, count(*) FROM library.item__
    WHERE __start <= now() - interval '%[1]d seconds' AND __end > now() - interval '%[1]d seconds'
    GROUP BY status ORDER BY status`,
		int(s.past().Seconds()))
	s.say("  %s\n", asOf)
	return s.rows(ctx, s.db, asOf)
}

// loseStream closes the desk and changes the library without a connector.
func (s *stage) loseStream(ctx context.Context) error {
	s.heading("The stream is lost")
	if err := s.desk.close(); err != nil {
		return err
	}
	const unseen = 400
	for range unseen {
		if _, err := s.library.Step(time.Now()); err != nil {
			return err
		}
	}
	s.say("The connector failed for good: %d transactions were never written to Kafka, deletes among them.", unseen)
	s.say("A new connector makes a new snapshot, into new topics, and the data source follows it:\n")
	return ctx.Err()
}

// resync carries out the procedure of docs/resync.md.
func (s *stage) resync(ctx context.Context) error {
	if err := s.library.Connect("library_2"); err != nil {
		return err
	}
	if err := s.admin(ctx, `alter data source library options (set topics '^library_2\.', set consumer_group 'library_2_1')`); err != nil {
		return err
	}
	if err := s.stop(ctx); err != nil {
		return err
	}
	if err := s.run(ctx, "sync -D data --source library --force", "sync", "-D", "data", "--source", "library", "--force"); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	pace := 0
	if !s.Once {
		s.say("\nTable by table, with the time that is left, the page shows it: %s", s.page())
		pace = watchable
	}
	s.say("")
	if err := s.snapshot(ctx, "rows are compared and confirmed", pace); err != nil {
		return err
	}
	s.say("")
	if err := s.endsync(ctx); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	s.say("\nPatrons who left unseen have ended with the time of endsync:\n")
	const ended = `SELECT count(*) AS ended, max(__end) AS at FROM library.patron__
    WHERE __end = (SELECT max(__end) FROM library.patron__ WHERE NOT __current)`
	s.say("  %s\n", ended)
	return s.rows(ctx, s.db, ended)
}

// goOn lets the stream run until the context ends. With Once it applies a hundred changes, and then
// Metadb's rows must be the library's.
func (s *stage) goOn(ctx context.Context) error {
	s.heading("And on it goes")
	s.desk = openDesk(ctx, s.library, s.producer)
	if !s.Once {
		s.say("The stream runs. Try the psql lines from above in a second terminal; Ctrl-C ends the demo.")
		<-ctx.Done()
		return nil
	}
	before, err := s.read(ctx)
	if err != nil {
		return err
	}
	err = rig.Eventually(ctx, patience, "follow the stream after the resync", func() error {
		now, err := s.read(ctx)
		if err == nil && now-before < 100 {
			err = fmt.Errorf("%d changes have been read", now-before)
		}
		return err
	})
	if err = errors.Join(err, s.desk.close()); err != nil {
		return err
	}
	err = rig.Eventually(ctx, patience, "compare with the library", func() error { return s.library.Check(ctx, s.db) })
	if err != nil {
		return err
	}
	s.say("All %d rows are what the library has.", s.library.Rows())
	return s.status(ctx)
}
