package netns_test

import (
	"bufio"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/netns"
)

// TestHostsOnABridge: two networks on a bridge reach each other, and neither reaches the other's
// loopback interface.
func TestHostsOnABridge(t *testing.T) {
	if !netns.Own(t) {
		return
	}
	if err := netns.AddBridge("street", netip.MustParseAddr("192.168.90.1")); err != nil {
		t.Fatal(err)
	}
	hosts := map[string]*netns.Network{}
	for name, addr := range map[string]string{"one": "192.168.90.2", "two": "192.168.90.3"} {
		n, err := netns.New()
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if err := n.Connect("street", name, netip.MustParseAddr(addr)); err != nil {
			t.Fatal(err)
		}
		hosts[name] = n
	}
	listen := func(host, addr string) net.Listener {
		t.Helper()
		var l net.Listener
		if err := hosts[host].Do(func() (err error) { l, err = net.Listen("tcp", addr); return err }); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte(host + "\n"))
				_ = c.Close()
			}
		}()
		return l
	}
	listen("one", "192.168.90.2:80")
	listen("two", "192.168.90.3:80")
	listen("two", "127.0.0.1:81")
	ask := func(addr string) (string, error) {
		c, err := net.DialTimeout("tcp", addr, time.Minute)
		if err != nil {
			return "", err
		}
		defer c.Close()
		return bufio.NewReader(c).ReadString('\n')
	}
	if err := hosts["one"].Do(func() error {
		if got, err := ask("192.168.90.3:80"); got != "two\n" || err != nil {
			t.Errorf("from one to the other: %q, %v", got, err)
		}
		if got, err := ask("127.0.0.1:81"); err == nil {
			t.Errorf("from one to the other's loopback: %q", got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got, err := ask("192.168.90.2:80"); got != "one\n" || err != nil {
		t.Errorf("from the bridge: %q, %v", got, err)
	}
}
