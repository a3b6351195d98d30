// Package depcache gets what tests need of other languages' packages, once for each
// user: what is pinned in testdata is installed into the user's cache directory.
//
// For tests only.
package depcache
