package icmpprobe_test

import (
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/heliograph-net/heliograph/internal/netns"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/icmpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// setting changes one of the kernel's settings for this network.
func setting(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

// host answers echo requests in place of the kernel.
type host struct {
	network, address         string
	echo, reply, unreachable icmp.Type
	protocol                 int
	header, to               int // the length of an IP header, and where the destination is in it
}

var hosts = []host{
	{"ip4:icmp", "127.0.0.1", ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, ipv4.ICMPTypeDestinationUnreachable, 1, 20, 16},
	{"ip6:ipv6-icmp", "::1", ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, ipv6.ICMPTypeDestinationUnreachable, 58, 40, 24},
}

// serve answers each echo request with messages, until the test ends.
func (h host) serve(t *testing.T, answer func(h host, request *icmp.Message) []icmp.Message) {
	t.Helper()
	c, err := icmp.ListenPacket(h.network, h.address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2048)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			request, err := icmp.ParseMessage(h.protocol, b[:n])
			if err != nil || request.Type != h.echo {
				continue
			}
			for _, m := range answer(h, request) {
				if wire, err := m.Marshal(nil); err == nil {
					_, _ = c.WriteTo(wire, from)
				}
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
}

// echoed is the reply to a request, changed.
func (h host) echoed(request *icmp.Message, change func(*icmp.Echo)) icmp.Message {
	e := *request.Body.(*icmp.Echo)
	e.Data = append([]byte(nil), e.Data...)
	change(&e)
	return icmp.Message{Type: h.reply, Body: &e}
}

// refused says that the destination of a request is unreachable. It quotes the request.
func (h host) refused(request *icmp.Message, to string) icmp.Message {
	quoted := make([]byte, h.header, h.header+8)
	quoted[0] = 0x45
	copy(quoted[h.to:], netip.MustParseAddr(to).AsSlice())
	wire, _ := request.Marshal(nil)
	return icmp.Message{Type: h.unreachable, Code: 1, Body: &icmp.DstUnreach{Data: append(quoted, wire[:8]...)}}
}

// Hosts and routers of a network of its own answer what they like.
func TestMisbehavingHosts(t *testing.T) {
	if !netns.Own(t) {
		return
	}
	setting(t, "ipv4/icmp_echo_ignore_all", "1")
	setting(t, "ipv6/icmp/echo_ignore_all", "1")
	same := func(*icmp.Echo) {}
	for name, c := range map[string]struct {
		answer func(host, *icmp.Message) []icmp.Message
		want   report.Outcome
	}{
		"replies":      {func(h host, r *icmp.Message) []icmp.Message { return []icmp.Message{h.echoed(r, same)} }, report.OK},
		"says nothing": {func(host, *icmp.Message) []icmp.Message { return nil }, report.ICMPTimedOut},
		"other data": {func(h host, r *icmp.Message) []icmp.Message {
			return []icmp.Message{h.echoed(r, func(e *icmp.Echo) { e.Data[20]++ })}
		}, report.ICMPTimedOut},
		"other number": {func(h host, r *icmp.Message) []icmp.Message {
			return []icmp.Message{h.echoed(r, func(e *icmp.Echo) { e.Seq++ })}
		}, report.ICMPTimedOut},
		"other first": {func(h host, r *icmp.Message) []icmp.Message {
			return []icmp.Message{h.echoed(r, func(e *icmp.Echo) { e.Seq++ }), h.refused(r, map[bool]string{true: "192.0.2.1", false: "2001:db8::1"}[h.protocol == 1]), h.echoed(r, same)}
		}, report.OK},
		"unreachable": {func(h host, r *icmp.Message) []icmp.Message { return []icmp.Message{h.refused(r, h.address)} }, report.ICMPAddressUnreachable},
	} {
		for _, h := range hosts {
			t.Run(name+" at "+h.address, func(t *testing.T) {
				h.serve(t, c.answer)
				timeout := probetest.Limit
				if c.want == report.ICMPTimedOut {
					timeout = probetest.Soon
				}
				r, err := probetest.Once(t, &icmpprobe.Options{Host: h.address}, probe.Env{}, timeout)
				if err != nil || r.Outcome != c.want || r.Ended() != icmpprobe.StepEcho || r.Server != h.address {
					t.Errorf("%+v, %v; want %s", r, err, c.want)
				}
			})
		}
	}
}

// A kernel that lets the prober's group ping needs no privilege, and one that does not is told of.
func TestPingWithoutPrivileges(t *testing.T) {
	if !netns.Own(t) {
		return
	}
	setting(t, "ipv4/ping_group_range", "0 0") // our group
	runtime.LockOSThread()                     // privileges are a thread's; it ends with the test
	dropPrivileges(t)
	for _, host := range []string{"127.0.0.1", "::1"} {
		r, err := probetest.Once(t, &icmpprobe.Options{Host: host}, probe.Env{}, probetest.Limit)
		if err != nil || r.Outcome != report.OK || r.Server != host {
			t.Errorf("%s: %+v, %v", host, r, err)
		}
	}
}

// A new network lets no group ping.
func TestForbiddenPing(t *testing.T) {
	if !netns.Own(t) {
		return
	}
	runtime.LockOSThread()
	dropPrivileges(t)
	_, err := (&icmpprobe.Options{Host: "127.0.0.1"}).Probe(probe.Env{})
	if err == nil || !strings.Contains(err.Error(), "net.ipv4.ping_group_range") || !strings.Contains(err.Error(), "CAP_NET_RAW") {
		t.Error(err)
	}
}

// dropPrivileges takes all capabilities of this thread away: capset(2).
func dropPrivileges(t *testing.T) {
	t.Helper()
	header := struct {
		version uint32
		pid     int32 // 0: this thread
	}{version: 0x20080522}
	var none [2]struct{ effective, permitted, inheritable uint32 }
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0); errno != 0 {
		t.Fatal(errno)
	}
}
