// Package freeport finds TCP ports for servers that tests, the demo and the benchmarks start, kill
// and start again at the same port.
//
// A port that the kernel assigns (port 0) is free only for the moment: any outgoing connection may
// get the same number while a killed server is down. This package takes ports outside the kernel's
// range, where the system leaves some, and gives each to one process only.
package freeport
