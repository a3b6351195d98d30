package server

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/admin/command"
	"metadb/internal/admin/wire"
	"metadb/internal/observe/status"
)

// listenAdmin opens the administration port. The caller serves and closes it.
func (s *server) listenAdmin(pool *pgxpool.Pool, streams *supervisor, registry *status.Registry) (*wire.Server, error) {
	upstream, err := pgconn.ParseConfig(s.config.ConnString(s.config.SystemUser))
	if err != nil {
		return nil, fmt.Errorf("administration port: %w", err)
	}
	// A session of the port's client in the database is idle while Metadb carries out a command.
	upstream.RuntimeParams["idle_session_timeout"] = "0"
	if s.adminCertificate, err = readCertificate("admin", s.config.AdminCert, s.config.AdminKey); err != nil {
		return nil, err
	}
	return wire.Listen(wire.Config{
		Host:      s.config.AdminListen,
		Port:      s.options.Port,
		SocketDir: s.dir.Path(),
		TLS:       s.adminCertificate.tlsConfig(),
		Trust:     s.config.AdminTrust,
		Database:  s.config.Database,
		Upstream:  upstream,
		System:    wire.Role(s.config.SystemUser),
		Super:     wire.Role(s.config.Superuser),
		Executor: command.New(command.Services{
			Sealer: streams.key,
			DB:     pool, Control: streams, Sync: streams, Status: registry, Logger: s.logger, Rejected: streams, RefreshTypes: streams.refreshTypes, RefreshMapping: streams.refreshMapping,
			SourceTypes: streams.kinds.Names(), Tables: streams, Skip: streams.skipPartition, Super: streams.connectSuperuser, Exclusively: streams.tables.withoutBatches, Roles: protectedRoles(s.config),
		}),
		Logger: s.logger,
	})
}
