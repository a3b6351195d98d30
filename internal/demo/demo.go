package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/pgtest"
	"metadb/internal/rig"
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
	patience     = 2 * time.Minute
	stepInterval = 20 * time.Millisecond
	// pastLong and pastShort are the ages that "as of" queries, without and with Once.
	pastLong, pastShort = time.Minute, 5 * time.Second
	// aroundPast is the approximate duration of the other acts before the resynchronization.
	aroundPast = 10 * time.Second
)

// stage has the servers, connections and data that the acts share.
type stage struct {
	Config
	*screen
	dir      string
	cluster  *pgtest.Cluster
	broker   *rig.Broker
	producer *rig.Producer
	metadb   *rig.Metadb
	library  *Library
	db       *pgx.Conn
	desk     *desk
}

// Run performs the demo. It leaves no process and no file behind, also when the context ends early,
// which is no error unless Once is set.
func Run(ctx context.Context, config Config) (err error) {
	dir, err := os.MkdirTemp("", "metadb-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	s := &stage{Config: config, screen: newScreen(config.Out), dir: dir}
	defer func() {
		s.say("\nCleaning up.")
		err = errors.Join(err, s.close())
	}()
	err = s.perform(ctx)
	if ctx.Err() != nil && !config.Once {
		return nil
	}
	return err
}

// perform runs the acts in their order.
func (s *stage) perform(ctx context.Context) error {
	for _, act := range []func(context.Context) error{
		s.build, s.create, s.firstSnapshot, s.live, s.history, s.loseStream, s.resync, s.goOn,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// build starts PostgreSQL, the broker and Metadb, and makes the library.
func (s *stage) build(ctx context.Context) (err error) {
	s.heading("A library, PostgreSQL, Kafka")
	s.say("A private PostgreSQL and an embedded Kafka broker, in %s.", s.dir)
	s.say("They vanish when the demo ends; nothing else on this machine is touched.\n")
	if s.cluster, err = pgtest.NewCluster(ctx, pgtest.Options{}); err != nil {
		return err
	}
	if s.broker, err = rig.NewBroker(1); err != nil {
		return err
	}
	if s.producer, err = rig.NewProducer(s.broker.Address()); err != nil {
		return err
	}
	if s.library, err = NewLibrary(s.Seed, "library_1"); err != nil {
		return err
	}
	binary, err := filepath.Abs(s.Binary)
	if err != nil {
		return err
	}
	s.command("metadb init -D data          # and edit data/metadb.conf")
	if s.metadb, err = rig.Install(ctx, binary, s.dir, s.cluster, "metadb_demo"); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	if s.db, err = pgx.Connect(ctx, s.metadb.Database()); err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, "SET TimeZone = 'UTC'")
	s.say("\nFor a browser, live; the resynchronization begins in about %d s:\n", int((s.past() + aroundPast).Seconds()))
	s.say("  %s\n", s.page())
	s.say("For a second terminal:\n")
	s.command(fmt.Sprintf("psql -X -h %s -p %d -d metadb -c 'list status'     # administration", s.metadb.DataDir(), s.metadb.Port))
	s.command(fmt.Sprintf("psql -X '%s'", s.metadb.Database()))
	return err
}

// page is the address of the live page.
func (s *stage) page() string { return fmt.Sprintf("http://127.0.0.1:%d/", s.metadb.HTTPPort) }

// start starts the server.
func (s *stage) start(ctx context.Context) error {
	s.command("metadb start -D data -l metadb.log &")
	return s.metadb.Start(ctx)
}

// stop stops the server.
func (s *stage) stop(ctx context.Context) error {
	s.command("metadb stop -D data")
	return s.metadb.Stop(ctx)
}

// run runs a command of metadb and shows it.
func (s *stage) run(ctx context.Context, line string, args ...string) error {
	s.command("metadb " + line)
	out, err := s.metadb.Run(ctx, args...)
	if out != "" {
		s.say("%s", out)
	}
	return err
}

// admin runs a statement on the administration port and shows it.
func (s *stage) admin(ctx context.Context, statement string) error {
	s.say("  metadb=# %s;", statement)
	return s.metadb.Exec(ctx, statement)
}

// status shows the result of list status.
func (s *stage) status(ctx context.Context) error {
	s.say("  metadb=# list status;\n")
	admin, err := s.metadb.Admin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close(ctx) }()
	return s.rows(ctx, admin, "list status")
}

// close stops all parts in the reverse order of their start.
func (s *stage) close() error {
	var errs []error
	if s.desk != nil {
		errs = append(errs, s.desk.close())
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
