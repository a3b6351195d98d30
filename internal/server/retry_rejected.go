package server

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/target/apply"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/rejected"
)

// RetryRejected implements command.Rejected. The streams continue between its transactions, each
// of which excludes batches.
func (s *supervisor) RetryRejected(ctx context.Context, name string) (applied, again int, err error) {
	options, err := s.optionsInUse(ctx, name)
	if err != nil {
		return 0, 0, err
	}
	decode, err := s.newRetryDecoder(options)
	if err != nil {
		return 0, 0, err
	}
	applier := apply.New(apply.Config{
		Connect: func(ctx context.Context) (*pgx.Conn, error) {
			return dbsession.ConnectRole(ctx, s.config, s.config.SystemUser)
		},
		Source: name,
		Group:  options.ConsumerGroup,
		Store:  s.tables.store,
		Logger: s.logger,
	})
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dbsession.CloseTimeout)
		defer cancel()
		_ = applier.Close(ctx)
	}()
	if err := s.tables.reloadCatalog(ctx, s.pool); err != nil {
		return 0, 0, err
	}
	tally, err := rejected.Retry(ctx, rejected.Config{
		DB: s.pool, Source: name, Decode: decode, Apply: applier.Retry, Exclusively: s.tables.withoutBatches,
		Done: func(events int) { s.RejectedRemoved(name, events) }, Logger: s.logger,
	})
	return tally.Applied + tally.Filtered, tally.Rejected, err
}

// RejectedRemoved implements command.Rejected.
func (s *supervisor) RejectedRemoved(name string, events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.running[name]; one != nil {
		one.state.RejectedRemoved(int64(events))
	}
}

// optionsInUse returns the options with which a source's stream runs, or the stored ones if it
// does not run.
func (s *supervisor) optionsInUse(ctx context.Context, name string) (*datasource.Options, error) {
	now, err := datasource.Load(ctx, s.pool, name)
	if err != nil {
		return nil, fmt.Errorf("read data source %q: %w", name, err)
	}
	one := s.runningStream(name)
	if one == nil {
		return now, nil
	}
	return withLiveOptions(one.startOptions, now)
}

// newRetryDecoder returns a function that decodes and routes a data source's stored records.
func (s *supervisor) newRetryDecoder(o *datasource.Options) (func(change.Position, *change.Record) change.Event, error) {
	router, err := makeRouter(o)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	router.SetOrigins(s.origins)
	s.mu.Unlock()
	kind, err := s.kinds.Find(o.Type)
	if err != nil {
		return nil, err
	}
	decode, err := kind.NewDecoder(o)
	if err != nil {
		return nil, err
	}
	return func(at change.Position, record *change.Record) change.Event {
		event := decode(at, record)
		router.Route(&event)
		return event
	}, nil
}

// withoutBatches calls do while no batch is applied.
func (t *sharedCatalog) withoutBatches(do func() error) error {
	t.use.Lock()
	defer t.use.Unlock()
	return do()
}
