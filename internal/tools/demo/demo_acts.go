package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"metadb/internal/testkit/testbed"
)

// createSource creates the data source.
func (s *demoStage) createSource(ctx context.Context) error {
	s.printHeading("A data source")
	return s.runStatement(ctx, fmt.Sprintf(`create data source library type kafka options (
      brokers '%s', security 'plaintext', topics '^library_1\.', consumer_group 'library_1_1')`, s.broker.Address()))
}

// showFirstSnapshot streams the library's rows and shows them arrive.
func (s *demoStage) showFirstSnapshot(ctx context.Context) error {
	s.printHeading("The first snapshot")
	if err := s.writeSnapshot(ctx, "library.patron, library.item and library.loan fill", 0); err != nil {
		return err
	}
	if err := s.showStatus(ctx); err != nil {
		return err
	}
	s.printLine("The log says: source \"library\" snapshot complete. So the initial synchronization can end:\n")
	if err := s.runEndsync(ctx); err != nil {
		return err
	}
	return s.startServer(ctx)
}

// countApplied returns the number of applied records of the present topics.
func (s *demoStage) countApplied(ctx context.Context) (int, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT coalesce(sum(next_offset), 0) FROM metadb.stream_position
		WHERE topic LIKE $1 || '.%'`, s.library.Prefix()).Scan(&n)
	return n, err
}

// runEndsync ends a synchronization, with the server stopped.
func (s *demoStage) runEndsync(ctx context.Context) error {
	if err := s.stopServer(ctx); err != nil {
		return err
	}
	return s.runCommand(ctx, "endsync -D data --source library --force", "endsync", "-D", "data", "--source", "library", "--force")
}

// showLive opens the desk and shows how the stream follows.
func (s *demoStage) showLive(ctx context.Context) error {
	s.printHeading("The library opens")
	s.desk = openDesk(ctx, s.library, s.producer)
	past := s.pastInterval()
	if s.Once {
		s.printLine("Patrons borrow, return and pay: %v of it (a minute without --once).\n", past)
	} else {
		s.printLine("Patrons borrow, return and pay: a minute of it.\n")
	}
	const perSecond = int(time.Second / stepInterval)
	total := int((past + 2*time.Second).Seconds()) * perSecond
	bar := s.newProgressBar("changes", total)
	before, err := s.countApplied(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	err = testbed.Eventually(ctx, stepTimeout+past, "follow the stream", func() error {
		now, err := s.countApplied(ctx)
		if err != nil {
			return err
		}
		bar.drawProgress(min(now-before, total))
		if now-before < total || time.Since(began) < past+2*time.Second {
			return fmt.Errorf("%d changes have been read", now-before)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.showStatus(ctx)
}

// pastInterval is the age of the oldest state that the demo queries.
func (s *demoStage) pastInterval() time.Duration {
	if s.Once {
		return pastShort
	}
	return pastLong
}

// showHistory shows one patron's history, and the tables now and as of the past.
func (s *demoStage) showHistory(ctx context.Context) error {
	s.printHeading("History")
	s.printLine("One patron's history, from the main table:\n")
	const versions = `SELECT __start, __end, __current, name, balance::text FROM library.patron__
    WHERE id = (SELECT id FROM library.patron__ GROUP BY id ORDER BY count(*) DESC, id LIMIT 1)
    ORDER BY __start, __id LIMIT 8`
	s.printLine("  %s\n", versions)
	if err := s.printQuery(ctx, s.db, versions); err != nil {
		return err
	}
	s.printLine("Items by status, now and as of %v ago:\n", s.pastInterval())
	now := `SELECT status, count(*) FROM library.item GROUP BY status ORDER BY status`
	s.printLine("  %s\n", now)
	if err := s.printQuery(ctx, s.db, now); err != nil {
		return err
	}
	asOf := fmt.Sprintf(`SELECT status, count(*) FROM library.item__
    WHERE __start <= now() - interval '%[1]d seconds' AND __end > now() - interval '%[1]d seconds'
    GROUP BY status ORDER BY status`,
		int(s.pastInterval().Seconds()))
	s.printLine("  %s\n", asOf)
	return s.printQuery(ctx, s.db, asOf)
}

// loseStream closes the desk and changes the library without a connector.
func (s *demoStage) loseStream(ctx context.Context) error {
	s.printHeading("The stream is lost")
	if err := s.desk.closeDesk(); err != nil {
		return err
	}
	const unseen = 400
	for range unseen {
		if _, err := s.library.Step(time.Now()); err != nil {
			return err
		}
	}
	s.printLine("The connector failed for good: %d transactions were never written to Kafka, deletes among them.", unseen)
	s.printLine("A new connector makes a new snapshot, into new topics, and the data source follows it:\n")
	return ctx.Err()
}

// showResync carries out the procedure of docs/resync.md.
func (s *demoStage) showResync(ctx context.Context) error {
	if err := s.library.Connect("library_2"); err != nil {
		return err
	}
	if err := s.runStatement(ctx, `alter data source library options (set topics '^library_2\.', set consumer_group 'library_2_1')`); err != nil {
		return err
	}
	if err := s.stopServer(ctx); err != nil {
		return err
	}
	if err := s.runCommand(ctx, "sync -D data --source library --force", "sync", "-D", "data", "--source", "library", "--force"); err != nil {
		return err
	}
	if err := s.startServer(ctx); err != nil {
		return err
	}
	pace := 0
	if !s.Once {
		s.printLine("\nTable by table, with the time that is left, the page shows it: %s", s.pageAddress())
		pace = watchableRate
	}
	s.printLine("")
	if err := s.writeSnapshot(ctx, "rows are compared and confirmed", pace); err != nil {
		return err
	}
	s.printLine("")
	if err := s.runEndsync(ctx); err != nil {
		return err
	}
	if err := s.startServer(ctx); err != nil {
		return err
	}
	s.printLine("\nPatrons who left unseen have ended with the time of endsync:\n")
	const ended = `SELECT count(*) AS ended, max(__end) AS at FROM library.patron__
    WHERE __end = (SELECT max(__end) FROM library.patron__ WHERE NOT __current)`
	s.printLine("  %s\n", ended)
	return s.printQuery(ctx, s.db, ended)
}

// streamOn lets the stream run until the context ends. With Once it applies a hundred changes, and then
// Metadb's rows must be the library's.
func (s *demoStage) streamOn(ctx context.Context) error {
	s.printHeading("And on it goes")
	s.desk = openDesk(ctx, s.library, s.producer)
	if !s.Once {
		s.printLine("The stream runs. Try the psql lines from above in a second terminal; Ctrl-C ends the demo.")
		<-ctx.Done()
		return nil
	}
	before, err := s.countApplied(ctx)
	if err != nil {
		return err
	}
	err = testbed.Eventually(ctx, stepTimeout, "follow the stream after the resync", func() error {
		now, err := s.countApplied(ctx)
		if err == nil && now-before < 100 {
			err = fmt.Errorf("%d changes have been read", now-before)
		}
		return err
	})
	if err = errors.Join(err, s.desk.closeDesk()); err != nil {
		return err
	}
	err = testbed.Eventually(ctx, stepTimeout, "compare with the library", func() error { return s.library.Check(ctx, s.db) })
	if err != nil {
		return err
	}
	s.printLine("All %d rows are what the library has.", s.library.Rows())
	return s.showStatus(ctx)
}
