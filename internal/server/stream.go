package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/backoff"
	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/observe/status"
	"metadb/internal/pipeline"
	"metadb/internal/route"
	"metadb/internal/source"
	"metadb/internal/target/apply"
	"metadb/internal/target/checkpoint"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/rejected"
)

// stream is the supervised stream of one data source.
type stream struct {
	*supervisor
	// startOptions are the options when the stream was started: those that are not live are used
	// until it ends (docs/spec/06-synchronization.md#when-changed-options-are-used).
	startOptions *datasource.Options
	state        *status.Source
	// ctx is the stream's context, which cancel ends.
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	// loaded is set if the first run need not read the catalog: the server has just read it, and
	// has applied no event of the source since.
	loaded bool
	scope  syncScope
	// open opens the source; nil before the first time. Only runPipeline uses it.
	open source.Opener
	// incrementals are incremental snapshots that may be under way.
	incrementals incrementalSnapshots
	// maxYears bounds the years of a batch's events in one table, 0 for the default.
	maxYears int

	// mu guards the fields that setOrigins and restart use; cancelRun ends the current run.
	mu        sync.Mutex
	router    *route.Router
	origins   []string
	cancelRun context.CancelCauseFunc
}

// supervise builds and runs the stream repeatedly, until ctx ends.
func (s *stream) supervise(ctx context.Context) {
	defer s.state.SetStream(status.Inactive, "")
	pauses, said := backoff.Default(), ""
	for ctx.Err() == nil {
		began := time.Now()
		err := s.addResourceHolder(ctx, s.shutdown.AddReason(s.runOnce(ctx)))
		if ctx.Err() != nil {
			return
		}
		long := time.Since(began) > backoff.LongestPause
		if long {
			pauses.Reset()
			said = ""
		}
		switch {
		case errors.Is(err, errAltered), errors.Is(err, errFailover), errors.Is(err, errSkipped):
			s.logger.Info(fmt.Sprintf("source %q: %v", s.startOptions.Name, err))
			continue
		case errors.Is(err, pipeline.ErrRestart):
			s.logger.Warn(fmt.Sprintf("source %q: %v", s.startOptions.Name, err))
			s.state.SetStream(status.Starting, "")
			if long {
				continue
			}
		default:
			if text := err.Error(); text != said {
				s.logger.Warn(fmt.Sprintf("source %q: %s", s.startOptions.Name, text))
				said = text
			}
			s.state.SetStream(status.Error, err.Error())
		}
		if pauses.Wait(ctx) != nil {
			return
		}
	}
}

// runOnce builds the stream and runs it until it must be rebuilt. The error is the reason.
func (s *stream) runOnce(ctx context.Context) error {
	ctx, altered := context.WithCancelCause(ctx)
	defer altered(nil)
	s.mu.Lock()
	s.cancelRun = altered
	s.mu.Unlock()
	err := s.runPipeline(ctx)
	if few, ok := errors.AsType[*pipeline.YearsError](err); ok {
		s.maxYears = few.Years
	}
	if why := context.Cause(ctx); errors.Is(why, errAltered) || errors.Is(why, errFailover) || errors.Is(why, errSkipped) {
		return why
	}
	return err
}

// runPipeline creates the parts of the stream and runs its pipeline.
func (s *stream) runPipeline(ctx context.Context) error {
	stored, err := s.loadSettings(ctx)
	if err != nil {
		return err
	}
	router, err := s.newRouter(stored.options)
	if err != nil {
		return err
	}
	reader, err := s.openSource(stored.options)
	if err != nil {
		return err
	}
	defer reader.Close()
	appliers, closeAppliers := s.newAppliers(stored.options)
	defer closeAppliers(ctx)
	reporter := &statusReporter{stream: s}
	var watching sync.WaitGroup
	watch, stop := context.WithCancel(ctx)
	defer watching.Wait()
	defer stop()
	watching.Go(func() { s.watchBroker(watch, stored.options) })
	return pipeline.Run(ctx, pipeline.Config{
		Name:              stored.options.Name,
		Source:            &topicWaitingSource{source: reader, reporter: reporter, options: stored.options, restart: s.restart},
		Router:            router,
		Appliers:          appliers,
		Reporter:          reporter,
		Logger:            s.logger,
		BatchEvents:       stored.batchEvents,
		ExpectedSnapshots: s.expectedSnapshots,
		SnapshotDeadline:  stored.deadline, SnapshotSettle: pipeline.DefaultSnapshotSettle,
		MaxYears: s.maxYears,
	})
}

