package ident

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSQL(t *testing.T) {
	for name, want := range map[Name]string{
		"patron":   `"patron"`,
		"Order":    `"Order"`,
		`say "hi"`: `"say ""hi"""`,
		"a.b":      `"a.b"`,
		"größe 尺寸": `"größe 尺寸"`,
	} {
		if got := name.SQL(); got != want {
			t.Errorf("%q: got %s, want %s", string(name), got, want)
		}
	}
	if got := (Qualified{"library", "Patron"}).SQL(); got != `"library"."Patron"` {
		t.Errorf("qualified: got %s", got)
	}
	if got := List([]Name{"a", `b"`}); got != `"a", "b"""` {
		t.Errorf("list: got %s", got)
	}
}

func TestRelations(t *testing.T) {
	for got, want := range map[Name]Name{
		Current("patrongroup"):    "patrongroup",
		Main("patrongroup"):       "patrongroup__",
		History("patrongroup"):    "zzz___patrongroup___",
		Year("patrongroup", 2026): "zzz___patrongroup___2026",
		Sync("patrongroup"):       "zzz___patrongroup___sync",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestShortenedNamesAreStable pins the names of a long table: a release that
// made others would not find the relations of the last one.
func TestShortenedNamesAreStable(t *testing.T) {
	long := strings.Repeat("long", 20)
	for got, want := range map[Name]Name{
		Current(long):    "longlonglonglonglonglonglonglonglonglonglonglonglo_bagtppp86rv4",
		Year(long, 2026): "zzz___longlonglonglonglonglonglonglonglongl_bagtppp86rv4___2026",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestShortening(t *testing.T) {
	kinds := map[string]func(string) Name{
		"current": Current, "main": Main, "history": History, "sync": Sync,
		"year": func(s string) Name { return Year(s, 2026) },
	}
	rapid.Check(t, func(t *rapid.T) {
		stem := rapid.StringN(40, 70, 80).Draw(t, "stem")
		a := stem + rapid.String().Draw(t, "a")
		b := stem + rapid.String().Draw(t, "b")
		for kind, name := range kinds {
			x, y := name(a), name(b)
			if len(x) > MaxBytes || len(y) > MaxBytes {
				t.Fatalf("%s: %d and %d bytes", kind, len(x), len(y))
			}
			if utf8.ValidString(a) && !utf8.ValidString(string(x)) {
				t.Fatalf("%s: %q is cut inside a character", kind, x)
			}
			if (a == b) != (x == y) {
				t.Fatalf("%s: %q and %q give %q and %q", kind, a, b, x, y)
			}
		}
	})
}

func TestStoredColumn(t *testing.T) {
	for source, want := range map[string]Name{
		"name": "name", "__id": "__id_", "__id_": "__id_", "__ID": "__ID", "__current": "__current_",
		"ctid": "ctid_", "xmin": "xmin_", "cmin": "cmin_", "xmax": "xmax_", "cmax": "cmax_", "tableoid": "tableoid_",
		"CTID": "CTID", "ctid_": "ctid_", "oid": "oid",
		strings.Repeat("c", 70): "cccccccccccccccccccccccccccccccccccccccccccccccccc_" + hashOf("c", 70),
	} {
		if got := StoredColumn(source); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

func hashOf(s string, n int) Name {
	long := string(Current(strings.Repeat(s, n)))
	return Name(long[len(long)-hashLength:])
}

// TestIndexNamesHaveAHash checks that index names differ from table names, since both share a name
// space.
func TestIndexNamesHaveAHash(t *testing.T) {
	if got := Index("patron", "__id"); got != "patron___id_o9hhk9ff1aaf_idx" {
		t.Errorf("got %q", got)
	}
	if Index("a_b", "c") == Index("a", "b_c") || len(Index(Name(strings.Repeat("x", 63)), "id")) > MaxBytes {
		t.Error("index names collide or are too long")
	}
}
