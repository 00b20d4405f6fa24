package httpagent_test

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// connectFaults are those of a server that cannot be connected to.
func connectFaults() []fault {
	return []fault{
		{name: "does not accept", want: report.TCPTimedOut, server: unaccepting,
			client: func(tr *http.Transport) {
				tr.DialContext = (&net.Dialer{Timeout: 50 * time.Millisecond}).DialContext
			}},
		{name: "no way from this address to that one", want: report.TCPAddressInvalid, server: func(*testing.T, *authority) string { return "http://192.0.2.1:8080/" },
			client: func(tr *http.Transport) {
				tr.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}).DialContext
			}},
		{name: "caller's deadline while connecting", want: report.TCPTimedOut, server: unaccepting, context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 50*time.Millisecond)
		}},
	}
}

// unaccepting is a server whose queue is full, so that it does not answer to connecting: what a
// host behind a firewall that drops packets looks like.
func unaccepting(t *testing.T, _ *authority) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	must(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(t, syscall.Listen(fd, 0))
	name, err := syscall.Getsockname(fd)
	must(t, err)
	addr := "127.0.0.1:" + strconv.Itoa(name.(*syscall.SockaddrInet4).Port)
	for {
		c, err := net.DialTimeout("tcp", addr, 100*time.Millisecond)
		if err != nil {
			return "http://" + addr + "/"
		}
		t.Cleanup(func() { _ = c.Close() })
	}
}
