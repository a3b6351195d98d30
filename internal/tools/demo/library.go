package demo

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"metadb/internal/testkit/eventgen"
)

// schema is the schema of the library at the source and in Metadb.
const schema = "library"

// The numbers of rows at the start, 20,000 in all.
const (
	patronCount = 4_000
	itemCount   = 12_000
	loanCount   = 4_000
)

// libraryTable is a table of the library with its present rows.
type libraryTable struct {
	definition eventgen.Table
	encoder    *eventgen.Encoder
	rows       map[string][]any
	// keys has the rows' keys in the order of their insertion, apart from the moves of deletes.
	keys []string
}

// Library is the operational database: its rows, and the position of its log. It is safe for
// concurrent use.
type Library struct {
	mu     sync.Mutex
	random *rand.Rand
	lsn    uint64
	next   int64

	patrons, items, loans *libraryTable
}

// NewLibrary returns a library with its rows, streamed by a connector with the
// given topic prefix.
func NewLibrary(seed uint64, prefix string) (*Library, error) {
	l := &Library{random: rand.New(rand.NewPCG(seed, seed)), lsn: 1 << 20}
	l.patrons = &libraryTable{definition: eventgen.Table{Name: "patron", Columns: []eventgen.Column{
		{Name: "id", Kind: eventgen.UUID},
		{Name: "name"},
		{Name: "email"},
		{Name: "patron_group"},
		{Name: "balance", Kind: eventgen.Decimal, Scale: 2},
		{Name: "expires", Kind: eventgen.Date},
		{Name: "preferences", Kind: eventgen.JSON},
	}}}
	l.items = &libraryTable{definition: eventgen.Table{Name: "item", Columns: []eventgen.Column{
		{Name: "id", Kind: eventgen.BigInt},
		{Name: "barcode"},
		{Name: "title"},
		{Name: "price", Kind: eventgen.Decimal, Scale: 2},
		{Name: "status"},
	}}}
	l.loans = &libraryTable{definition: eventgen.Table{Name: "loan", Columns: []eventgen.Column{
		{Name: "id", Kind: eventgen.BigInt},
		{Name: "patron_id", Kind: eventgen.UUID},
		{Name: "item_id", Kind: eventgen.BigInt},
		{Name: "due", Kind: eventgen.TimestampTZ},
		{Name: "returned", Kind: eventgen.TimestampTZ},
	}}}
	if err := l.Connect(prefix); err != nil {
		return nil, err
	}
	l.fillTables(time.Now())
	return l, nil
}

// orderedTables returns the tables in the order of a snapshot.
func (l *Library) orderedTables() []*libraryTable {
	return []*libraryTable{l.patrons, l.items, l.loans}
}

// Connect replaces the connector: from now on records go to topics that begin
// with prefix.
func (l *Library) Connect(prefix string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.orderedTables() {
		t.definition.Prefix, t.definition.Schema, t.definition.Key = prefix, schema, []int{0}
		encoder, err := eventgen.NewEncoder(t.definition)
		if err != nil {
			return err
		}
		t.encoder = encoder
	}
	return nil
}

// Prefix is the prefix of the present topics' names.
func (l *Library) Prefix() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.patrons.definition.Prefix
}

// fillTables makes the first rows.
func (l *Library) fillTables(now time.Time) {
	for range patronCount {
		l.patrons.putRow(l.newPatron(now))
	}
	for range itemCount {
		l.items.putRow(l.newItem())
	}
	for range loanCount {
		l.loans.putRow(l.newLoan(now))
	}
}

func (l *Library) newPatron(now time.Time) []any {
	l.next++
	name := pickOne(l.random, givenNames()) + " " + pickOne(l.random, familyNames())
	return []any{
		fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", l.random.Uint32(), l.random.IntN(1<<16), l.random.IntN(1<<12), l.random.IntN(1<<12), l.next),
		name,
		fmt.Sprintf("patron%d@example.org", l.next),
		pickOne(l.random, []string{"undergraduate", "graduate", "faculty", "staff"}),
		"0.00",
		now.AddDate(0, 0, 30+l.random.IntN(700)).UTC().Truncate(24 * time.Hour),
		fmt.Sprintf(`{"lang": "%s"}`, pickOne(l.random, []string{"en", "de", "es", "fr"})),
	}
}

func (l *Library) newItem() []any {
	l.next++
	return []any{
		l.next,
		fmt.Sprintf("3%013d", l.next*7919),
		pickOne(l.random, adjectives()) + " " + pickOne(l.random, nouns()),
		fmt.Sprintf("%d.%02d", 5+l.random.IntN(90), l.random.IntN(100)),
		"available",
	}
}

func (l *Library) newLoan(now time.Time) []any {
	l.next++
	item := l.items.randomRow(l.random)
	return []any{l.next, l.patrons.randomRow(l.random)[0], item[0], now.AddDate(0, 0, 28).UTC().Truncate(time.Second), nil}
}

// putRow stores a row, new or changed.
func (t *libraryTable) putRow(row []any) {
	if t.rows == nil {
		t.rows = make(map[string][]any)
	}
	key := fmt.Sprint(row[0])
	if _, known := t.rows[key]; !known {
		t.keys = append(t.keys, key)
	}
	t.rows[key] = row
}

// removeRow deletes a row. The last key takes the place of its key.
func (t *libraryTable) removeRow(at int) []any {
	key := t.keys[at]
	row := t.rows[key]
	delete(t.rows, key)
	t.keys[at] = t.keys[len(t.keys)-1]
	t.keys = t.keys[:len(t.keys)-1]
	return row
}

// randomRow returns a random row.
func (t *libraryTable) randomRow(random *rand.Rand) []any { return t.rows[pickOne(random, t.keys)] }

func pickOne[T any](random *rand.Rand, choices []T) T { return choices[random.IntN(len(choices))] }

func givenNames() []string {
	return []string{"Ada", "Björn", "Chiara", "Dmitri", "Elif", "Farid", "Grace", "Hana", "Ines", "Jamal", "Kofi", "Lena", "Mio", "Nadia", "Oskar", "Priya"}
}

func familyNames() []string {
	return []string{"Abe", "Brown", "Costa", "Diaz", "Eriksen", "Fischer", "García", "Haddad", "Ito", "Jansen", "Kaya", "Lopez", "Müller", "Novak", "Okafor", "Patel"}
}

func adjectives() []string {
	return []string{"The Silent", "A Brief", "The Last", "Collected", "The Hidden", "Modern", "The Long", "An Unfinished"}
}

func nouns() []string {
	return []string{"River", "History of Salt", "Letters", "Garden", "Algorithms", "Winter", "Atlas", "Conversation"}
}
