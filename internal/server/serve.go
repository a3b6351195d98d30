package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"metadb/internal/admin/command"
	"metadb/internal/admin/wire"
	"metadb/internal/instance"
	"metadb/internal/observe/monitor"
	"metadb/internal/observe/status"
	"metadb/internal/target/catalog"
	"metadb/internal/target/dbsession"
	"metadb/internal/target/metaschema"
	"metadb/internal/target/serverlock"
)

// server contains the parts' common inputs.
type server struct {
	options Options
	dir     *instance.Dir
	config  *instance.Config
	logger  *slog.Logger
	log     *logTable
	hangup  *hangupActions
	// adminCertificate and httpCertificate are the certificates of the ports, nil without TLS.
	adminCertificate, httpCertificate *certificate
}

// serve creates and connects the parts. It returns when ctx ends or a part fails; everything that
// it started has then stopped, in reverse order.
func (s *server) serve(ctx context.Context) error {
	//   superuser ──rights──▶ system user, who owns everything
	if err := prepareDatabase(ctx, s.config); err != nil {
		return err
	}
	//   one server per database
	owner, err := serverlock.Acquire(ctx, s.config, s.logger)
	if err != nil {
		return err
	}
	defer owner.Close(ctx)
	//   schema metadb
	conn, err := dbsession.ConnectRole(ctx, s.config, s.config.SystemUser)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := s.checkRights(ctx, conn); err != nil {
		return err
	}
	if err := metaschema.Ensure(ctx, conn, Version); err != nil {
		return err
	}
	if err := owner.AcquireCurrent(ctx); err != nil {
		return err
	}
	s.log.ready.Store(true)
	pool, err := newPool(ctx, s.config, conn)
	if err != nil {
		return err
	}
	defer pool.Close()
	//   tables as they are ──▶ catalog
	tables := catalog.NewStore()
	if err := tables.Load(ctx, pool); err != nil {
		return fmt.Errorf("read the tables: %w", dbsession.PoolError(s.config, err))
	}
	//   streams:  Kafka ──▶ decode ──▶ route ──▶ batch ──▶ apply ──▶ tables
	registry := &status.Registry{}
	var port *wire.Server
	metrics := monitor.NewMetrics(registry, func() int { return port.Sessions() })
	streams, err := s.newSupervisor(ctx, pool, tables, metrics, registry)
	if err != nil {
		return err
	}
	//   HTTP:  probes and metrics
	web, err := s.listenHTTP(streams, metrics)
	if err != nil {
		return err
	}
	//   port:  psql ──▶ commands ──▶ streams
	//                └─▶ SQL ──▶ database
	if port, err = s.listenAdmin(pool, streams, registry); err != nil {
		return errors.Join(err, web.Close())
	}
	metrics.ShowRefused("admin", port.RefusalCounts)
	s.hangup.addAction(func() { s.reloadConfig(port, web) })
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := port.Serve(ctx); err != nil {
			s.logger.Warn(fmt.Sprintf("close the administration port: %v", err))
		}
		return ctx.Err()
	})
	owner.OnFailover, owner.OnConnect, streams.shutdown = streams.restartAll, streams.registry.SetAway, owner.Shutdown
	group.Go(func() error { return owner.Keep(ctx) })
	group.Go(func() error { return streams.runStreams(ctx) })
	jobs := streams.newJobs()
	registry.SetJobs(jobs.States)
	group.Go(func() error { return jobs.Run(ctx) })
	s.logger.Info(fmt.Sprintf("listening on %s", port.Addr()))
	if web != nil {
		group.Go(func() error { return web.Serve(ctx) })
		s.logger.Info(fmt.Sprintf("answering HTTP on %s", web.Addr()))
	}
	if notifier := s.newNotifier(streams); notifier != nil {
		group.Go(func() error { return notifier.run(ctx) })
	}
	return group.Wait()
}

var (
	_ command.Controller = (*supervisor)(nil)
	_ command.DB         = (*pgxpool.Pool)(nil)
)
