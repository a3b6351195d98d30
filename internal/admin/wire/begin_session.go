package wire

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"metadb/internal/admin/command"
	"metadb/internal/target/pgcode"
)

// greetClient sends the messages that begin a session: the result of the authentication, the
// parameters, and the key for cancel requests.
func (s *session) greetClient(ctx context.Context, start *startupState) error {
	messages := append(start.versionMessages(), &pgproto3.AuthenticationOk{})
	reported, err := s.reportedParameters(ctx)
	if err != nil {
		return err
	}
	messages = append(messages, s.parameterMessages(reported)...)
	messages = append(messages,
		&pgproto3.BackendKeyData{ProcessID: s.id, SecretKey: s.secret},
		&pgproto3.ReadyForQuery{TxStatus: txIdle})
	if err := s.out.writeMessages(messages...); err != nil {
		return err
	}
	return s.out.flushBuffer()
}

// parameterMessages returns a message for each parameter that the client does not have yet with
// this value.
func (s *session) parameterMessages(parameters map[string]string) []pgproto3.BackendMessage {
	var messages []pgproto3.BackendMessage
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if value, told := s.reported[name]; !told || value != parameters[name] {
			messages = append(messages, &pgproto3.ParameterStatus{Name: name, Value: parameters[name]})
		}
	}
	s.reported = parameters
	return messages
}

// reportedParameters returns the parameters that the database reports when a connection starts.
// They are read once for each role, and from a connection of its own for a client with its own
// settings, since only the database can compute the result. Without the database there are
// defaults.
func (s *session) reportedParameters(ctx context.Context) (map[string]string, error) {
	own := s.hasOwnSettings()
	if !own {
		if cached := s.server.cachedParameters(s.role.Name); cached != nil {
			return s.withApplicationName(cached), nil
		}
	}
	const invalidSettings = "22"
	switch err := s.connectDatabase(ctx); {
	case err != nil && own && strings.HasPrefix(err.code, invalidSettings):
		err.severity = severityFatal
		return nil, err
	case err != nil:
		return s.withApplicationName(defaultParameters(s.role.Name)), nil //nolint:nilerr // without the database there are defaults
	case !own:
		s.server.cacheParameters(s.role.Name, s.up.raw.ParameterStatuses)
	}
	return s.up.raw.ParameterStatuses, nil
}

// hasOwnSettings reports whether the client gave parameters that change how the database behaves.
// application_name and the usual encoding do not.
func (s *session) hasOwnSettings() bool {
	for name, value := range s.parameters {
		switch name {
		case "application_name":
		case "client_encoding":
			if !strings.EqualFold(strings.Trim(value, "'"), "UTF8") {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// withApplicationName returns reported parameters with the client's own application_name.
func (s *session) withApplicationName(reported map[string]string) map[string]string {
	own := maps.Clone(reported)
	own["application_name"] = s.parameters["application_name"]
	return own
}

// connectDatabase opens the session's connection to the database, unless it is open.
func (s *session) connectDatabase(ctx context.Context) *clientError {
	if s.up != nil {
		return nil
	}
	up, err := dialDatabase(ctx, s.server.Upstream, s.role, s.parameters)
	if err != nil {
		return connectError(err)
	}
	if s.reported != nil {
		// The reported parameters are those of another connection or, if the database was
		// unreachable, defaults.
		if err := s.out.writeMessages(s.parameterMessages(up.raw.ParameterStatuses)...); err != nil {
			s.server.Logger.Debug(fmt.Sprintf("report parameters: %v", err))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up = up
	s.server.working.Go(func() { s.relayAnswers() })
	return nil
}

// relayAnswers copies the database's messages to the client, and ends the session when the database
// ends the connection.
func (s *session) relayAnswers() {
	if s.up.relayAnswers(s.out) {
		s.mu.Lock()
		terminated := s.terminated
		s.mu.Unlock()
		if !terminated {
			s.sendLast(fatalError(pgcode.ConnectionFailure, "the connection to the database was lost"))
		}
	} else if s.conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout)) == nil {
		_ = s.out.flushBuffer()
	}
	_ = s.conn.Close()
}

// connectError returns the error for the client when the database is unreachable. Of the
// configuration it contains only the address.
func connectError(err error) *clientError {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &clientError{severity: severityError, code: pg.Code, message: pg.Message, detail: pg.Detail, hint: pg.Hint}
	}
	e := command.AsError(err)
	return &clientError{severity: severityError, code: pgcode.ConnectionFailure, message: messageConnectError, detail: e.Message, hint: e.Hint}
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
