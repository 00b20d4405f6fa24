package heatmap

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// fewServers is the most servers for which a second processor is not worthwhile.
const fewServers = 10_000

// normaliseAll checks servers and returns their names and their addresses in the canonical form.
// The error names up to maxFaults servers.
func normaliseAll(servers []Server) ([]identity, error) {
	parts := 1
	if len(servers) > fewServers {
		parts = runtime.GOMAXPROCS(0)
	}
	all, faults := make([]identity, len(servers)), make([][]error, parts)
	var work sync.WaitGroup
	for part := range parts {
		from, to := len(all)*part/parts, len(all)*(part+1)/parts
		work.Go(func() { faults[part] = normalisePart(all[from:to], servers[from:to], from) })
	}
	work.Wait()
	told := slices.Concat(faults...)
	return all, errors.Join(told[:min(len(told), maxFaults)]...)
}

// normalisePart is normaliseAll for servers that begin at index first of the list. It returns up to
// maxFaults faults.
func normalisePart(all []identity, servers []Server, first int) (faults []error) {
	sound := &Server{} // its labels are known to be valid
	for i := range servers {
		s := &servers[i]
		var err error
		if all[i], err = s.normalise(sound); err != nil {
			faults = append(faults, fmt.Errorf("server %d (%q): %w", first+i, clip(s.Name), err))
			if len(faults) == maxFaults {
				break
			}
			continue
		}
		sound = s
	}
	return faults
}

// normalise checks every field and returns the name and the address in its canonical form. It does
// not check labels again that are those of a sound server, as most are those of the server before.
func (s *Server) normalise(sound *Server) (identity, error) {
	if s.Name == "" {
		return identity{}, errors.New("has no name")
	}
	if err := checkLabel(s.Name); err != nil {
		return identity{}, fmt.Errorf("name: %w", err)
	}
	if err := checkLabel(s.Address); err != nil {
		return identity{}, fmt.Errorf("address: %w", err)
	}
	if !s.besides(sound) {
		for level, label := range s.labels() {
			if err := checkLabel(label); err != nil {
				return identity{}, fmt.Errorf("%s: %w", levelNames[level], err)
			}
		}
	}
	if s.Address == "" {
		return identity{name: s.Name}, nil
	}
	address, err := canonicalAddress(s.Address)
	if err != nil {
		return identity{}, fmt.Errorf("address: %w", err)
	}
	return identity{s.Name, address}, nil
}

// checkLabel refuses labels that would disturb a terminal, a log or a page: control characters,
// bidirectional overrides and invalid UTF-8.
func checkLabel(s string) error {
	if len(s) > MaxLabel {
		return fmt.Errorf("longer than %d bytes", MaxLabel)
	}
	if printableASCII(s) {
		return nil
	}
	if !utf8.ValidString(s) {
		return errors.New("not valid UTF-8")
	}
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return errors.New("has a character that cannot be printed")
	}
	return nil
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// canonicalAddress returns the canonical form of an address: IP addresses as in RFC 5952, names in
// lower case.
func canonicalAddress(s string) (string, error) {
	if ap, err := parseAddrPort(s); err == nil {
		if ap.Port() == 0 {
			return "", errors.New("port 0 cannot be reached; write 1 to 65535")
		}
		var room [64]byte // longer than any, so that a canonical address is not copied
		if canonical := netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).AppendTo(room[:0]); string(canonical) != s {
			return string(canonical), nil
		}
		return s, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, ":/@[] ") {
		return "", fmt.Errorf("%q is not host:port", clip(s))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("%q has no port of 1 to 65535", clip(s))
	}
	return net.JoinHostPort(strings.ToLower(host), strconv.FormatUint(n, 10)), nil
}

// parseAddrPort is netip.ParseAddrPort, without its error for what cannot be an address.
func parseAddrPort(s string) (netip.AddrPort, error) {
	if s == "" || s[0] != '[' && (s[0] < '0' || s[0] > '9') {
		return netip.AddrPort{}, errNoIP
	}
	return netip.ParseAddrPort(s)
}

var errNoIP = errors.New("not an IP address and a port")

// clip shortens s for error texts.
func clip(s string) string {
	if len(s) <= 64 {
		return s
	}
	return s[:64] + "…"
}
