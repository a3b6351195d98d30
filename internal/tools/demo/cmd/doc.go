// Command cmd runs the demo: see package demo, and `make demo`.
package main
