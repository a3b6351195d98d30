package bench

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
)

// writeFiles writes the results as CSV and as a chart. A single part has files of its own.
func (r *partReport) writeFiles(config Config) error {
	if config.Results == "" {
		return nil
	}
	if err := os.MkdirAll(config.Results, 0o755); err != nil {
		return fmt.Errorf("make the folder for results: %w", err)
	}
	name := config.Only
	if name == "" {
		name = "all"
	}
	file := filepath.Join(config.Results, name)
	if err := r.writeCSV(file + ".csv"); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := os.WriteFile(file+".svg", []byte(r.drawChart()), 0o644); err != nil {
		return fmt.Errorf("write the chart: %w", err)
	}
	_, _ = fmt.Fprintf(config.Out, "\nwritten: %s.csv, %s.svg\n", file, file)
	return nil
}

// writeCSV writes a line for each rate and each other figure. Times of processors
// are in microseconds for a row.
func (r *partReport) writeCSV(file string) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := csv.NewWriter(out)
	rows := [][]string{{
		"part", "name", "value", "unit", "goal", "rows", "seconds", "rows_per_second", "server_us", "postgres_us", "broker_us", "memory_mb", "allocations", "allocated_bytes", "wal_bytes",
	}}
	for _, one := range r.results {
		row := []string{
			one.part, one.name, optionalText(math.Round(one.yardstickRatio()*1000) / 1000), one.rateUnit(), optionalText(one.goal), strconv.Itoa(one.rows), numberText(one.took.Seconds()), numberText(one.rowsPerSecond()),
			"", "", "", "", "", "", "",
		}
		if n := float64(one.applied); n > 0 {
			u := one.use
			for i, value := range []float64{
				u.server.Seconds() * 1e6 / n, u.postgres.Seconds() * 1e6 / n, u.broker.Seconds() * 1e6 / n, float64(u.memory >> 20), u.mallocs / n, u.allocated / n,
				float64(u.wal) / n,
			} {
				row[8+i] = numberText(value)
			}
		}
		rows = append(rows, row)
	}
	for _, f := range r.figures {
		rows = append(rows, []string{f.part, f.name, numberText(f.value), f.unit, optionalText(f.goal), "", "", "", "", "", "", "", "", "", ""})
	}
	return w.WriteAll(rows)
}

func numberText(value float64) string { return strconv.FormatFloat(value, 'f', 3, 64) }

func optionalText(value float64) string {
	if value == 0 {
		return ""
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}
