package scenario_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"metadb/internal/datasource"
	"metadb/internal/testkit/pgtest"
	"metadb/internal/testkit/scenario"
)

var update = flag.Bool("update", false, "write what is seen into the scenario files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everyCut is the number of records up to which all ways to cut them into
// batches are tried.
const everyCut = 4

func TestScenario(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			db := pgtest.NewInShort(t)
			if *update {
				text = rewrite(t, db, file, text)
			}
			script, err := scenario.ParseScript(text)
			if err != nil {
				t.Fatal(err)
			}
			for name, way := range applyModes(count(t, script)) {
				t.Run(name, func(t *testing.T) {
					seen := runScript(t, db, script, way)
					for i, step := range script.Steps {
						if seen[i] != step.Body {
							t.Errorf("%s %s: got\n%swant\n%s", step.Kind, step.Subject, seen[i], step.Body)
						}
					}
				})
			}
		})
	}
}

// rewrite runs a scenario file, writes the observed results into it, and returns its
// new text.
func rewrite(t *testing.T, db *pgtest.DB, file string, text []byte) []byte {
	t.Helper()
	script, err := scenario.ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range runScript(t, db, script, wholeBatch) {
		script.Steps[i].Body = body
	}
	seen := script.Format()
	if !bytes.Equal(seen, text) {
		if err := os.WriteFile(file, seen, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return seen
}

// count returns how many records the script has.
func count(t *testing.T, script *scenario.Script) int {
	t.Helper()
	stream, n := scenario.NewStream(), 0
	for _, step := range script.Steps {
		if step.Kind == scenario.KindEvents {
			records, err := stream.Records(step.Body)
			if err != nil {
				t.Fatal(err)
			}
			n += len(records)
		}
	}
	return n
}

// applyMode is a mode of applying the records of a script.
type applyMode struct {
	// cut says whether a batch ends behind a record.
	cut func(record int) bool
	// sides has the tables of a batch applied side by side.
	sides bool
	// bare has an event trigger keep temporary tables from being made.
	bare bool
}

// wholeBatch puts all that can be into one batch.
var wholeBatch = applyMode{cut: func(int) bool { return false }}

// applyModes returns modes of applying n records: divided at many points, or whole and in
// parallel, or whole and without temporary tables. In short mode it is whole.
func applyModes(n int) map[string]applyMode {
	if testing.Short() {
		return map[string]applyMode{"whole": wholeBatch}
	}
	all := map[string]applyMode{"side by side": {cut: wholeBatch.cut, sides: true}, "no temporary tables": {cut: wholeBatch.cut, bare: true}}
	for name, cut := range cuts(n) {
		all[name] = applyMode{cut: cut}
	}
	return all
}

// cuts returns divisions of n records into batches: functions that report whether a
// batch ends behind a record.
func cuts(n int) map[string]func(record int) bool {
	ways := map[string]func(int) bool{}
	if n <= everyCut {
		for mask := range 1 << max(n-1, 0) {
			ways[fmt.Sprintf("cuts=%0*b", n, mask)] = func(record int) bool { return mask>>record&1 == 1 }
		}
		return ways
	}
	ways["whole"] = func(int) bool { return false }
	ways["each"] = func(int) bool { return true }
	for at := range n - 1 {
		ways[fmt.Sprintf("after=%d", at+1)] = func(record int) bool { return record == at }
	}
	return ways
}

// scriptRun is one run of a script.
type scriptRun struct {
	db      *pgtest.DB
	stream  *scenario.Stream
	options *datasource.Options
	origins []string
	way     applyMode
	records int
	line    *line
	feed    *recordFeed
	began   time.Time
	// inResync says that a resynchronization has begun and not ended.
	inResync bool
}

// runScript runs the script and returns a text for each step: the observed result for a
// step that has an expected one, the unchanged body for the others.
func runScript(t *testing.T, db *pgtest.DB, script *scenario.Script, how applyMode) []string {
	t.Helper()
	defer resetDatabase(t, db)
	if how.bare {
		defer refuseTemporary(t, db)()
	}
	p := &scriptRun{db: db, began: time.Now(), stream: scenario.NewStream(), options: datasourceOptions(t), way: how}
	defer p.close(t)
	seen := make([]string, len(script.Steps))
	for i, step := range script.Steps {
		text, err := p.step(t, step)
		if err != nil {
			t.Fatalf("%s %s: %v", step.Kind, step.Subject, err)
		}
		seen[i] = text
	}
	return seen
}

// start begins to read where the database says.
func (p *scriptRun) start(t *testing.T) {
	t.Helper()
	p.feed = newFeed(t, p.options)
	p.line.start(t, p.feed, p.options.ConsumerGroup, p.inResync)
}

// close ends the pipeline, if it has begun.
func (p *scriptRun) close(t *testing.T) {
	if p.line != nil {
		p.line.stop(t)
	}
}

func (p *scriptRun) step(t *testing.T, step scenario.Step) (string, error) {
	t.Helper()
	if step.Kind == scenario.KindOptions {
		if p.line != nil {
			return "", misplaced(step)
		}
		return step.Body, p.setOptions(step.Body)
	}
	if p.line == nil {
		p.line = newLine(t, p.db, p.options, p.origins)
		p.line.sides = p.way.sides
		p.start(t)
	}
	switch step.Kind {
	case scenario.KindSync:
		return step.Body, p.sync(t)
	case scenario.KindEndsync:
		return p.endsync(t)
	case scenario.KindOrigins:
		p.line.router.SetOrigins(strings.Fields(step.Subject))
		p.feed.router.SetOrigins(strings.Fields(step.Subject))
		p.origins = strings.Fields(step.Subject)
		return step.Body, nil
	case scenario.KindCommands:
		return step.Body, p.line.commands(t, p.options, step.Body)
	case scenario.KindRetry:
		return p.line.retry(t, p.options, p.origins)
	case scenario.KindRestart:
		p.line.stop(t)
		p.start(t)
		return step.Body, nil
	case scenario.KindEvents:
		return step.Body, p.events(t, step.Body)
	}
	return p.readSection(t.Context(), step)
}

func (p *scriptRun) setOptions(body string) error {
	for text := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(text), " ")
		if name == "origins" {
			for origin := range strings.SplitSeq(value, ",") {
				p.origins = append(p.origins, strings.TrimSpace(origin))
			}
			continue
		}
		if err := p.options.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// events delivers the records of a section in batches.
func (p *scriptRun) events(t *testing.T, body string) error {
	t.Helper()
	records, err := p.stream.Records(body)
	if err != nil {
		return err
	}
	var batch []scenario.Record
	for _, record := range records {
		batch = append(batch, record)
		if p.way.cut(p.records) {
			p.feed.deliver(t, p.line, batch)
			batch = nil
		}
		p.records++
	}
	if len(batch) > 0 {
		p.feed.deliver(t, p.line, batch)
	}
	return nil
}

// readSection returns the result that a step queries.
func (p *scriptRun) readSection(ctx context.Context, step scenario.Step) (string, error) {
	pool := p.line.db.Pool
	switch step.Kind {
	case scenario.KindTable:
		header, _, _ := strings.Cut(step.Body, "\n")
		if header == scenario.NoTable {
			header = "__id"
		}
		return scenario.RenderTable(ctx, pool, step.Subject, header, p.began)
	case scenario.KindColumns:
		return scenario.RenderColumns(ctx, pool, step.Subject)
	case scenario.KindRelations:
		return scenario.RenderRelations(ctx, pool, step.Subject)
	case scenario.KindRejected:
		return scenario.RenderRejected(ctx, pool)
	case scenario.KindOutdated:
		return scenario.RenderOutdated(ctx, pool)
	case scenario.KindWarnings:
		return scenario.SortedLines(p.line.log.text()), nil
	}
	return "", misplaced(step)
}
