package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/testbed"
)

// Config has the options of the demo.
type Config struct {
	// Binary is the metadb program.
	Binary string
	// Once ends the demo after all acts, instead of running until the context ends.
	Once bool
	// Seed makes the library reproducible.
	Seed uint64
	// Out is the file or terminal that the demo writes to.
	Out *os.File
}

// The timeout of a step, and the time between two transactions at the desk.
const (
	stepTimeout  = 2 * time.Minute
	stepInterval = 20 * time.Millisecond
	// pastLong and pastShort are the ages that "as of" queries, without and with Once.
	pastLong, pastShort = time.Minute, 5 * time.Second
	// aroundPast is the approximate duration of the other acts before the resynchronization.
	aroundPast = 10 * time.Second
)

// demoStage has the servers, connections and data that the acts share.
type demoStage struct {
	Config
	*demoScreen
	dir      string
	cluster  *pgtest.Cluster
	broker   *testbed.Broker
	producer *testbed.Producer
	metadb   *testbed.Metadb
	library  *Library
	db       *pgx.Conn
	desk     *loanDesk
}

// Run performs the demo. It leaves no process and no file behind, also when the context ends early,
// which is no error unless Once is set.
func Run(ctx context.Context, config Config) (err error) {
	dir, err := os.MkdirTemp("", "metadb-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	s := &demoStage{Config: config, demoScreen: newScreen(config.Out), dir: dir}
	defer func() {
		s.printLine("\nCleaning up.")
		err = errors.Join(err, s.closeAll())
	}()
	err = s.performActs(ctx)
	if ctx.Err() != nil && !config.Once {
		return nil
	}
	return err
}

// performActs runs the acts in their order.
func (s *demoStage) performActs(ctx context.Context) error {
	for _, act := range []func(context.Context) error{
		s.startAll, s.createSource, s.showFirstSnapshot, s.showLive, s.showHistory, s.loseStream, s.showResync, s.streamOn,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startAll starts PostgreSQL, the broker and Metadb, and makes the library.
func (s *demoStage) startAll(ctx context.Context) (err error) {
	s.printHeading("A library, PostgreSQL, Kafka")
	s.printLine("A private PostgreSQL and an embedded Kafka broker, in %s.", s.dir)
	s.printLine("They vanish when the demo ends; nothing else on this machine is touched.\n")
	if s.cluster, err = pgtest.NewCluster(ctx, pgtest.Options{}); err != nil {
		return err
	}
	if s.broker, err = testbed.NewBroker(1); err != nil {
		return err
	}
	if s.producer, err = testbed.NewProducer(s.broker.Address()); err != nil {
		return err
	}
	if s.library, err = NewLibrary(s.Seed, "library_1"); err != nil {
		return err
	}
	binary, err := filepath.Abs(s.Binary)
	if err != nil {
		return err
	}
	s.printCommand("metadb init -D data          # and edit data/metadb.conf")
	if s.metadb, err = testbed.Install(ctx, binary, s.dir, s.cluster, "metadb_demo"); err != nil {
		return err
	}
	if err := s.startServer(ctx); err != nil {
		return err
	}
	if s.db, err = pgx.Connect(ctx, s.metadb.Database()); err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, "SET TimeZone = 'UTC'")
	s.printLine("\nFor a browser, live; the resynchronization begins in about %d s:\n", int((s.pastInterval() + aroundPast).Seconds()))
	s.printLine("  %s\n", s.pageAddress())
	s.printLine("For a second terminal:\n")
	s.printCommand(fmt.Sprintf("psql -X -h %s -p %d -d metadb -c 'list status'     # administration", s.metadb.DataDir(), s.metadb.Port))
	s.printCommand(fmt.Sprintf("psql -X '%s'", s.metadb.Database()))
	return err
}

// pageAddress is the address of the live page.
func (s *demoStage) pageAddress() string {
	return fmt.Sprintf("http://127.0.0.1:%d/", s.metadb.HTTPPort)
}

// startServer starts the server.
func (s *demoStage) startServer(ctx context.Context) error {
	s.printCommand("metadb start -D data -l metadb.log &")
	return s.metadb.Start(ctx)
}

// stopServer stops the server.
func (s *demoStage) stopServer(ctx context.Context) error {
	s.printCommand("metadb stop -D data")
	return s.metadb.Stop(ctx)
}

// runCommand runs a command of metadb and shows it.
func (s *demoStage) runCommand(ctx context.Context, line string, args ...string) error {
	s.printCommand("metadb " + line)
	out, err := s.metadb.Run(ctx, args...)
	if out != "" {
		s.printLine("%s", out)
	}
	return err
}

// runStatement runs a statement on the administration port and shows it.
func (s *demoStage) runStatement(ctx context.Context, statement string) error {
	s.printLine("  metadb=# %s;", statement)
	return s.metadb.Exec(ctx, statement)
}

// showStatus shows the result of list status.
func (s *demoStage) showStatus(ctx context.Context) error {
	s.printLine("  metadb=# list status;\n")
	admin, err := s.metadb.Admin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(ctx) }()
	return s.printQuery(ctx, admin, "list status")
}

// closeAll stops all parts in the reverse order of their start.
func (s *demoStage) closeAll() error {
	var errs []error
	if s.desk != nil {
		errs = append(errs, s.desk.closeDesk())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close(context.Background()))
	}
	if s.metadb != nil {
		errs = append(errs, s.metadb.Close())
	}
	if s.producer != nil {
		s.producer.Close()
	}
	if s.broker != nil {
		s.broker.Close()
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
