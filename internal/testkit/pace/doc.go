// Package pace has the time limits of tests that share a machine with other tests, a compiler or JVMs.
//
// There are two kinds. Where a test waits for an event that must come, and the time does not matter,
// the limit only ends a test that hangs: [Hang]. Where the time is a promise (a stop takes five
// seconds), [Bound] allows for the present load of the machine, and is strict on an idle one.
package pace
