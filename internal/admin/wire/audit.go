package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"metadb/internal/admin/admission"
	"metadb/internal/admin/command"
	"metadb/internal/admin/lang"
)

// maxAuditBytes bounds the text of a command in the log.
const maxAuditBytes = 4000

// noteLogin logs user, address and method of a login. Of many logins in a minute, such as those of
// monitoring programs, only the first are logged; the others are counted.
func (s *Server) noteLogin(start *startupState, role Role) {
	way := "with a password"
	switch conn := start.conn.(type) {
	case *net.UnixConn:
		way = "without a password"
	case *tls.Conn:
		way += ", " + tls.VersionName(conn.ConnectionState().Version)
	default:
		if s.config.Trust {
			way = "trusted"
		}
	}
	through := "TCP"
	if _, ok := start.raw.(*net.UnixConn); ok {
		through = "the Unix socket"
	}
	kind := admission.Kind{Label: role.Name, Plural: fmt.Sprintf("logins of user %q through %s", role.Name, through)}
	s.logins.Note(kind, admission.Host(start.raw.RemoteAddr()), fmt.Sprintf("user %q logged in from %s, %s", role.Name, start.clientAddress(), way))
}

// auditCommand logs the user, the address and the text of a command, without secrets. Commands that
// only read are logged at level debug.
func (r *commandRunner) auditCommand(parsed lang.Command) {
	level := slog.LevelInfo
	if command.OnlyShows(parsed) {
		level = slog.LevelDebug
	}
	text := parsed.String()
	if len(text) > maxAuditBytes {
		text = text[:maxAuditBytes] + "…"
	}
	r.server.config.Logger.Log(context.Background(), level, fmt.Sprintf("%s: user %q from %s: %s", refusalSubject, r.role.Name, r.client.from, text))
}
