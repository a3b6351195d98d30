// Package doctest reads the pages under docs/ as a script: the commands that a
// page shows are the commands that its test runs, in the order in which they
// stand there.
//
// It owns the page format, which is a convention on Markdown's fenced blocks
// (see [BlockKind]). It refuses to know what the commands do: the test starts the
// servers and says which addresses stand for those in the page. For tests
// only.
package doctest
