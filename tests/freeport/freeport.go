// Package freeport gives tests ports on which their servers may listen later.
package freeport

import (
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

// The ports are below those that systems give to connections and to listeners without a port of
// their own (net.ipv4.ip_local_port_range of Linux), so that none of these takes one meanwhile.
const first, count = 20_000, 12_000

var (
	mu   sync.Mutex
	next = os.Getpid() * 101 % count // other processes begin elsewhere; guarded by mu
)

// On returns a port of an address of this machine on which nothing listens. It returns none twice.
func On(t testing.TB, host string) int {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range count {
		port := first + next
		next = (next + 1) % count
		if l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatalf("%s has no free port", host)
	return 0
}
