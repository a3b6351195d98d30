package monitor

import (
	"context"
	"crypto/subtle"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"metadb/internal/admin/admission"
)

// wrongTokenDelay delays the answer to a wrong token, and is multiplied by the number of recent
// failures, up to ten.
const wrongTokenDelay = time.Second

// These are the reasons for refusals.
var (
	reasonToken   = admission.Kind{Label: "token", Plural: "requests with a wrong token"}
	reasonViewers = admission.Kind{Label: "viewers", Plural: "viewers of the page that others took the place of"}
	reasonAccept  = admission.Kind{Label: "accept", Plural: "clients that could not be accepted"}
)

// tokenGate checks the tokens of requests.
type tokenGate struct {
	token    atomic.Pointer[string]
	delay    time.Duration
	failures admission.FailedLogins
	refusals admission.Digest
}

func newTokenGate(config Config) *tokenGate {
	g := &tokenGate{
		delay:    wrongTokenDelay,
		refusals: admission.Digest{Subject: "HTTP", Level: slog.LevelWarn, Logger: config.Logger},
	}
	if config.Logger == nil {
		g.refusals.Logger = slog.New(slog.DiscardHandler)
	}
	if config.WrongTokenDelay > 0 {
		g.delay = config.WrongTokenDelay
	}
	g.setToken(config.Token)
	return g
}

func (g *tokenGate) setToken(token string) { g.token.Store(&token) }

// isOpen reports whether no token is required.
func (g *tokenGate) isOpen() bool { return *g.token.Load() == "" }

// refusalCounts returns the number of refused requests, by reason.
func (g *tokenGate) refusalCounts() map[string]int64 {
	refused := map[string]int64{reasonToken.Label: 0, reasonViewers.Label: 0, reasonAccept.Label: 0}
	for label, n := range g.refusals.Totals() {
		refused[label] = n
	}
	return refused
}

// tokenTrust is the result of the check of a request's token.
type tokenTrust int

const (
	// tokenAbsent: a token is required, but the request has no token.
	tokenAbsent tokenTrust = iota
	// tokenWrong: the request has another token.
	tokenWrong
	// tokenRight: the request has the token, or no token is required.
	tokenRight
)

// checkToken checks the token of a request: a bearer token, or the password of a browser, with any
// user name.
func (g *tokenGate) checkToken(r *http.Request) tokenTrust {
	token := *g.token.Load()
	if token == "" {
		return tokenRight
	}
	shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, password, basic := r.BasicAuth(); basic {
		shown, ok = password, true
	}
	switch {
	case !ok:
		return tokenAbsent
	case subtle.ConstantTimeCompare([]byte(shown), []byte(token)) == 1:
		return tokenRight
	}
	return tokenWrong
}

// requireToken refuses requests without the token.
func (g *tokenGate) requireToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch g.checkToken(r) {
		case tokenRight:
			next.ServeHTTP(w, r)
		case tokenWrong:
			g.refuseToken(w, r)
		case tokenAbsent:
			askForToken(w, "a bearer token is needed: see http_token in metadb.conf")
		}
	})
}

// refuseToken answers a request with a wrong token after a delay, or at once while another answer
// to its address is delayed.
func (g *tokenGate) refuseToken(w http.ResponseWriter, r *http.Request) {
	addr := addressOf(r)
	agent := strconv.Quote(r.UserAgent()[:min(len(r.UserAgent()), 100)])
	g.refusals.Note(reasonToken, admission.Host(addr), fmt.Sprintf("request from %s for %s with a wrong token, by %s", r.RemoteAddr, strconv.Quote(r.URL.Path), agent))
	count, answered := g.failures.Add(addr, time.Now())
	if answered == nil {
		askForToken(w, "too many failures: a bearer token is needed, and this was not the right one")
		return
	}
	defer answered()
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(count)*g.delay)
	defer cancel()
	<-ctx.Done()
	askForToken(w, "a bearer token is needed, and this was not the right one")
}

func askForToken(w http.ResponseWriter, why string) {
	w.Header().Add("WWW-Authenticate", `Bearer realm="metadb"`)
	w.Header().Add("WWW-Authenticate", `Basic realm="metadb", charset="UTF-8"`)
	writeText(w, http.StatusUnauthorized, why)
}

// addressOf returns the address that a request comes from.
func addressOf(r *http.Request) net.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return &net.UnixAddr{Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(address)
}

// errorLog returns the logger for errors of the HTTP server: clients that could not be accepted, or
// that failed the TLS handshake.
func (g *tokenGate) errorLog() *log.Logger { return log.New(acceptErrors{&g.refusals}, "", 0) }

// acceptErrors counts and logs lines of errorLog.
type acceptErrors struct{ digest *admission.Digest }

// Write implements io.Writer.
func (a acceptErrors) Write(line []byte) (int, error) {
	a.digest.Note(reasonAccept, "", strings.TrimSpace(string(line)))
	return len(line), nil
}
