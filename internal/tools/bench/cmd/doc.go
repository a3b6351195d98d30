// Command cmd runs the benchmark: see package bench, and `make bench`.
package main
