// Command metadb is Metadb's command line. Each file has one subcommand, which reads its options
// and calls the package that does the work. The package owns the options, the prompts and the
// form of messages; all other logic is in the packages that it calls.
package main
