package wire

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// parameterMessages returns a message for each parameter that the client does not have yet with
// this value.
func (b *backend) parameterMessages(parameters map[string]string) []pgproto3.BackendMessage {
	var messages []pgproto3.BackendMessage
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if value, told := b.reported[name]; !told || value != parameters[name] {
			messages = append(messages, &pgproto3.ParameterStatus{Name: name, Value: parameters[name]})
		}
	}
	b.reported = parameters
	return messages
}

// reportedParameters returns the parameters that the database reports when a connection starts.
// They are read once for each role, and from a connection of its own for a client with its own
// settings, since only the database can compute the result. Without the database there are
// defaults.
func (b *backend) reportedParameters(ctx context.Context) (map[string]string, error) {
	own := b.hasOwnSettings()
	if !own {
		if cached := b.server.cachedParameters(b.role.Name); cached != nil {
			return b.withApplicationName(cached), nil
		}
	}
	const invalidSettings = "22"
	switch err := b.connectDatabase(ctx); {
	case err != nil && own && strings.HasPrefix(err.code, invalidSettings):
		err.severity = severityFatal
		return nil, err
	case err != nil:
		return b.withApplicationName(defaultParameters(b.role.Name)), nil //nolint:nilerr // without the database there are defaults
	case !own:
		b.server.cacheParameters(b.role.Name, b.up.raw.ParameterStatuses)
	}
	return b.up.raw.ParameterStatuses, nil
}

// hasOwnSettings reports whether the client gave parameters that change how the database behaves.
// application_name and the usual encoding do not.
func (b *backend) hasOwnSettings() bool {
	for name, value := range b.parameters {
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
func (b *backend) withApplicationName(reported map[string]string) map[string]string {
	own := maps.Clone(reported)
	own["application_name"] = b.parameters["application_name"]
	return own
}
