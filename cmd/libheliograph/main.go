// Libheliograph is the agent as a C library:
//
//	go build -buildmode=c-shared -o libheliograph.so ./cmd/libheliograph
//	go build -buildmode=c-archive -o libheliograph.a ./cmd/libheliograph
//
// Its interface is heliograph.h, which is kept by hand; the header that the go command writes
// beside the library is not for use. heliograph.c implements it over exports.go, which turns C's
// terms into Go's; agents.go and request.go do the work in plain Go. Without cgo there is nothing
// to build, and the package is empty.
package main

func main() {} // never called: both build modes demand it
