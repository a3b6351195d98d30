// Package depcache installs the packages of other languages that tests need, once for each
// user: the versions pinned in testdata, into the user's cache directory.
//
// For tests only.
package depcache
