package bench

import (
	"fmt"
	"runtime"
	"strings"
)

// busy is the share of a processor, or of all, from which on we call it busy.
const busy = 0.9

// limits says in one paragraph what limited each rate, by what was measured of the
// processors.
func (r *report) limits() string {
	var text strings.Builder
	text.WriteString("What limits now.")
	for _, one := range r.results {
		if one.applied > 0 {
			fmt.Fprintf(&text, " %s: %s", capital(one.name), one.use.limit(runtime.NumCPU()))
		}
	}
	return text.String()
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// limit says what limits on a machine with so many processors.
func (u use) limit(processors int) string {
	share := func(used float64) float64 { return used / u.wall.Seconds() }
	server, postgres, broker := share(u.server.Seconds()), share(u.postgres.Seconds()), share(u.broker.Seconds())
	all := server + postgres + broker
	// The benchmark itself is among these, which reads a position now and then.
	others := max(share(u.machine.Seconds())-all, 0)
	what := fmt.Sprintf("%.2f of %d processors busy, %.0f %% of that the server, %.0f %% PostgreSQL, %.0f %% the broker",
		all, processors, 100*server/all, 100*postgres/all, 100*broker/all)
	if others > 0.1 {
		what += fmt.Sprintf(", and %.2f taken by other programs", others)
	}
	const disk = "waiting for the disk and for each other"
	switch {
	case all+others >= busy*float64(processors):
		what += ": the processors limit, first of all " + largest(server, postgres, broker)
	case postgres >= busy:
		what += ": PostgreSQL's one session that applies limits"
	case server >= busy:
		what += ": the server, which decodes, limits"
	default:
		what += ": no processor limits, but " + disk
	}
	return what + "."
}

// largest names the program that uses most.
func largest(server, postgres, broker float64) string {
	switch max(server, postgres, broker) {
	case server:
		return "the server"
	case postgres:
		return "PostgreSQL"
	}
	return "the broker"
}
