package server

// Version is the program's version.
const Version = "v2.0.0"
