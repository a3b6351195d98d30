package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/instance"
	"metadb/internal/observe/monitor"
	"metadb/internal/observe/status"
	"metadb/internal/server/maintenance"
	"metadb/internal/source"
	"metadb/internal/source/kinds"
	"metadb/internal/target/catalog"
	"metadb/internal/target/dbsession"
)

// supervisor starts, restarts and stops the streams of all data sources.
type supervisor struct {
	config   *instance.Config
	logger   *slog.Logger
	pool     *pgxpool.Pool
	registry *status.Registry
	// identity is the name of this installation in consumer groups.
	identity string
	tables   *sharedCatalog
	metrics  *monitor.Metrics
	// maxRecordBytes bounds a record, and the unpacked size of a compressed batch of records, in
	// bytes.
	maxRecordBytes int
	// roles are the names of the database's roles.
	roles roleNames
	// blockers are sessions that block tables.
	blockers blockerWatch
	// shutdown is the reason that the database gives when it shuts down.
	shutdown *dbsession.ShutdownReason
	// kinds are the kinds of data sources.
	kinds source.Kinds
	// key decrypts the brokers' passwords.
	key instance.SecretKey
	// database is the database as the periodic jobs see it; analyzer is the job that synchronizations
	// request.
	database *maintenance.Database
	analyzer *maintenance.Analyzer

	mu      sync.Mutex
	running map[string]*stream
	origins []string
	// runCtx is the context of runStreams, nil before it starts and after it has ended.
	runCtx  context.Context
	started []*datasource.Options
	working sync.WaitGroup
}

// sharedCatalog is the catalog that all streams share. A reload excludes batches: the changes of
// a batch that is committed meanwhile would be missing.
type sharedCatalog struct {
	store *catalog.Store
	use   sync.RWMutex
	// invalidated is set if the store may differ from the database: it is reloaded before the
	// next batch. It is set and cleared under use.
	invalidated bool
}

// newSupervisor reads the data sources. runStreams starts them.
func (s *server) newSupervisor(ctx context.Context, pool *pgxpool.Pool, store *catalog.Store, metrics *monitor.Metrics, registry *status.Registry) (*supervisor, error) {
	identity, err := s.dir.Identity()
	if err != nil {
		return nil, err
	}
	allKinds, err := kinds.All(s.logger)
	if err != nil {
		return nil, err
	}
	all := &supervisor{
		config: s.config, logger: s.logger, pool: pool, registry: registry, identity: identity, kinds: allKinds, key: instance.SecretKeyIn(s.dir.Path()), shutdown: &dbsession.ShutdownReason{}, maxRecordBytes: maxRecordBytes(s.options.MemLimit),
		tables: &sharedCatalog{store: store}, metrics: metrics, running: make(map[string]*stream),
	}
	all.database = &maintenance.Database{Pool: pool, Config: s.config, Store: store, Exclusively: all.tables.withoutBatches, Logger: s.logger}
	all.analyzer = maintenance.NewAnalyzer(all.database)
	registry.SetColumns(func() map[string]status.Columns { return columnStatus(store) })
	if all.started, err = datasource.LoadAll(ctx, pool); err != nil {
		return nil, fmt.Errorf("read the data sources: %w", err)
	}
	if err := all.roles.loadNames(ctx, pool); err != nil {
		return nil, err
	}
	if err := all.sealPasswords(ctx); err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, "SELECT name FROM metadb.origin ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read the data origins: %w", err)
	}
	if all.origins, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return nil, fmt.Errorf("read the data origins: %w", err)
	}
	return all, nil
}

// sealPasswords encrypts the brokers' passwords that an earlier version stored in clear text.
func (s *supervisor) sealPasswords(ctx context.Context) error {
	for _, options := range s.started {
		if options.IsSealed() {
			continue
		}
		if err := options.Seal(s.key); err != nil {
			return fmt.Errorf("data source %q: %w", options.Name, err)
		}
		if err := datasource.Update(ctx, s.pool, options); err != nil {
			return err
		}
		s.logger.Info(fmt.Sprintf("the password of data source %q is encrypted in the database now; dumps that were made before have it in the clear", options.Name))
	}
	return nil
}

// runStreams starts the streams of all enabled data sources. It returns when ctx has ended and
// every stream has stopped.
func (s *supervisor) runStreams(ctx context.Context) error {
	s.mu.Lock()
	s.runCtx = ctx
	for _, options := range s.started {
		s.startStream(options, true)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.runCtx = nil
	s.mu.Unlock()
	s.working.Wait()
	return ctx.Err()
}

// startStream starts a stream; loaded is true if the catalog has just been read. The caller holds
// mu.
func (s *supervisor) startStream(options *datasource.Options, loaded bool) {
	state := s.registry.Source(options.Name)
	if !options.Enable {
		state.SetStream(status.Inactive, "the data source is disabled")
		return
	}
	state.SkippedTables().Reset()
	state.SetStream(status.Starting, "")
	ctx, cancel := context.WithCancel(s.runCtx)
	one := &stream{
		supervisor: s, startOptions: options, state: state, ctx: ctx, cancel: cancel, done: make(chan struct{}), loaded: loaded,
	}
	one.setOrigins(s.origins)
	s.running[options.Name] = one
	s.working.Go(func() {
		defer close(one.done)
		defer cancel()
		one.supervise(ctx)
	})
}

// runningStream returns the stream of a source, nil if it does not run.
func (s *supervisor) runningStream(source string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[source]
}

// StartSource implements command.Controller.
func (s *supervisor) StartSource(ctx context.Context, name string) error {
	options, err := datasource.Load(ctx, s.pool, name)
	if err != nil {
		return fmt.Errorf("read data source %q: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.runCtx == nil:
		return fmt.Errorf("the server is starting or stopping")
	case s.running[name] != nil:
		return nil
	}
	s.startStream(options, false)
	return nil
}

// StopSource implements command.Controller. It also removes the source from list status.
func (s *supervisor) StopSource(ctx context.Context, name string) error {
	one := s.runningStream(name)
	if one != nil {
		one.cancel()
		select {
		case <-one.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, name)
	s.registry.Remove(name)
	s.metrics.Forget(name)
	return nil
}

// SetOrigins implements command.Controller.
func (s *supervisor) SetOrigins(origins []change.Origin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.origins = make([]string, len(origins))
	for i, origin := range origins {
		s.origins[i] = string(origin)
	}
	for _, one := range s.running {
		one.setOrigins(s.origins)
	}
}
