// Package doctest reads the pages under docs/ as scripts: the tests run the commands of a page
// in the order of the page.
//
// It owns the page format, which is a convention on Markdown's fenced blocks (see [BlockKind]).
// The test starts the servers and replaces the addresses of the page by theirs. For tests only.
package doctest
