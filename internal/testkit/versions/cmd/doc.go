// Command cmd writes the dump of the present version: see package versions, and
// `make version-dump`.
package main
