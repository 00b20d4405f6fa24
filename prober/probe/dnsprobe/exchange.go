package dnsprobe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/conn/httpconn"
	"github.com/heliograph-net/heliograph/report"
)

// StepQuery is the step after those of package conn, in which the query is sent and the
// answer received.
const StepQuery = "query"

// dnsProbe asks one question of one server.
type dnsProbe struct {
	dialer    *conn.Dialer
	datagrams bool         // UDP
	secure    *conn.Secure // nil: no TLS
	transport transport
	query     *query
	codes     []string
	answers   []string
	rules     parts
}

// transport exchanges messages over a connection.
type transport func(ctx context.Context, p *dnsProbe, c net.Conn, a *probe.Attempt) (*reply, error)

// try makes an attempt at one address.
func (p *dnsProbe) try(ctx context.Context, a *probe.Attempt, server netip.AddrPort) error {
	c, err := p.connect(ctx, a, server)
	if err != nil {
		return err
	}
	defer c.Close() // an error changes nothing: the outcome is known by then
	if p.secure != nil {
		secured, err := p.secure.Handshake(ctx, a, httpconn.Watch(c))
		if err != nil {
			return err
		}
		a.Result.Protocol = secured.ConnectionState().NegotiatedProtocol
		c = secured
	}
	a.Enter(StepQuery)
	r, err := p.transport(ctx, p, c, a)
	if err != nil {
		return err
	}
	a.Detail("dns_answer_rrs", float64(len(r.answer)), nil)
	a.Detail("dns_authority_rrs", float64(len(r.authority)), nil)
	a.Detail("dns_additional_rrs", float64(len(r.additional)), nil)
	if p.query.asksSOA() {
		a.Detail("dns_serial", float64(r.serial), nil)
	}
	a.Result.Outcome = p.judge(r)
	return nil
}

func (p *dnsProbe) connect(ctx context.Context, a *probe.Attempt, server netip.AddrPort) (net.Conn, error) {
	if !p.datagrams {
		return p.dialer.Connect(ctx, a, server)
	}
	a.Enter(StepQuery)
	return p.dialer.DialUDP(ctx, server)
}

// judge returns the outcome that an answer stands for.
func (p *dnsProbe) judge(r *reply) report.Outcome {
	switch {
	case slices.Contains(p.codes, r.code) && p.expected(r):
		return report.OK
	case slices.Contains(p.codes, r.code), r.code == "NOERROR":
		return report.DNSAnswerUnexpected
	case r.code == "NXDOMAIN":
		return report.DNSNameNotResolved
	}
	return report.DNSServer
}

// overDatagrams ignores datagrams that do not answer the question, because anyone may have
// sent them.
func overDatagrams(_ context.Context, p *dnsProbe, c net.Conn, _ *probe.Attempt) (*reply, error) {
	wire, id, err := p.query.pack(true)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(wire); err != nil {
		return nil, err
	}
	answer := make([]byte, 64<<10)
	for {
		n, err := c.Read(answer)
		if err != nil {
			return nil, err
		}
		if r, err := p.query.parse(answer[:n], id); !errors.Is(err, errOther) {
			return r, malformed(err)
		}
	}
}

// overStream puts two bytes of length before each message (RFC 1035, section 4.2.2).
func overStream(_ context.Context, p *dnsProbe, c net.Conn, _ *probe.Attempt) (*reply, error) {
	wire, id, err := p.query.pack(true)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, answer); err != nil {
		return nil, err
	}
	r, err := p.query.parse(answer, id)
	return r, malformed(err)
}

const dnsMessage = "application/dns-message"

// statusError is the status of a response without a DNS message.
type statusError int

func (s statusError) Error() string { return fmt.Sprintf("status %d", int(s)) }

// overHTTPS posts the message to url (RFC 8484).
func overHTTPS(url string) transport {
	return func(ctx context.Context, p *dnsProbe, c net.Conn, a *probe.Attempt) (*reply, error) {
		wire, id, err := p.query.pack(false)
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(wire))
		if err != nil {
			return nil, err
		}
		request.Header = http.Header{"Content-Type": {dnsMessage}, "Accept": {dnsMessage}, "User-Agent": {"heliograph-prober"}}
		client, err := httpconn.New(ctx, c, "http/1.1")
		if err != nil {
			return nil, err
		}
		defer client.Close() // an error changes nothing: the outcome is known by then
		answer, err := client.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		a.Result.Status, a.Result.Protocol = uint16(answer.StatusCode), httpconn.Protocol(answer)
		if answer.StatusCode != http.StatusOK {
			return nil, statusError(answer.StatusCode)
		}
		if answer.Header.Get("Content-Type") != dnsMessage {
			return nil, malformed(errors.New("not a DNS message"))
		}
		body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
		if err != nil {
			return nil, err
		}
		r, err := p.query.parse(body, id)
		return r, malformed(err)
	}
}
