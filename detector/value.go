package detector

import "github.com/heliograph-net/heliograph/model"

// value is one value of one dimension. The zero value is everyone.
type value struct {
	dim  model.Dimension // 0, ByASN, ByServer or ByCountry
	asn  uint32
	name string
}

// everyone is no value in particular.
var everyone = value{}

// known reports whether the value is a real one and not the lack of one. Failures to resolve a name
// have no server, for instance, so that "no server" would look like a server where
// everything fails.
func (v value) known() bool {
	switch v.dim {
	case model.ByASN:
		return v.asn != 0
	case model.ByServer:
		return v.name != ""
	case model.ByCountry:
		return v.name != "" && v.name != model.UnknownCountry
	default:
		return true
	}
}

// values are where a cell counts.
func (c *Cell) values() [4]value {
	return [4]value{
		everyone, {dim: model.ByASN, asn: c.ASN}, {dim: model.ByServer, name: c.Server},
		{dim: model.ByCountry, name: c.Country},
	}
}
