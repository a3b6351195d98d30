package monitor

import (
	"net"
	"net/http"
	"strings"
)

// requireOwnHost lets through requests that were made to this machine by one of its own
// names. A page from elsewhere can have its name point to 127.0.0.1 (DNS
// rebinding) and then read, through the browser of whoever looks at it, what
// answers there without asking for a token; but the browser tells the name.
func (g *tokenGate) requireOwnHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.isOpen() && !isLoopback(hostOfHeader(r.Host)) && r.Host != "" { // no browser leaves it out
			writeText(w, http.StatusMisdirectedRequest, "without http_token this is only for names of this machine: http://127.0.0.1 or http://localhost")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOfHeader is what a Host header names, without a port and brackets.
func hostOfHeader(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(host), "["), "]")
}
