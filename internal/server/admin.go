package server

import (
	"crypto/tls"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"metadb/internal/adminexec"
	"metadb/internal/pgwire"
	"metadb/internal/status"
)

// listen opens the administration port.
func (s *server) listen(pool *pgxpool.Pool, streams *streams, registry *status.Registry) (*pgwire.Server, error) {
	upstream, err := pgconn.ParseConfig(s.config.ConnString(s.config.SystemUser))
	if err != nil {
		return nil, fmt.Errorf("administration port: %w", err)
	}
	// Its session in the database is idle while Metadb carries out a client's command, or
	// the client thinks.
	upstream.RuntimeParams["idle_session_timeout"] = "0"
	certificate, err := certificate("admin", s.config.AdminCert, s.config.AdminKey)
	if err != nil {
		return nil, err
	}
	return pgwire.Listen(pgwire.Config{
		Host:      s.config.AdminListen,
		Port:      s.options.Port,
		SocketDir: s.dir.Path(),
		TLS:       certificate,
		Trust:     s.config.AdminTrust,
		Database:  s.config.Database,
		Upstream:  upstream,
		System:    pgwire.Role(s.config.SystemUser),
		Super:     pgwire.Role(s.config.Superuser),
		Executor: adminexec.New(adminexec.Config{
			DB: pool, Control: streams, Sync: streams, Status: registry, Logger: s.logger, Rejected: streams, RefreshTypes: streams.refreshTypes, RefreshMapping: streams.refreshMapping,
			Tables: streams, Super: streams.super, Exclusively: streams.tables.exclusively, Roles: roles(s.config),
		}),
		Logger: s.logger,
	})
}

// certificate loads the certificate of a port, nil if there is none; what is how
// its keys in metadb.conf begin.
func certificate(what, cert, key string) (*tls.Config, error) {
	if cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s_tls_cert, %s_tls_key: %w", what, what, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
