// Package probetest has servers that misbehave, for tests of kinds of probe.
package probetest

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Limit ends what hangs because of a fault in the code; Soon ends what is meant to hang.
const (
	Limit = 30 * time.Second
	Soon  = 300 * time.Millisecond
)

// Serve hands every connection to handle, closes it afterwards, and counts them, until the test
// ends.
func Serve(t testing.TB, handle func(net.Conn)) (address string, accepted *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String(), accepted
}

// Nothing handles a connection by closing it.
func Nothing(net.Conn) {}

// Reset makes the connection end with a reset.
func Reset(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }

// Stall waits until the client has gone.
func Stall(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// HangUp closes its side before the request is there. It goes on reading, for a request that nobody
// reads is answered by a reset.
func HangUp(conn net.Conn) {
	_ = conn.(*net.TCPConn).CloseWrite()
	Stall(conn)
}

// ClosedPort is an address at which nobody listens.
func ClosedPort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// SilentHost is the address of a listener whose queue is full. It drops the SYN, as a host does
// that is gone.
func SilentHost(t testing.TB) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(socket, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 100 {
		conn, err := net.DialTimeout("tcp", address, Soon)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the listener's queue does not fill")
	return ""
}
