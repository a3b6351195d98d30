package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"
)

// partResult is a measured rate, relative to that of the yardstick.
type partResult struct {
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
	use     resourceUse
	applied int
}

func (r partResult) rowsPerSecond() float64 { return float64(r.rows) / r.took.Seconds() }

// yardstickRatio returns the ratio to the yardstick, 0 without one.
func (r partResult) yardstickRatio() float64 {
	if r.yardstick == 0 {
		return 0
	}
	return r.rowsPerSecond() / r.yardstick
}

func (r partResult) rateUnit() string { return cmp.Or(r.against, "of COPY") }

// goalFigure is a measured value other than a rate.
type goalFigure struct {
	part, name string
	value      float64
	unit       string
	// goal is the least value, or the highest with atMost; zero for no goal.
	goal   float64
	atMost bool
}

// goalScore returns the value relative to its goal: 1 at the goal, and more where it is better.
func (f goalFigure) goalScore() float64 {
	if f.atMost {
		return f.goal / f.value
	}
	return f.value / f.goal
}

func (f goalFigure) valueText() string {
	switch {
	case f.value >= 100:
		return fmt.Sprintf("%.0f %s", f.value, f.unit)
	case f.value >= 10:
		return fmt.Sprintf("%.1f %s", f.value, f.unit)
	}
	return fmt.Sprintf("%.2f %s", f.value, f.unit)
}

func (f goalFigure) goalText() string {
	switch {
	case f.goal == 0:
		return ""
	case f.atMost:
		return fmt.Sprintf("at most %g", f.goal)
	}
	return fmt.Sprintf("at least %g", f.goal)
}

// partReport has the results of a part, or of a run.
type partReport struct {
	part    string
	results []partResult
	figures []goalFigure
}

// addResult adds a result of the part.
func (r *partReport) addResult(one partResult) {
	one.part = r.part
	r.results = append(r.results, one)
}

// addFigure adds a figure of the part.
func (r *partReport) addFigure(one goalFigure) {
	one.part = r.part
	r.figures = append(r.figures, one)
}

// addReport adds the results of another part.
func (r *partReport) addReport(other partReport) {
	r.results = append(r.results, other.results...)
	r.figures = append(r.figures, other.figures...)
}

// memoryGoal bounds the resident memory of the server in each phase, in MB.
const memoryGoal = 200

// allFigures returns every figure: the ratios, then the others, then the highest memory.
func (r *partReport) allFigures() []goalFigure {
	var figures []goalFigure
	memory := goalFigure{name: "most memory of the server, resident", unit: "MB", goal: memoryGoal, atMost: true}
	for _, one := range r.results {
		if one.yardstick > 0 && one.applied > 0 {
			figures = append(figures, goalFigure{part: one.part, name: one.name, value: one.yardstickRatio(), unit: one.rateUnit(), goal: one.goal})
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

// printTables prints the tables of a part.
func (r *partReport) printTables(out io.Writer) {
	const line = "%-36s %8s %7s %7s %5s %4s %6s  %-20s %8s  %s\n"
	if len(r.results) > 0 {
		_, _ = fmt.Fprintf(out, "\n"+line, "", "", "", "", "", "", "memory", "CPU µs a row: server", "WAL", "allocations")
		_, _ = fmt.Fprintf(out, line, "", "rows", "seconds", "rows/s", "ratio", "goal", "MB", "+PostgreSQL +broker", "B a row", "a row")
	}
	for _, one := range r.results {
		ratio, goal, memory, cpu, wal, allocated := "", "", "", "", "", ""
		if one.yardstick > 0 {
			ratio = fmt.Sprintf("%.2f", one.yardstickRatio())
		}
		if one.goal > 0 {
			goal = fmt.Sprintf("%.2f", one.goal)
		}
		if one.applied > 0 {
			memory = fmt.Sprint(one.use.memory >> 20)
			cpu, wal, allocated = one.use.timePerRow(one.applied), one.use.walPerRow(one.applied), one.use.allocatedPerRow(one.applied)
		}
		_, _ = fmt.Fprintf(out, line, one.name, fmt.Sprint(one.rows), fmt.Sprintf("%.1f", one.took.Seconds()), fmt.Sprintf("%.0f", one.rowsPerSecond()), ratio, goal, memory,
			cpu, wal, allocated)
	}
	if len(r.figures) > 0 {
		_, _ = fmt.Fprintln(out)
	}
	for _, f := range r.figures {
		_, _ = fmt.Fprintf(out, "%-60s %14s  %s\n", f.name, f.valueText(), f.goalText())
	}
}

// checkGoals returns an error for each figure that misses its goal.
func (r *partReport) checkGoals() error {
	var missed []error
	for _, f := range r.allFigures() {
		if f.goal > 0 && f.goalScore() < 1 {
			missed = append(missed, fmt.Errorf("%s: %s, goal %s", f.name, f.valueText(), f.goalText()))
		}
	}
	return errors.Join(missed...)
}
