package probetest

import (
	"net"
	"testing"

	"github.com/miekg/dns"
)

// Names runs a name server over UDP until the test ends, and returns its address. It knows only the
// given records, such as "shop.example. A 127.0.0.1".
func Names(t testing.TB, records ...string) string {
	t.Helper()
	zone := map[dns.Question][]dns.RR{}
	known := map[string]bool{}
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		h := rr.Header()
		known[h.Name] = true
		q := dns.Question{Name: h.Name, Qtype: h.Rrtype, Qclass: h.Class}
		zone[q] = append(zone[q], rr)
	}
	return NameServer(t, func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		if m.Answer = zone[q.Question[0]]; !known[q.Question[0].Name] {
			m.Rcode = dns.RcodeNameError
		}
		return m
	})
}

// NameServer runs a name server over UDP until the test ends, and returns its address. It does not
// answer if handle returns nil.
func NameServer(t testing.TB, handle func(q *dns.Msg) *dns.Msg) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ServeNames(t, &dns.Server{PacketConn: socket}, handle)
	return socket.LocalAddr().String()
}

// ServeNames runs a name server until the test ends. It does not answer if handle returns nil.
func ServeNames(t testing.TB, server *dns.Server, handle func(q *dns.Msg) *dns.Msg) {
	t.Helper()
	ready, done := make(chan struct{}), make(chan struct{})
	server.NotifyStartedFunc = func() { close(ready) }
	server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if m := handle(q); m != nil {
			_ = w.WriteMsg(m)
		}
	})
	go func() {
		defer close(done)
		_ = server.ActivateAndServe()
	}()
	<-ready
	t.Cleanup(func() {
		_ = server.Shutdown()
		<-done
	})
}
