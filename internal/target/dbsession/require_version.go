package dbsession

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// OldestVersion is the lowest major version of PostgreSQL that Metadb supports.
const OldestVersion = 15

// requiredEncoding is the required encoding of the database.
const requiredEncoding = "UTF8"

// VersionError is the error for a database server that is too old.
type VersionError struct{ Version string }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the database server has PostgreSQL %s: Metadb needs version %d or later", e.Version, OldestVersion)
}

// EncodingError is the error for a database that can't store every text.
type EncodingError struct{ Database, Encoding string }

func (e *EncodingError) Error() string {
	return fmt.Sprintf("database %q has the encoding %s; it has to be %s: create one with encoding '%s' template template0, and name it in metadb.conf",
		e.Database, e.Encoding, requiredEncoding, requiredEncoding)
}

// Require returns an error if Metadb can't work with the database of a connection.
func Require(conn *pgx.Conn) error {
	server := conn.PgConn()
	if majorVersion(server) < OldestVersion {
		return &VersionError{Version: server.ParameterStatus("server_version")}
	}
	if have := server.ParameterStatus("server_encoding"); have != requiredEncoding {
		return &EncodingError{Database: conn.Config().Database, Encoding: have}
	}
	return nil
}

// majorVersion returns the server's major version, 0 if it is not a number. The parameter is "15.18
// (Debian 15.18-0+deb12u1)", or "18beta1".
func majorVersion(server *pgconn.PgConn) int {
	text := server.ParameterStatus("server_version")
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	number, err := strconv.Atoi(text[:end])
	if err != nil {
		return 0
	}
	return number
}
