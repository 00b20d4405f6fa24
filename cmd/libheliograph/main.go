// Libheliograph is the agent as a C library:
//
//	go build -buildmode=c-shared -o libheliograph.so ./cmd/libheliograph
//	go build -buildmode=c-archive -o libheliograph.a ./cmd/libheliograph
//
// Its interface is heliograph.h, which is written by hand. The header that the go command generates
// beside the library is not used. heliograph.c implements the interface on top of exports.go, which
// converts C's types to Go's. agents.go and request.go do the work in plain Go. Without cgo, the
// package is empty.
package main

func main() {} // both build modes require it, but nothing calls it
