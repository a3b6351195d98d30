// Package freeport finds TCP ports for servers that tests, the demo and the
// benchmarks start, kill and start again at the same port.
//
// A port that the kernel hands out (port 0) is free only for the moment: any
// outgoing connection may get the same number while a killed server is down.
// The ports here lie outside the range that the kernel takes them from, and a
// port is given to one process only.
package freeport
