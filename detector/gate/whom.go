package gate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// What a value of a facet needs to be named as hurt: most of the excess, and much more of it than
// of the requests.
const (
	mostOfExcess = 0.6
	concentrated = 1.5
)

// whom returns where the failures beyond those of the other release are, as "tcp.reset" and
// "on android".
func whom(ctx context.Context, r Reader, q model.GateQuery, now time.Time) (all []string, err error) {
	for _, f := range []model.Facet{model.FacetType, model.FacetTarget, model.FacetOS, model.FacetCountry, model.FacetASN} {
		h := hurt{by: map[model.RollupKey]*arms{}}
		if err := minutes(ctx, r, q, model.RollupQuery{By: []model.Facet{model.FacetVersion, f}}, now, func(v *model.Rollup) { h.add(v, q.Version) }); err != nil {
			return nil, err
		}
		if text := h.most(f); text != "" {
			all = append(all, text)
		}
	}
	return all, nil
}

// hurt sums requests by the values of a facet.
type hurt struct {
	by    map[model.RollupKey]*arms
	whole arms
}

func (h *hurt) add(v *model.Rollup, version string) {
	arm, key := old, v.Key
	if v.Key.Version == version {
		arm = fresh
	}
	key.Version = ""
	a := h.by[key]
	if a == nil {
		a = &arms{}
		h.by[key] = a
	}
	c := Cell{Requests: v.OK + v.Failed, Troubles: v.Failed}
	a.add(&c, arm)
	h.whole.add(&c, arm)
}

// most returns the value that has most of the excess, or "".
func (h *hurt) most(f model.Facet) (text string) {
	total := h.whole.excess(&h.whole, f)
	if total <= 0 {
		return ""
	}
	most := mostOfExcess
	for key, a := range h.by {
		part := a.excess(&h.whole, f) / total
		if part >= most && (f == model.FacetType || part >= concentrated*a.requests[fresh]/h.whole.requests[fresh]) {
			most, text = part, value(key, f)
		}
	}
	return text
}

// excess returns the release's troubles beyond those that the other one had for the same requests.
// An outcome has no requests of its own, so all count.
func (a *arms) excess(whole *arms, f model.Facet) float64 {
	requests := a.requests
	if f == model.FacetType {
		requests = whole.requests
	}
	if requests[old] <= 0 {
		return a.troubles[fresh]
	}
	return a.troubles[fresh] - a.troubles[old]*requests[fresh]/requests[old]
}

func value(k model.RollupKey, f model.Facet) string {
	switch f {
	case model.FacetType:
		return string(k.Outcome)
	case model.FacetTarget:
		return "to " + strings.ToValidUTF8(k.Target, "")
	case model.FacetOS:
		return "on " + strings.ToValidUTF8(k.OS, "")
	case model.FacetCountry:
		return "in " + k.Country
	default:
		return fmt.Sprintf("from AS%d", k.ASN)
	}
}