// applySessions is the number of database sessions that apply a source's tables in parallel.
const applySessions = 2

// newAppliers returns appliers with one session each, and a function that closes them.
func (s *stream) newAppliers(o *datasource.Options) (appliers []pipeline.Applier, closeAll func(context.Context)) {
	all := make([]*apply.Applier, applySessions)
	for i := range all {
		all[i] = apply.New(apply.Config{
			Connect:       func(ctx context.Context) (*pgx.Conn, error) { return s.shutdown.ConnectSystemUser(ctx, s.config) },
			Source:        o.Name,
			Group:         o.ConsumerGroup,
			Store:         s.tables.store,
			RejectedLimit: s.rejectedLimit,
			Logger:        s.logger,
		})
		appliers = append(appliers, &catalogGuard{Applier: all[i], stream: s})
	}
	return appliers, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dbsession.CloseTimeout)
		defer cancel()
		for _, applier := range all {
			_ = applier.Close(ctx)
		}
	}
}

// rejectedLimit returns the present limit of rejected events.
func (s *stream) rejectedLimit(ctx context.Context) (rejected.Limit, error) {
	o, err := datasource.Load(ctx, s.pool, s.startOptions.Name)
	if err != nil {
		return rejected.Limit{}, err
	}
	events, bytes := o.RejectedBounds()
	return rejected.Limit{Events: events, Bytes: bytes}, nil
}

// newRouter creates the stream's router, which setOrigins updates.
func (s *stream) newRouter(o *datasource.Options) (*route.Router, error) {
	router, err := makeRouter(o)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.router = router
	s.router.SetOrigins(s.origins)
	return router, nil
}

// makeRouter returns a router with the filters and names of the options.
func makeRouter(o *datasource.Options) (*route.Router, error) {
	config := route.Config{
		MapPublicSchema: o.MapPublicSchema, TrimSchemaPrefix: o.TrimSchemaPrefix, AddSchemaPrefix: o.AddSchemaPrefix,
		Heartbeat: o.HeartbeatTable,
	}
	var err error
	if config.SchemaPass, err = datasource.Expressions("schema_pass_filter", o.SchemaPassFilter); err != nil {
		return nil, err
	}
	if config.SchemaStop, err = datasource.Expressions("schema_stop_filter", o.SchemaStopFilter); err != nil {
		return nil, err
	}
	if config.TableStop, err = datasource.Expressions("table_stop_filter", o.TableStopFilter); err != nil {
		return nil, err
	}
	return route.New(config), nil
}

// setOrigins sets the origins of the present router and of later ones.
func (s *stream) setOrigins(origins []string) {
	s.mu.Lock()
	s.origins = origins
	if s.router != nil {
		s.router.SetOrigins(origins)
	}
	s.mu.Unlock()
	if len(s.state.Report().Parked) > 0 {
		s.restart(errAltered) // parked events were routed with the previous origins
	}
}

// openSource opens the data source.
func (s *stream) openSource(o *datasource.Options) (source.Source, error) {
	if s.open == nil {
		kind, err := s.kinds.Find(o.Type)
		if err != nil {
			return nil, err
		}
		s.open = kind.NewOpener()
	}
	return s.open(source.Settings{
		Options: o, Secrets: s.key, Identity: s.identity,
		LoadProgress: func(ctx context.Context, parts []change.Partition) (map[change.Partition]change.PartitionProgress, error) {
			return checkpoint.Load(ctx, s.pool, o.Name, o.ConsumerGroup, parts)
		},
		MaxRecordBytes: s.maxRecordBytes,
		OnDecoded:      func(took time.Duration) { s.metrics.Decoded(o.Name, took) },
		Logger:         s.logger,
	})
}
