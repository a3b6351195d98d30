package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"metadb/internal/testkit/eventgen"
)

// allColumns returns the columns of the streamed table, which is like an inventory's. Its rows have
// about 1.2 KB, a third of it in a document.
func allColumns() []eventgen.Column {
	text := func(name string) eventgen.Column { return eventgen.Column{Name: name} }
	kind := func(name string, kind eventgen.Kind) eventgen.Column {
		return eventgen.Column{Name: name, Kind: kind, Scale: 2}
	}
	return []eventgen.Column{
		kind("id", eventgen.BigInt), text("hrid"), text("title"), text("author"), text("source"),
		kind("status", eventgen.Integer), kind("type", eventgen.Integer), kind("mode", eventgen.SmallInt),
		kind("created", eventgen.TimestampTZ), kind("updated", eventgen.TimestampTZ), text("subject"),
		kind("held", eventgen.Boolean), kind("staff", eventgen.Boolean), kind("copies", eventgen.Integer),
		kind("pages", eventgen.Integer), kind("loans", eventgen.Integer), kind("price", eventgen.Decimal),
		text("isbn"), text("language"), text("place"), text("edition"), text("series"), text("notes"), text("abstract"), kind("data", eventgen.JSON),
	}
}

// narrowColumns returns the indexes of the columns for an event of 5 KB; all columns make one of 7 KB. At
// least half of an event is the description of its columns, which it has twice.
func narrowColumns() []int { return []int{0, 2, 3, 5, 8, 9, 15, 16, 22, 23, 24} }

// Columns that an update changes.
const (
	columnUpdated = 9
	columnLoans   = 15
)

// wordList returns the vocabulary of the texts. The words are few and the texts long, so that rows
// compress about as well as real ones.
func wordList() []string {
	return strings.Fields(`a study of the history and theory in early modern libraries with notes on their catalogs collections
		readers rivers cities law medicine music essays translated from papers presented at annual conference volume`)
}

// rowGenerator makes the rows, which depend on their number and their updates alone.
type rowGenerator struct {
	// columns has the columns of a row, and abstract the length of the text that gives the row its
	// size.
	columns  []int
	abstract int
	words    []string
	epoch    time.Time
}

// newRowGenerator returns a generator of rows with all columns, or with few.
func newRowGenerator(few bool) *rowGenerator {
	g := &rowGenerator{words: wordList(), epoch: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
	if few {
		g.columns, g.abstract = narrowColumns(), 460
		return g
	}
	for i := range allColumns() {
		g.columns = append(g.columns, i)
	}
	g.abstract = 200
	return g
}

// instanceTable returns the streamed table.
func (g *rowGenerator) instanceTable(prefix string) eventgen.Table {
	table := eventgen.Table{Prefix: prefix, Schema: "inventory", Name: "instance", Key: []int{0}}
	all := allColumns()
	for _, i := range g.columns {
		table.Columns = append(table.Columns, all[i])
	}
	return table
}

// instanceRow returns row n after it has been updated the given number of times.
func (g *rowGenerator) instanceRow(n, updates int) []any {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	all := []any{
		int64(n), fmt.Sprintf("in%011d", n), g.randomText(random, 60), g.randomText(random, 30), "MARC",
		int64(random.IntN(9)), int64(random.IntN(40)), int64(n % 7),
		g.epoch.Add(time.Duration(n) * time.Second), g.epoch.Add(time.Duration(n) * time.Minute), g.randomText(random, 50),
		n%10 == 0, n%11 == 0, int64(random.IntN(20)),
		int64(random.IntN(900)), int64(random.IntN(500)), fmt.Sprintf("%d.%02d", random.IntN(200), random.IntN(100)),
		fmt.Sprintf("978%010d", n), "eng", g.randomText(random, 40), g.randomText(random, 20), g.randomText(random, 40),
		g.randomText(random, 120), g.randomText(random, g.abstract), g.jsonDocument(random, n),
	}
	if updates > 0 {
		all[columnUpdated] = g.epoch.Add(time.Duration(n)*time.Minute + time.Duration(updates)*time.Hour)
		all[columnLoans] = int64(updates) * 1000
	}
	row := make([]any, len(g.columns))
	for i, column := range g.columns {
		row[i] = all[column]
	}
	return row
}

// jsonDocument returns the value of the row's jsonb column, as PostgreSQL prints it: shorter names
// first.
func (g *rowGenerator) jsonDocument(random *rand.Rand, n int) string {
	return fmt.Sprintf(`{"tags": [%q, %q], "dates": {"created": "2021-05-%02dT10:00:00Z", "cataloged": "2021-06-%02d"}, `+
		`"notes": [{"note": %q, "type": %d, "staffOnly": %t}], "statistics": {"loans": %d, "renewals": %d}, `+
		`"identifiers": [{"type": "isbn", "value": "978%010d"}, {"type": "oclc", "value": "%d"}], "discoverySuppress": %t}`,
		g.randomText(random, 20), g.randomText(random, 15), n%28+1, n%27+1, g.randomText(random, 80), n%5, n%2 == 0, random.IntN(100), random.IntN(50),
		n, random.IntN(1<<30), n%9 == 0)
}

func (g *rowGenerator) randomText(random *rand.Rand, length int) string {
	var text strings.Builder
	for text.Len() < length {
		text.WriteString(g.words[random.IntN(len(g.words))])
		text.WriteByte(' ')
	}
	return text.String()[:length]
}
