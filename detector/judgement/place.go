package judgement

import (
	"slices"

	"github.com/heliograph-net/heliograph/model"
)

// attribute is one of the ways to divide requests.
type attribute uint8

// The attributes. everyone divides nothing; it stands for all requests.
const (
	everyone attribute = iota
	byASN
	byServer
	byCountry
	byVersion
	byOS
	byProtocol
	byCollector
	attributes // how many there are
)

// place is where a request belongs: a value of each attribute. 0 is an unknown value, which is
// never named. A network's value is its number, and that of all others their id in the names.
type place [attributes]uint32

// place gives the values of a row. Names that are not admitted yet are unknown.
func (j *Judge) place(r *Row) place {
	who := source{r.ASN, r.Bucket}
	country := r.Country
	if country == model.UnknownCountry {
		country = ""
	}
	collector := r.Collector
	if r.App == model.DeliveryApp {
		collector = "" // it tells of others
	}
	return place{
		byASN:       r.ASN,
		byServer:    j.names.admit(kindServer, r.Server, who),
		byCountry:   j.names.admit(kindCountry, country, who),
		byVersion:   j.names.admit(kindVersion, r.Version, who),
		byOS:        j.names.admit(kindOS, r.OS, who),
		byProtocol:  j.names.admit(kindProtocol, r.Protocol, who),
		byCollector: j.names.admit(kindCollector, collector, who),
	}
}

// cuboid is a set of places: those that have, of every attribute with a list, one of its values.
// The lists are sorted. The zero cuboid is everyone.
type cuboid [attributes][]uint32

func (c *cuboid) everyone() bool {
	for _, list := range c {
		if len(list) > 0 {
			return false
		}
	}
	return true
}

// holds reports whether p lies within c.
func (c *cuboid) holds(p *place) bool {
	for a, list := range c {
		if len(list) == 0 {
			continue
		}
		if len(list) == 1 {
			if list[0] != p[a] {
				return false
			}
			continue
		}
		if _, found := slices.BinarySearch(list, p[a]); !found {
			return false
		}
	}
	return true
}

func (c *cuboid) equal(o *cuboid) bool {
	for a := range c {
		if !slices.Equal(c[a], o[a]) {
			return false
		}
	}
	return true
}

// overlaps reports whether a place could lie in both.
func (c *cuboid) overlaps(o *cuboid) bool {
	for a := range c {
		if len(c[a]) > 0 && len(o[a]) > 0 && !slices.ContainsFunc(c[a], func(v uint32) bool { return slices.Contains(o[a], v) }) {
			return false
		}
	}
	return true
}

// scope puts the cuboid into words.
func (j *Judge) scope(c *cuboid) Scope {
	return Scope{
		ASN:       slices.Clone(c[byASN]),
		Server:    j.names.texts(kindServer, c[byServer]),
		Country:   j.names.texts(kindCountry, c[byCountry]),
		Version:   j.names.texts(kindVersion, c[byVersion]),
		OS:        j.names.texts(kindOS, c[byOS]),
		Protocol:  j.names.texts(kindProtocol, c[byProtocol]),
		Collector: j.names.texts(kindCollector, c[byCollector]),
	}
}
