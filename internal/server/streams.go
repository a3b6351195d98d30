package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/catalog"
	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/instance"
	"metadb/internal/monitor"
	"metadb/internal/status"
)

// streams are the running streams of all data sources.
type streams struct {
	config   *instance.Config
	logger   *slog.Logger
	pool     *pgxpool.Pool
	registry *status.Registry
	// identity is the name of this installation in consumer groups.
	identity string
	tables   *tables
	metrics  *monitor.Metrics
	// maxRecordBytes bounds a record, and what a batch of records unpacks to.
	maxRecordBytes int
	// roles are the names of the database's roles.
	roles roleNames
	// blockers are sessions that hold up tables.
	blockers blockerWatch
	// words are what the database says as it goes down.
	words *lastWords
	// key decrypts the brokers' passwords.
	key instance.SecretKey
	// analyze gets the names of sources whose snapshot is complete.
	analyze chan string

	mu      sync.Mutex
	running map[string]*stream
	origins []string
	// ctx is that of run, nil before it and after it has ended.
	ctx     context.Context
	started []*datasource.Options
	working sync.WaitGroup
}

// tables is the catalog that all streams share. Reading it again as a whole
// excludes batches: one that is committed meanwhile would be missing.
type tables struct {
	store *catalog.Store
	use   sync.RWMutex
	// doubtful says that the store may not be what the database has: it is
	// read again before the next batch. It is set and cleared under use.
	doubtful bool
}

// newStreams reads which data sources there are. They start with run.
func (s *server) newStreams(ctx context.Context, pool *pgxpool.Pool, store *catalog.Store, metrics *monitor.Metrics, registry *status.Registry) (*streams, error) {
	identity, err := s.dir.Identity()
	if err != nil {
		return nil, err
	}
	all := &streams{
		config: s.config, logger: s.logger, pool: pool, registry: registry, identity: identity, key: instance.SecretKeyIn(s.dir.Path()), words: &lastWords{}, maxRecordBytes: maxRecordBytes(s.options.MemLimit),
		tables: &tables{store: store}, metrics: metrics, running: make(map[string]*stream), analyze: make(chan string, 64),
	}
	registry.SetColumns(func() map[string]status.Columns { return columnsOf(store) })
	if all.started, err = datasource.LoadAll(ctx, pool); err != nil {
		return nil, fmt.Errorf("read the data sources: %w", err)
	}
	if err := all.roles.load(ctx, pool); err != nil {
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

// sealPasswords encrypts the brokers' passwords that an earlier version stored in the clear.
func (s *streams) sealPasswords(ctx context.Context) error {
	for _, options := range s.started {
		if options.Sealed() {
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

// run starts the streams of all enabled data sources. It returns when ctx has
// ended and every stream has stopped.
func (s *streams) run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	for _, options := range s.started {
		s.start(options, true)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.ctx = nil
	s.mu.Unlock()
	s.working.Wait()
	return ctx.Err()
}

// start starts a stream; loaded says that the tables have just been read. The caller holds
// mu.
func (s *streams) start(options *datasource.Options, loaded bool) {
	state := s.registry.Source(options.Name)
	if !options.Enable {
		state.SetStream(status.Inactive, "the data source is disabled")
		return
	}
	state.ResetSkipped()
	state.SetStream(status.Starting, "")
	ctx, cancel := context.WithCancel(s.ctx)
	one := &stream{
		streams: s, captured: options, state: state, life: ctx, cancel: cancel, done: make(chan struct{}), loaded: loaded,
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
func (s *streams) runningStream(source string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[source]
}

// StartSource implements adminexec.Controller.
func (s *streams) StartSource(ctx context.Context, name string) error {
	options, err := datasource.Load(ctx, s.pool, name)
	if err != nil {
		return fmt.Errorf("read data source %q: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx == nil:
		return fmt.Errorf("the server is starting or stopping")
	case s.running[name] != nil:
		return nil
	}
	s.start(options, false)
	return nil
}

// StopSource implements adminexec.Controller. What list status shows of the
// source goes with it.
func (s *streams) StopSource(ctx context.Context, name string) error {
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

// SetOrigins implements adminexec.Controller.
func (s *streams) SetOrigins(origins []change.Origin) {
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
