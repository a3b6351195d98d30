// Command metadb is Metadb's command line: one file per subcommand, each of
// which reads its options and calls the package that does the work. It owns the
// options, the prompts and the form of messages, and refuses any logic.
package main
