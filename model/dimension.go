package model

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Dimension is a property that requests are grouped by, such as their target or the client's
// country. The zero value is not a dimension.
type Dimension uint8

// The dimensions, in the order in which they are documented.
const (
	ByOutcome Dimension = iota + 1 // "type" in the API, as in Network Error Logging
	ByApp
	ByTarget
	ByASN
	ByCountry
	ByServer
	ByProtocol
	ByStatus
	BySource
	dimensionsEnd
)

var dimensionNames = [dimensionsEnd]string{
	ByOutcome: "type", ByApp: "app", ByTarget: "target", ByASN: "asn", ByCountry: "country",
	ByServer: "server", ByProtocol: "protocol", ByStatus: "status", BySource: "source",
}

// String returns the dimension's name in the API, such as "type" or "asn", and "unknown" for an
// invalid one.
func (d Dimension) String() string {
	if d == 0 || d >= dimensionsEnd {
		return "unknown"
	}
	return dimensionNames[d]
}

// ParseDimension returns the dimension with the given name. It is the inverse of
// [Dimension.String]. Its error wraps [ErrQuery].
func ParseDimension(name string) (Dimension, error) {
	for d := range AllDimensions.Each() {
		if d.String() == name {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%w: a dimension must be one of %v", ErrQuery, AllDimensions)
}

// Dimensions is a set of dimensions. The zero value is empty.
type Dimensions uint16

// AllDimensions is the set of all dimensions.
const AllDimensions Dimensions = 1<<dimensionsEnd - 2

// DimensionsOf returns the set of the given dimensions. It leaves out invalid ones.
func DimensionsOf(members ...Dimension) (s Dimensions) {
	for _, d := range members {
		s |= 1 << d
	}
	return s & AllDimensions
}

// Has reports whether d is in the set.
func (s Dimensions) Has(d Dimension) bool { return s&AllDimensions&(1<<d) != 0 }

// Each yields the members in the order in which dimensions are documented.
func (s Dimensions) Each() iter.Seq[Dimension] {
	return func(yield func(Dimension) bool) {
		for d := range dimensionsEnd {
			if s.Has(d) && !yield(d) {
				return
			}
		}
	}
}

// Names returns the names of the members, in the order of [Dimensions.Each].
func (s Dimensions) Names() (names []string) {
	for d := range s.Each() {
		names = append(names, d.String())
	}
	return names
}

// String returns the names of the members, separated by commas: "type, asn".
func (s Dimensions) String() string { return strings.Join(s.Names(), ", ") }

// Value returns the series' value of dimension d as text. Numbers are in decimal, and a source is
// given by its name. The text is for people and labels; programs should read the field.
func (s Series) Value(d Dimension) string {
	switch d {
	case ByOutcome:
		return string(s.Outcome)
	case ByApp:
		return s.App
	case ByTarget:
		return s.Target
	case ByASN:
		return strconv.FormatUint(uint64(s.ASN), 10)
	case ByCountry:
		return s.Country
	case ByServer:
		return s.Server
	case ByProtocol:
		return s.Protocol
	case ByStatus:
		return strconv.FormatUint(uint64(s.Status), 10)
	case BySource:
		return s.Source.String()
	default:
		return ""
	}
}

// Only returns a copy of s with only the values of the given dimensions. The other fields are zero.
func (s Series) Only(by Dimensions) (o Series) {
	for d := range by.Each() {
		switch d {
		case ByOutcome:
			o.Outcome = s.Outcome
		case ByApp:
			o.App = s.App
		case ByTarget:
			o.Target = s.Target
		case ByASN:
			o.ASN = s.ASN
		case ByCountry:
			o.Country = s.Country
		case ByServer:
			o.Server = s.Server
		case ByProtocol:
			o.Protocol = s.Protocol
		case ByStatus:
			o.Status = s.Status
		case BySource:
			o.Source = s.Source
		}
	}
	return o
}
