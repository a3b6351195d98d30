package wire

import (
	"context"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// greetClient sends the messages that begin a session: the result of the authentication, the
// parameters, and the key for cancel requests.
func (s *session) greetClient(ctx context.Context, start *startupState) error {
	messages := append(start.versionMessages(), &pgproto3.AuthenticationOk{})
	reported, err := s.db.reportedParameters(ctx)
	if err != nil {
		return err
	}
	messages = append(messages, s.db.parameterMessages(reported)...)
	messages = append(messages,
		&pgproto3.BackendKeyData{ProcessID: s.id, SecretKey: s.secret},
		&pgproto3.ReadyForQuery{TxStatus: txIdle})
	if err := s.client.out.writeMessages(messages...); err != nil {
		return err
	}
	return s.client.out.flushBuffer()
}

// upstreamParameters returns those of a client's parameters that are for the database.
func upstreamParameters(given map[string]string) map[string]string {
	parameters := make(map[string]string, len(given))
	for name, value := range given {
		switch name {
		case "user", "database", "replication":
		default:
			if !strings.HasPrefix(name, "_pq_.") {
				parameters[name] = value
			}
		}
	}
	return parameters
}

// defaultParameters returns the parameters that a client gets while the database is unreachable.
func defaultParameters(role string) map[string]string {
	return map[string]string{
		"client_encoding": "UTF8", "DateStyle": "ISO, MDY", "default_transaction_read_only": "off",
		"in_hot_standby": "off", "integer_datetimes": "on", "IntervalStyle": "postgres", "is_superuser": "off",
		"server_encoding": "UTF8", "server_version": "15.0", "session_authorization": role,
		"standard_conforming_strings": "on", "TimeZone": "Etc/UTC",
	}
}

// cachedParameters returns the parameters that the database reported to a role, nil if it has
// reported nothing yet.
func (s *Server) cachedParameters(role string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reported[role]
}

func (s *Server) cacheParameters(role string, reported map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reported[role] = maps.Clone(reported)
}
