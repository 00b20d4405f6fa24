package demo

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/miekg/dns"
)

// nameServerOf is the name server of the monitored service. It answers each question with one
// address of the service, in turn, so that clients do not silently fall back to another address.
type nameServerOf struct {
	Addr  string // host:port, UDP and TCP
	addrs []netip.Addr
	next  atomic.Uint64
	fail  atomic.Pointer[netip.Prefix] // clients in here get SERVFAIL
	srvs  [2]*dns.Server
}

func startNameServer(addrs []netip.Addr) (*nameServerOf, error) {
	tcp, err := net.Listen("tcp", net.JoinHostPort(nameServer, "0"))
	if err != nil {
		return nil, fmt.Errorf("name server: %w", err)
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		_ = tcp.Close()
		return nil, fmt.Errorf("name server: %w", err)
	}
	n := &nameServerOf{Addr: tcp.Addr().String(), addrs: addrs}
	n.srvs = [2]*dns.Server{{Listener: tcp, Handler: n}, {PacketConn: udp, Handler: n}}
	for _, s := range n.srvs {
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go func() { _ = s.ActivateAndServe() }() // ends with Shutdown
		<-ready
	}
	return n, nil
}

// ServeDNS answers A questions for the service's name.
func (n *nameServerOf) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	peer, _ := netip.ParseAddrPort(w.RemoteAddr().String())
	switch fail := n.fail.Load(); {
	case fail != nil && fail.Contains(peer.Addr().Unmap()):
		m.Rcode = dns.RcodeServerFailure
	case len(q.Question) != 1 || q.Question[0].Name != dns.Fqdn(serviceName):
		m.Rcode = dns.RcodeNameError
	case q.Question[0].Qtype == dns.TypeA:
		addr := n.addrs[n.next.Add(1)%uint64(len(n.addrs))]
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: addr.AsSlice()}}
	}
	_ = w.WriteMsg(m) // a client that is gone needs no answer
}

// Close stops both servers.
func (n *nameServerOf) Close(ctx context.Context) error {
	var first error
	for _, s := range n.srvs {
		if err := s.ShutdownContext(ctx); err != nil && first == nil {
			first = err
		}
	}
	return first
}
