package bench

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// busyShare is the share of a processor, or of all of them, from which it counts as busy.
const busyShare = 0.9

// limitsText returns a paragraph about the limiting program of each rate, by the measured use of
// processors; empty if no rate was measured.
func (r *partReport) limitsText() string {
	var reasons []string
	rates := map[string][]string{}
	for _, one := range r.results {
		if one.applied == 0 {
			continue
		}
		reason, shares := one.use.limitingProgram(runtime.NumCPU())
		if rates[reason] == nil {
			reasons = append(reasons, reason)
		}
		rates[reason] = append(rates[reason], one.name+" ("+shares+")")
	}
	if len(reasons) == 0 {
		return ""
	}
	text := "\nWhat limits now, with processors busy and how the server, PostgreSQL and the broker share them."
	for _, reason := range reasons {
		text += " " + reason + ": " + strings.Join(rates[reason], "; ") + "."
	}
	return text + "\n"
}

// limitingProgram returns the limit on a machine with so many processors, and the shares of the programs.
func (u resourceUse) limitingProgram(processors int) (reason, shares string) {
	share := func(used time.Duration) float64 { return used.Seconds() / u.wall.Seconds() }
	server, postgres, broker := share(u.server), share(u.postgres), share(u.broker)
	all := server + postgres + broker
	// The benchmark itself is among the others: it reads a position now and then.
	others := max(share(u.machine)-all, 0)
	shares = fmt.Sprintf("%.1f: %.0f %%, %.0f %%, %.0f %%", all, 100*server/all, 100*postgres/all, 100*broker/all)
	if others > 0.1 {
		shares += fmt.Sprintf("; %.1f taken by other programs and machines", others)
	}
	switch {
	case all+others >= busyShare*float64(processors):
		return "The processors limit, first of all " + largestUser(server, postgres, broker), shares
	case postgres >= busyShare:
		return "PostgreSQL's one session that applies limits", shares
	case server >= busyShare:
		return "The server, which decodes, limits", shares
	}
	return "No processor limits: the programs wait for the disk and for each other", shares
}

// largestUser names the program that uses the processors most.
func largestUser(server, postgres, broker float64) string {
	switch max(server, postgres, broker) {
	case server:
		return "the server"
	case postgres:
		return "PostgreSQL"
	}
	return "the broker"
}
