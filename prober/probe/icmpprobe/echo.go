package icmpprobe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// tokenSize is the number of random bytes in a payload, by which the reply to a request
// is recognized.
const tokenSize = 16

// errUnreachable means that a router or the host itself reported the host as unreachable.
var errUnreachable = errors.New("unreachable")

var errForbidden = fmt.Errorf("this machine does not allow the prober to use ICMP: add its group to net.ipv4.ping_group_range (sysctl), or give it CAP_NET_RAW: %w", syscall.EPERM)

// socket sends and receives ICMP messages.
type socket struct {
	*icmp.PacketConn
	raw bool // a raw socket: it gets all ICMP messages, and the sender chooses the id
}

// open opens a socket for the family of ip. The socket is unprivileged if the kernel allows that.
func open(ip netip.Addr, from net.IP) (*socket, error) {
	unprivileged, raw, local := "udp4", "ip4:icmp", "0.0.0.0"
	if ip.Is6() {
		unprivileged, raw, local = "udp6", "ip6:ipv6-icmp", "::"
	}
	if from != nil && (from.To4() != nil) == ip.Is4() {
		local = from.String()
	}
	c, err := icmp.ListenPacket(unprivileged, local)
	if err == nil {
		return &socket{c, false}, nil
	}
	if !isForbidden(err) {
		return nil, err
	}
	c, err = icmp.ListenPacket(raw, local)
	if isForbidden(err) {
		return nil, errForbidden
	}
	if err != nil {
		return nil, err
	}
	return &socket{c, true}, nil
}

func isForbidden(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
}

// setUp sets the hop limit of requests, unless it is 0, and asks for that of replies.
func (s *socket) setUp(ttl int) (err error) {
	if p := s.IPv4PacketConn(); p != nil {
		_ = p.SetControlMessage(ipv4.FlagTTL, true) // for a detail only
		if ttl > 0 {
			err = p.SetTTL(ttl)
		}
		return err
	}
	p := s.IPv6PacketConn()
	_ = p.SetControlMessage(ipv6.FlagHopLimit, true) // as above
	if ttl > 0 {
		err = p.SetHopLimit(ttl)
	}
	return err
}

// read reads one message and its hop limit, 0 if that is unknown.
func (s *socket) read(b []byte) (n, hops int, err error) {
	if p := s.IPv4PacketConn(); p != nil {
		n, about, _, err := p.ReadFrom(b)
		if about != nil {
			hops = about.TTL
		}
		return n, hops, err
	}
	n, about, _, err := s.IPv6PacketConn().ReadFrom(b)
	if about != nil {
		hops = about.HopLimit
	}
	return n, hops, err
}

// request says how a request is sent.
type request struct {
	from    net.IP // nil: the system chooses
	payload int
	ttl     int // 0: the system's
}

// ping sends a request and waits for its reply.
func ping(ctx context.Context, a *probe.Attempt, ip netip.Addr, r request) error {
	s, err := open(ip, r.from)
	if err != nil {
		return err
	}
	defer s.Close() // an error changes nothing: the outcome is known by then
	if err := s.setUp(r.ttl); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = s.SetDeadline(deadline) // fails only on a closed socket
	}
	stop := context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	echo := &icmp.Echo{Data: make([]byte, r.payload)}
	_, _ = rand.Read(echo.Data[:tokenSize]) // never fails
	echo.ID, echo.Seq = int(binary.BigEndian.Uint16(echo.Data)), int(binary.BigEndian.Uint16(echo.Data[2:]))
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: echo}
	if ip.Is6() {
		m.Type = ipv6.ICMPTypeEchoRequest
	}
	wire, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := s.WriteTo(wire, s.address(ip)); err != nil {
		return err
	}
	hops, err := s.await(ip, echo)
	if err == nil && hops > 0 {
		a.Detail("icmp_reply_hop_limit", float64(hops), nil)
	}
	return err
}

func (s *socket) address(ip netip.Addr) net.Addr {
	if s.raw {
		return &net.IPAddr{IP: ip.AsSlice(), Zone: ip.Zone()}
	}
	return &net.UDPAddr{IP: ip.AsSlice(), Zone: ip.Zone()}
}

// await reads messages until one refers to the request. It returns the hop limit of a reply.
func (s *socket) await(ip netip.Addr, sent *icmp.Echo) (hops int, err error) {
	protocol := 1
	if ip.Is6() {
		protocol = 58
	}
	b := make([]byte, 2048)
	for {
		n, hops, err := s.read(b)
		if err != nil {
			return 0, err
		}
		m, err := icmp.ParseMessage(protocol, b[:n])
		if err != nil {
			continue // anyone may send anything
		}
		switch body := m.Body.(type) {
		case *icmp.Echo:
			reply := m.Type == ipv4.ICMPTypeEchoReply || m.Type == ipv6.ICMPTypeEchoReply
			if reply && body.Seq == sent.Seq && bytes.Equal(body.Data, sent.Data) {
				return hops, nil
			}
		case *icmp.DstUnreach:
			if quotes(body.Data, ip, sent) {
				return 0, fmt.Errorf("%w: code %d", errUnreachable, m.Code)
			}
		}
	}
}

// quotes reports whether the packet that an error message quotes is the request. A packet is quoted
// up to the request's type, code, checksum, id and sequence number, after the IP header.
func quotes(packet []byte, ip netip.Addr, sent *icmp.Echo) bool {
	header, to := 40, 24 // offsets of the request and of its destination
	if ip.Is4() && len(packet) > 0 {
		header, to = int(packet[0]&15)*4, 16
	}
	address := ip.WithZone("").AsSlice()
	if len(packet) < header+8 || header < to+len(address) {
		return false
	}
	request := packet[header:]
	return bytes.Equal(packet[to:to+len(address)], address) &&
		int(binary.BigEndian.Uint16(request[4:])) == sent.ID && int(binary.BigEndian.Uint16(request[6:])) == sent.Seq
}
