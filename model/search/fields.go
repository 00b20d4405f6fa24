package search

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/model"
)

// A field is a property of samples that queries name.
type field struct {
	name string
	// values returns the values by which a sample is found. A sample of the outcome tcp.reset, for
	// one, is found by tcp, too.
	values func(s *model.Sample) []string
}

var fields = []field{
	{"app", func(s *model.Sample) []string { return []string{s.App} }},
	{"version", func(s *model.Sample) []string { return []string{s.Version} }},
	{"os", func(s *model.Sample) []string { return []string{s.OS} }},
	{"source", func(s *model.Sample) []string { return []string{s.Source.String()} }},
	{"outcome", func(s *model.Sample) []string { return prefixes(string(s.Outcome)) }},
	{"target", func(s *model.Sample) []string { return []string{s.Target, host(s.Target)} }},
	{"method", func(s *model.Sample) []string { return []string{s.Method} }},
	{"protocol", func(s *model.Sample) []string { return []string{s.Protocol} }},
	{"server", func(s *model.Sample) []string { return []string{s.Server, host(s.Server)} }},
	{"status", func(s *model.Sample) []string { return []string{number(uint64(s.Status))} }},
	{"asn", func(s *model.Sample) []string { return []string{strconv.FormatUint(uint64(s.ASN), 10)} }},
	{"country", func(s *model.Sample) []string { return []string{s.Country} }},
	{"error", func(s *model.Sample) []string { return []string{s.Error.Type} }},
	{"fingerprint", func(s *model.Sample) []string { return []string{id(s.Error.Fingerprint)} }},
	{"trace", func(s *model.Sample) []string { return []string{id(s.TraceID)} }},
}

// aliases are other names of fields.
var aliases = map[string]string{"release": "version", "type": "outcome"}

// Fields returns the names of the fields that queries can name.
func Fields() (names []string) {
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}

// fieldNamed returns the number of a field, or -1.
func fieldNamed(name string) int {
	name = strings.ToLower(name)
	if other, ok := aliases[name]; ok {
		name = other
	}
	for i := range fields {
		if fields[i].name == name {
			return i
		}
	}
	return -1
}

// prefixes returns an outcome and those above it.
func prefixes(outcome string) (all []string) {
	for i, c := range outcome {
		if c == '.' {
			all = append(all, outcome[:i])
		}
	}
	return append(all, outcome)
}

// host returns the host of an origin, or of an address with a port.
func host(of string) string {
	if _, after, ok := strings.Cut(of, "://"); ok {
		of = after
	}
	if i := strings.LastIndexByte(of, ':'); i >= 0 {
		of = of[:i]
	}
	return strings.Trim(of, "[]")
}

// number returns "" for 0, which stands for no number.
func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// id returns "" for an id of zeros, which stands for none.
func id(of [16]byte) string {
	if of == [16]byte{} {
		return ""
	}
	return hex.EncodeToString(of[:])
}

// texts are what words are looked for in.
func texts(s *model.Sample) [15]string {
	return [...]string{s.Error.Message, s.Error.Type, s.URL, s.Error.Stack, s.App, s.Version, s.OS, s.Target, s.Method, string(s.Outcome),
		string(s.Phase), s.Protocol, s.Server, number(uint64(s.Status)), s.Country}
}
