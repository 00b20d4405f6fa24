package browser

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/netns"
)

// TestReportsOfSilence: a service from which nothing comes back any more. Chromium's reports of it
// must be in the store.
func TestReportsOfSilence(t *testing.T) {
	if !netns.Own(t) {
		return
	}
	// A connection that nobody answers ends after one repetition. Where this is read-only, it ends
	// after the kernel's usual two minutes.
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_syn_retries", []byte("1"), 0); err != nil {
		t.Logf("this takes longer: %v", err)
	}
	service := netip.MustParseAddr("10.77.0.1")
	err := errors.Join(netns.SetAddress("lo:1", service), netns.Unreachable(service))
	if err == nil { // a browser with loopback alone takes itself for offline
		err = errors.Join(netns.AddCable("cable", "end", os.Getpid()), netns.SetUp("end", true), netns.SetAddress("cable", netip.MustParseAddr("192.168.91.1")))
	}
	if err != nil {
		t.Fatal(err)
	}
	ca, err := devca.New("Browser test authority")
	if err != nil {
		t.Fatal(err)
	}
	node, _ := reportsNode(t, ca)
	headers := askForReports(t, node)
	listen := func() *origin { return startOrigin(t, ca, net.JoinHostPort(service.String(), "0"), headers) }
	shop, full, stalls, away := listen(), listen(), listen(), listen()
	home := t.TempDir()
	if err := trust(home, ca); err != nil {
		t.Fatal(err)
	}
	v := start(t, home, service.String())
	v.open(shop.url + "/")
	v.fetch(true, full.url+"/well?x=secret", stalls.url+"/well?x=secret", away.url+"/well?x=secret")

	full.close()
	fill(t, netip.AddrPortFrom(service, portNumber(t, full)))
	stalls.misbehave(stallsInHTTP2(issue(t, ca, time.Hour, "shop.test")))
	v.fetch(true, stalls.url+"/first?x=secret")
	// a connection that was silent for 10 s is doubted: with the next request goes a ping,
	// which has 10 s
	time.Sleep(11 * time.Second)
	v.fetch(false, stalls.url+"/stalls?x=secret", full.url+"/full?x=secret")
	want := map[string]bool{"/stalls h2.ping_failed application": true, "/full tcp.timed_out connection": true}
	awaitReports(t, node, want)

	away.hangUp()
	if err := netns.SetUp("lo:1", false); err != nil {
		t.Fatal(err)
	}
	v.fetch(false, away.url+"/away?x=secret")
	want["/away tcp.address_unreachable connection"] = true
	checkReports(t, awaitReports(t, node, want))
	v.quit()
}

// stallsInHTTP2 answers the first request of a connection, and of others just the headers: 200 for
// everybody (HPACK, RFC 7541, Appendix A). Without those the browser would begin the request again,
// on another connection.
func stallsInHTTP2(cert tls.Certificate) fault {
	return speaksHTTP2(cert, func(request int) string {
		if request == 1 {
			return "\x00\x00\x05\x01\x05" // HEADERS that end, as the stream does
		}
		return "\x00\x00\x05\x01\x04"
	}, "\x88\x0f\x05\x01*")
}

// fill listens and lets nobody in: one connection waits to be accepted, and for more there is no
// room (listen(2)), so that the kernel drops what else comes.
func fill(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		t.Cleanup(func() { _ = syscall.Close(fd) })
		err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})
	}
	if err == nil {
		err = syscall.Listen(fd, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c, err := net.DialTimeout("tcp", addr.String(), time.Second)
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Fatalf("%v lets everybody in", addr)
}

func portNumber(t *testing.T, o *origin) uint16 {
	t.Helper()
	n, err := strconv.ParseUint(o.port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(n)
}
