package monitor

import (
	"net"
	"net/http"
	"strings"
)

// requireOwnHost refuses requests without a token that name another host than this machine. A page
// of another site can resolve its name to 127.0.0.1 (DNS rebinding) and then read, through the
// browser of its visitor, the answers that need no token; but the browser sends the name in the
// Host header.
func (g *tokenGate) requireOwnHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.isOpen() && !isLoopback(hostOfHeader(r.Host)) && r.Host != "" { // every browser sends the header
			writeText(w, http.StatusMisdirectedRequest, "without http_token this is only for names of this machine: http://127.0.0.1 or http://localhost")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOfHeader returns the host of a Host header, without port and brackets.
func hostOfHeader(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(host), "["), "]")
}
