// Package probetest has servers that misbehave, for tests of kinds of probe. Start with [Serve]
// and [Once].
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

// Limit is a timeout for attempts that should not hang, and Soon for attempts that should.
const (
	Limit = 30 * time.Second
	Soon  = 300 * time.Millisecond
)

// Serve listens on loopback until the test ends. It calls handle with every connection, closes the
// connection afterwards, and counts it.
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

// Reset resets the connection.
func Reset(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }

// Stall waits until the client has gone.
func Stall(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// HangUp closes its side before it has read the request. It goes on reading, because a request that
// is not read would lead to a reset.
func HangUp(conn net.Conn) {
	_ = conn.(*net.TCPConn).CloseWrite()
	Stall(conn)
}

// ClosedPort returns an address that refuses connections: a socket that does not listen has it
// until the test ends, so that no other process gets it.
func ClosedPort(t testing.TB) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
}

// SilentHost returns the address of a listener whose queue is full. The kernel drops each SYN to
// it, so it is like a host that does not exist.
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
