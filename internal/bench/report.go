package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"
)

// result is a measured rate, relative to that of the yardstick.
type result struct {
	part, name string
	rows       int
	took       time.Duration
	// goal is the least ratio to the yardstick, zero for no goal.
	goal float64
	// yardstick is a rate in rows a second.
	yardstick float64
	// against describes a yardstick other than the raw COPY.
	against string
	// use is the use of the programs since their start, for so many applied events; zero without a
	// server.
	use     use
	applied int
}

func (r result) rate() float64 { return float64(r.rows) / r.took.Seconds() }

// ratio returns the ratio to the yardstick, 0 without one.
func (r result) ratio() float64 {
	if r.yardstick == 0 {
		return 0
	}
	return r.rate() / r.yardstick
}

func (r result) unit() string { return cmp.Or(r.against, "of COPY") }

// figure is a measured value other than a rate.
type figure struct {
	part, name string
	value      float64
	unit       string
	// goal is the least value, or the highest with atMost; zero for no goal.
	goal   float64
	atMost bool
}

// score returns the value relative to its goal: 1 at the goal, and more where it is better.
func (f figure) score() float64 {
	if f.atMost {
		return f.goal / f.value
	}
	return f.value / f.goal
}

func (f figure) text() string {
	switch {
	case f.value >= 100:
		return fmt.Sprintf("%.0f %s", f.value, f.unit)
	case f.value >= 10:
		return fmt.Sprintf("%.1f %s", f.value, f.unit)
	}
	return fmt.Sprintf("%.2f %s", f.value, f.unit)
}

func (f figure) goalText() string {
	switch {
	case f.goal == 0:
		return ""
	case f.atMost:
		return fmt.Sprintf("at most %g", f.goal)
	}
	return fmt.Sprintf("at least %g", f.goal)
}

// report has the results of a part, or of a run.
type report struct {
	part    string
	results []result
	figures []figure
}

// rate adds a result of the part.
func (r *report) rate(one result) {
	one.part = r.part
	r.results = append(r.results, one)
}

// tell adds a figure of the part.
func (r *report) tell(one figure) {
	one.part = r.part
	r.figures = append(r.figures, one)
}

// add adds the results of another part.
func (r *report) add(other report) {
	r.results = append(r.results, other.results...)
	r.figures = append(r.figures, other.figures...)
}

// memoryGoal bounds the resident memory of the server in each phase, in MB.
const memoryGoal = 200

// all returns every figure: the ratios, then the others, then the highest memory.
func (r *report) all() []figure {
	var figures []figure
	memory := figure{name: "most memory of the server, resident", unit: "MB", goal: memoryGoal, atMost: true}
	for _, one := range r.results {
		if one.yardstick > 0 && one.applied > 0 {
			figures = append(figures, figure{part: one.part, name: one.name, value: one.ratio(), unit: one.unit(), goal: one.goal})
		}
		if one.applied > 0 {
			memory.value = max(memory.value, float64(one.use.memory>>20))
		}
	}
	figures = append(figures, r.figures...)
	if memory.value > 0 {
		figures = append(figures, memory)
	}
	return figures
}

// print prints the tables of a part.
func (r *report) print(out io.Writer) {
	const line = "%-36s %8s %7s %7s %5s %4s %6s  %-20s %8s  %s\n"
	if len(r.results) > 0 {
		_, _ = fmt.Fprintf(out, "\n"+line, "", "", "", "", "", "", "memory", "CPU µs a row: server", "WAL", "allocations")
		_, _ = fmt.Fprintf(out, line, "", "rows", "seconds", "rows/s", "ratio", "goal", "MB", "+PostgreSQL +broker", "B a row", "a row")
	}
	for _, one := range r.results {
		ratio, goal, memory, cpu, wal, allocated := "", "", "", "", "", ""
		if one.yardstick > 0 {
			ratio = fmt.Sprintf("%.2f", one.ratio())
		}
		if one.goal > 0 {
			goal = fmt.Sprintf("%.2f", one.goal)
		}
		if one.applied > 0 {
			memory = fmt.Sprint(one.use.memory >> 20)
			cpu, wal, allocated = one.use.perRow(one.applied), one.use.walPerRow(one.applied), one.use.allocatedPerRow(one.applied)
		}
		_, _ = fmt.Fprintf(out, line, one.name, fmt.Sprint(one.rows), fmt.Sprintf("%.1f", one.took.Seconds()), fmt.Sprintf("%.0f", one.rate()), ratio, goal, memory,
			cpu, wal, allocated)
	}
	if len(r.figures) > 0 {
		_, _ = fmt.Fprintln(out)
	}
	for _, f := range r.figures {
		_, _ = fmt.Fprintf(out, "%-60s %14s  %s\n", f.name, f.text(), f.goalText())
	}
}

// check returns an error for each figure that misses its goal.
func (r *report) check() error {
	var missed []error
	for _, f := range r.all() {
		if f.goal > 0 && f.score() < 1 {
			missed = append(missed, fmt.Errorf("%s: %s, goal %s", f.name, f.text(), f.goalText()))
		}
	}
	return errors.Join(missed...)
}
