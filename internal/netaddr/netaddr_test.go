package netaddr

import (
	"net/netip"
	"testing"
)

func TestLoopbackHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:80": true, "127.0.0.1": true, "127.9.9.9:1": true, "::1": true, "[::1]": true, "[::1]:80": true,
		"::ffff:127.0.0.1": true, "[::ffff:127.0.0.1]:80": true,
		"": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "192.0.2.1": false, "[2001:db8::1]:80": false,
		"0.0.0.0": false, "evil.example:80": false, "127.1": false, "[localhost]": false,
	} {
		if got := LoopbackHost(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.1:80": "192.0.2.1", "2001:db8::1": "2001:db8::1", "[2001:db8::1]": "2001:db8::1",
		"[2001:db8::1]:80": "2001:db8::1", "[fe80::1%eth0]:80": "fe80::1", "fe80::1%eth0": "fe80::1", "::ffff:192.0.2.1": "192.0.2.1",
		"": "", "@": "", "unknown": "", "[192.0.2.1": "", "192.0.2.1:": "", "192.0.2.1:x": "",
	} {
		addr, _ := netip.ParseAddr(want) // "": the zero Addr
		if got := Parse(s); got != addr {
			t.Errorf("%q: %v, want %v", s, got, addr)
		}
	}
}

func TestNetwork(t *testing.T) {
	of := func(s string) [16]byte { return Network(Parse(s)) }
	if of("192.0.2.1") != of("192.0.2.200") || of("192.0.2.1") == of("192.0.3.1") {
		t.Error("want a /24 of IPv4")
	}
	if of("2001:db8:1::1") != of("2001:db8:1:ffff::2") || of("2001:db8:1::1") == of("2001:db8:2::1") {
		t.Error("want a /48 of IPv6")
	}
	if of("") != [16]byte{} || of("0.0.0.1") == of("::1") {
		t.Error("want IPv4, IPv6 and the unknown apart")
	}
}
