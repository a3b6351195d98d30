package doctest

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// repository is the root of the repository, relative to this package.
const repository = "../../.."

// maxColumns limits the length of a line of Markdown, except for tables, code and links that
// can't be broken.
const maxColumns = 120

// document is a parsed Markdown file, as far as the tests need it.
type document struct {
	// path is relative to the repository, with slashes.
	path string
	// prose has all lines; those of code blocks are empty.
	prose []string
	// anchors are those of the headings, as GitHub makes them.
	anchors map[string]bool
}

// files returns the paths of the repository's files with one of some extensions, relative to
// its root. Hidden folders have tools and no sources.
func files(t *testing.T, extensions ...string) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(repository), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if !entry.IsDir() && slices.Contains(extensions, path.Ext(name)) {
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// documents returns every Markdown file of the repository by its path.
func documents(t *testing.T) map[string]*document {
	t.Helper()
	all := make(map[string]*document)
	for _, name := range files(t, ".md") {
		all[name] = parseDocument(name, contents(t, name))
	}
	return all
}

func contents(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parseDocument(name, text string) *document {
	d := &document{path: name, anchors: make(map[string]bool)}
	fenced := false
	var list listItem
	for line := range strings.SplitSeq(text, "\n") {
		fence := strings.HasPrefix(line, "```")
		if fence {
			fenced = !fenced
		}
		if fence || fenced || list.isCode(line) {
			line = ""
		}
		d.prose = append(d.prose, line)
		if hashes, heading, found := strings.Cut(line, " "); found && hashes != "" && strings.Trim(hashes, "#") == "" {
			d.addAnchor(heading)
		}
	}
	return d
}

// itemMark matches the mark of a list item with its indentation and the blanks after it.
var itemMark = regexp.MustCompile(`^ *([-*+]|[0-9]+[.)]) +`)

// listItem is the list item that a line belongs to.
type listItem struct {
	// indent is the column of the item's text, 0 outside of lists.
	indent int
	// blank is true after an empty line.
	blank bool
}

// isCode reports whether the next line is an indented block of code: its indentation is four columns
// more than that of the list item, which is "10. " wide where the item has two digits.
// https://spec.commonmark.org/0.31.2/#list-items
func (l *listItem) isCode(line string) bool {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	blank := l.blank
	l.blank = strings.TrimSpace(line) == ""
	switch mark := itemMark.FindString(line); {
	case l.blank:
		return false
	case mark != "" && indent < l.indent+4:
		l.indent = len(mark)
		return false
	case indent < l.indent && (blank || strings.HasPrefix(line, "#")):
		l.indent = 0
	}
	return indent >= l.indent+4 || strings.HasPrefix(line, "\t")
}

// addAnchor adds the anchor of a heading: its letters and digits in lower case, blanks as
// hyphens, and a number if another heading has the same.
// https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links
func (d *document) addAnchor(heading string) {
	anchor := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
	unique := anchor
	for n := 1; d.anchors[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", anchor, n)
	}
	d.anchors[unique] = true
}

// resolve returns the reason why a target does not exist, and "" if it exists. A target is a
// path relative to the repository with or without an anchor.
func resolve(all map[string]*document, target string) string {
	name, anchor, _ := strings.Cut(target, "#")
	d, isDocument := all[name]
	switch {
	case !isDocument:
		if _, err := os.Stat(filepath.Join(repository, name)); err != nil {
			return "there is no file " + name
		}
	case anchor != "" && !d.anchors[anchor]:
		return "there is no heading #" + anchor + " in " + name
	}
	return ""
}

// code matches inline code, in which brackets are no links.
var code = regexp.MustCompile("`+[^`]*`+")

// link matches an inline link or a picture. Its text and its target may be on two lines.
var link = regexp.MustCompile(`\]\(\s*([^)\s]+)\s*\)`)

// TestLinks checks that the targets of all links between Markdown files, and from them to other
// files of the repository, exist.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := documents(t)
	for name, d := range all {
		text := code.ReplaceAllString(strings.Join(d.prose, "\n"), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target := match[1]
			switch {
			case strings.Contains(target, "://"):
				continue
			case strings.HasPrefix(target, "#"):
				target = name + target
			default:
				target = path.Join(path.Dir(name), target)
			}
			if fault := resolve(all, target); fault != "" {
				t.Errorf("%s links to %s: %s", name, match[1], fault)
			}
		}
	}
}

// reference matches the path of a page as comments, messages and tests have it.
var reference = regexp.MustCompile(`\bdocs/[a-z0-9/-]+\.md(#[a-z0-9-]+)?`)

// oldReference matches a reference to a specification that is not in the repository.
var oldReference = regexp.MustCompile(`SPEC` + `2? *[0-9§]`)

// TestReferences checks that the pages and headings to which the code, the tests and the
// scenarios refer exist.
func TestReferences(t *testing.T) {
	t.Parallel()
	all := documents(t)
	count := 0
	for _, name := range files(t, ".go", ".sql", ".txtar") {
		for i, line := range strings.Split(contents(t, name), "\n") {
			for _, target := range reference.FindAllString(line, -1) {
				count++
				if fault := resolve(all, target); fault != "" {
					t.Errorf("%s:%d: %s: %s", name, i+1, target, fault)
				}
			}
			if oldReference.MatchString(line) {
				t.Errorf("%s:%d: write docs/spec/FILE.md#HEADING: %s", name, i+1, strings.TrimSpace(line))
			}
		}
	}
	if count < 100 {
		t.Errorf("%d references: the test does not find them", count)
	}
}

// TestSpecificationIndex checks that docs/spec/README.md lists every file of the specification.
func TestSpecificationIndex(t *testing.T) {
	t.Parallel()
	index := contents(t, "docs/spec/README.md")
	for name := range documents(t) {
		dir, file := path.Split(name)
		if dir == "docs/spec/" && file != "README.md" && !strings.Contains(index, "]("+file+")") {
			t.Errorf("docs/spec/README.md does not list %s", file)
		}
	}
}

// TestLineLength checks that lines of Markdown have at most 120 columns, except for tables,
// code and words that can't be broken.
func TestLineLength(t *testing.T) {
	t.Parallel()
	for name, d := range documents(t) {
		for i, line := range d.prose {
			if isTooLong(line) {
				t.Errorf("%s:%d has %d columns, at most %d: %.60s…", name, i+1, utf8.RuneCountInString(line), maxColumns, line)
			}
		}
	}
}

// TestInvariants checks that an invariant in ARCHITECTURE.md has at most three lines: what is longer
// has a page in docs/design.
func TestInvariants(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(contents(t, "ARCHITECTURE.md"), "\n## Invariants\n")
	section, _, _ = strings.Cut(section, "\n## ")
	items := regexp.MustCompile(`(?m)^[0-9]+\. `).Split(strings.TrimSpace(section), -1)[1:]
	if len(items) < 15 {
		t.Errorf("%d invariants: the test does not find them", len(items))
	}
	for _, item := range items {
		if n := strings.Count(strings.TrimSpace(item), "\n") + 1; n > 3 {
			t.Errorf("an invariant has %d lines: %.60s…", n, item)
		}
	}
}

// isTooLong reports whether a line is too long and can be broken before the limit.
func isTooLong(line string) bool {
	if utf8.RuneCountInString(line) <= maxColumns || strings.HasPrefix(line, "|") {
		return false
	}
	words := strings.Fields(strings.TrimLeft(line, " -*+>#0123456789."))
	return len(words) > 1
}
