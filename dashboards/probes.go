package dashboards

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of probes.
const (
	defaultProbes = 100
	maxProbes     = 1000
	probesSince   = 24 * time.Hour
	maxChanges    = 200
)

var reaches = []string{string(model.ProbesGlobal), string(model.ProbesLocal), string(model.ProbesUnknown), string(model.ProbesUp)}

// Probes says what the vantages of probers hold of servers now.
type Probes interface {
	// Probed returns the servers, those that are down first, and how many there are. It must be
	// safe for concurrent use.
	Probed(q model.ProbedQuery) (servers []model.ProbedServer, total int)
}

func (d *Dashboard) getProbes(w http.ResponseWriter, r *http.Request, p *params) error {
	q := model.ProbedQuery{
		Server: p.text("server", report.MaxString),
		Reach:  model.ProbeReach(p.oneOf("reach", "", reaches...)),
		Limit:  p.integer("limit", defaultProbes, 1, maxProbes),
	}
	since := p.span("since", probesSince, d.o.Retention)
	if p.err != nil {
		return p.err
	}
	var servers []model.ProbedServer
	var total int
	if d.o.Probes != nil {
		servers, total = d.o.Probes.Probed(q)
	}
	rows := make([]api.Probed, len(servers))
	for i := range servers {
		rows[i] = d.probed(&servers[i])
	}
	if q.Server != "" && len(rows) == 1 {
		if err := d.tellPast(r.Context(), &rows[0], time.Now().Add(-since)); err != nil {
			return err
		}
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(total))
	return writeJSON(w, rows)
}

// probed converts a server.
func (d *Dashboard) probed(s *model.ProbedServer) api.Probed {
	t := &s.Target
	row := api.Probed{Name: t.Name, Address: t.Address, Kind: t.Kind, Region: t.Region, DataCentre: t.DataCentre, Cluster: t.Cluster, Row: t.Row,
		Reach: s.Reach, Vantages: []api.Finding{}}
	if !s.Since.IsZero() {
		row.Since = stamp(s.Since)
	}
	for i := range s.Found {
		f := &s.Found[i]
		found := d.finding(&f.ProbeResult)
		if found.Expired = !f.Holds; !f.Began.IsZero() {
			found.Since = stamp(f.Began)
		}
		row.Vantages = append(row.Vantages, found)
	}
	if s.Reach == model.ProbesGlobal || s.Reach == model.ProbesLocal {
		row.Why = whyDown(row.Vantages)
	}
	return row
}

// finding converts a result.
func (d *Dashboard) finding(r *model.ProbeResult) api.Finding {
	f := api.Finding{Vantage: r.Vantage, ASN: r.VantageASN, ASName: d.networkName(r.VantageASN), Country: d.o.VantageCountries[r.Vantage], At: stamp(r.At), Judgement: r.Judgement.String(), Outcome: r.Outcome,
		Phase: r.Ended(), Server: r.Server, Family: int(r.Family), Protocol: r.Protocol, Status: r.Status, Version: r.Version}
	for _, s := range r.Steps {
		f.Steps = append(f.Steps, api.ProbeStep{Name: s.Name, MS: math.Round(s.Took.Seconds()*1e6) / 1e3})
	}
	return f
}

// whyDown sums up what the vantages saw that find a server down: "tcp.refused in connect (2 of 3
// vantages)".
func whyDown(found []api.Finding) string {
	var causes []string
	saw := map[string]int{}
	valid := 0
	for i := range found {
		f := &found[i]
		if f.Expired || f.Judgement != report.JudgedUp.String() && f.Judgement != report.JudgedDown.String() {
			continue
		}
		valid++
		if f.Judgement != report.JudgedDown.String() {
			continue
		}
		cause := string(f.Outcome)
		if f.Phase != "" {
			cause += " in " + f.Phase
		}
		if saw[cause]++; saw[cause] == 1 {
			causes = append(causes, cause)
		}
	}
	slices.SortFunc(causes, func(a, b string) int { return cmp.Or(cmp.Compare(saw[b], saw[a]), strings.Compare(a, b)) })
	noun := "vantages"
	if valid == 1 {
		noun = "vantage"
	}
	for i, cause := range causes {
		causes[i] = fmt.Sprintf("%s (%d of %d %s)", cause, saw[cause], valid, noun)
	}
	return strings.Join(causes, ", ")
}

// tellPast adds what the store knows of a server: the changes since a time, and the details of the
// latest results. Results that came late are among them at their time.
func (d *Dashboard) tellPast(ctx context.Context, row *api.Probed, since time.Time) error {
	results, err := d.o.Reader.ProbeResults(ctx, model.ProbeQuery{Target: row.Name, Since: since, Limit: model.MaxRows})
	if err != nil {
		return err
	}
	for i := range row.Vantages {
		v := &row.Vantages[i]
		for k := range results {
			if r := &results[k]; r.Vantage == v.Vantage && r.Judgement.String() == v.Judgement && !stamp(r.At).Before(v.At) {
				expired, began := v.Expired, v.Since
				*v = d.finding(r)
				v.Expired, v.Since = expired, began
				break // the newest
			}
		}
	}
	row.Changes = d.changes(results)
	return nil
}

// changes returns the results, of which the newest come first, at which a vantage changed its mind.
func (d *Dashboard) changes(results []model.ProbeResult) (changes []api.Finding) {
	next := map[string]*model.ProbeResult{} // of each vantage
	for i := range results {
		r := &results[i]
		if n := next[r.Vantage]; n != nil && n.Judgement != r.Judgement {
			changes = append(changes, d.finding(n))
		}
		next[r.Vantage] = r
	}
	slices.SortStableFunc(changes, func(a, b api.Finding) int { return b.At.Compare(a.At) })
	return changes[:min(len(changes), maxChanges)]
}
