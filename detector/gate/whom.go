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
		rows, err := r.Rollups(ctx, model.RollupQuery{Step: model.RollupMinute, Since: q.Since.Truncate(time.Minute), Until: now, App: q.App,
			Versions: []string{q.Version, q.Against}, By: []model.Facet{model.FacetVersion, f}})
		if err != nil {
			return nil, err
		}
		if text := hurt(rows, f, q.Version); text != "" {
			all = append(all, text)
		}
	}
	return all, nil
}

// hurt returns the value of a facet that has most of the excess, or "".
func hurt(rows []model.Rollup, f model.Facet, version string) string {
	by := map[model.RollupKey]*arms{}
	var whole arms
	for i := range rows {
		v := &rows[i]
		arm, key := old, v.Key
		if v.Key.Version == version {
			arm = fresh
		}
		key.Version = ""
		a := by[key]
		if a == nil {
			a = &arms{}
			by[key] = a
		}
		c := Cell{Requests: v.OK + v.Failed, Troubles: v.Failed}
		a.add(&c, arm)
		whole.add(&c, arm)
	}
	total := whole.excess(&whole, f)
	if total <= 0 {
		return ""
	}
	for key, a := range by {
		part := a.excess(&whole, f) / total
		if part >= mostOfExcess && (f == model.FacetType || part >= concentrated*a.requests[fresh]/whole.requests[fresh]) {
			return value(key, f)
		}
	}
	return ""
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
