package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"metadb/internal/admin/admission"
	"metadb/internal/admin/lang"
)

// maxAuditBytes bounds a command in the log.
const maxAuditBytes = 4000

// noteLogin logs who has logged in, how, and from where. Of many logins in a minute, as of
// programs that watch the server, some are counted only.
func (s *Server) noteLogin(start *startupState, role Role) {
	way := "with a password"
	switch conn := start.conn.(type) {
	case *net.UnixConn:
		way = "without a password"
	case *tls.Conn:
		way += ", " + tls.VersionName(conn.ConnectionState().Version)
	default:
		if s.Trust {
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

// auditCommand logs who gives a command, from where, and what it says, without secrets. What only
// looks is logged as a detail.
func (s *session) auditCommand(command lang.Command) {
	level := slog.LevelInfo
	switch command.(type) {
	case lang.List, lang.Help:
		level = slog.LevelDebug
	}
	text := command.String()
	if len(text) > maxAuditBytes {
		text = text[:maxAuditBytes] + "…"
	}
	s.server.Logger.Log(context.Background(), level, fmt.Sprintf("%s: user %q from %s: %s", refusalSubject, s.role.Name, s.from, text))
}
