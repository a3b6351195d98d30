package wire

import (
	"bytes"
	"sync"

	"metadb/internal/admin/lang"
)

// These parameters determine how a query string is read.
const (
	parameterStrings  = "standard_conforming_strings"
	parameterEncoding = "client_encoding"
)

// queryReading is the database's present way to read a session's query strings.
type queryReading struct {
	mu      sync.Mutex
	dialect lang.Dialect
}

// isUTF8 reports whether the client's encoding is UTF-8.
func (r *queryReading) isUTF8() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dialect.IsUTF8()
}

// queryDialect returns the dialect of the session's query strings.
func (b *backend) queryDialect() lang.Dialect {
	if b.up == nil {
		return dialectOf(b.reported)
	}
	b.up.reading.mu.Lock()
	defer b.up.reading.mu.Unlock()
	return b.up.reading.dialect
}

// dialectOf returns the dialect that follows from reported parameters.
func dialectOf(reported map[string]string) lang.Dialect {
	return lang.Dialect{Backslashes: reported[parameterStrings] == "off", Encoding: reported[parameterEncoding]}
}

// noteParameter records a parameter that the database reports as changed.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-ASYNC
func (u *databaseConn) noteParameter(h header) error {
	const longest = 200 // the messages of both parameters are shorter
	if h.kind != 'S' || h.length > longest {
		return nil
	}
	body, err := u.r.Peek(h.length)
	if err != nil {
		return err
	}
	name, rest, _ := bytes.Cut(body, []byte{0})
	value, _, _ := bytes.Cut(rest, []byte{0})
	u.reading.mu.Lock()
	defer u.reading.mu.Unlock()
	switch string(name) {
	case parameterStrings:
		u.reading.dialect.Backslashes = string(value) == "off"
	case parameterEncoding:
		u.reading.dialect.Encoding = string(value)
	}
	return nil
}
