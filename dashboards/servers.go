package dashboards

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
)

// Limits of the list of servers.
const (
	defaultServers = 1000
	maxServers     = 10_000
	maxTag         = 64 // bytes of a topology's tag
)

var stateNames = []string{heatmap.Up.String(), heatmap.Down.String(), heatmap.Unknown.String()}

func (d *Dashboard) getServers(w http.ResponseWriter, r *http.Request, p *params) error {
	first := p.integer("first", 0, 0, heatmap.MaxServers)
	limit := p.integer("limit", defaultServers, 0, maxServers)
	state := p.oneOf("state", "", stateNames...)
	known := p.text("topology", maxTag)
	if p.err != nil {
		return p.err
	}
	s, _, err := d.snapshot(p, "at")
	if err != nil {
		return err
	}
	chosen := choose(s, first, limit, state)
	servers, err := d.serverRows(r.Context(), s, chosen)
	if err != nil {
		return err
	}
	summary := d.summary(s)
	if p.values.Get("at") != "" {
		summary.Topology, summary.States = d.topologyTag(s.Topology), d.tag(s, p)
	}
	since, err := d.keptSince()
	if err != nil {
		return err
	}
	centres := []api.DataCentre{}
	if known != summary.Topology && known != "*" {
		centres = groupsOf(s)
	}
	return writeJSON(w, api.Servers{ServersSummary: summary, KeptSince: since, DataCentres: centres, Servers: servers})
}

// choose returns the servers, from index first on, that are in the given state, or in any.
func choose(s heatmap.Snapshot, first, limit int, state string) []int {
	var chosen []int
	for i := first; i < s.Topology.Len() && len(chosen) < limit; i++ {
		if state == "" || s.State(i).String() == state {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

func (d *Dashboard) serverRows(ctx context.Context, s heatmap.Snapshot, chosen []int) ([]api.Server, error) {
	rows := make([]api.Server, len(chosen))
	if len(chosen) == 0 {
		return rows, nil
	}
	var counts []model.ServerCount
	live := s.Topology == d.o.Servers.Topology() // and not of the past
	if live {
		var err error
		if counts, err = d.o.Reader.Servers(ctx, time.Now().Add(-d.o.Window)); err != nil {
			return nil, err
		}
	}
	met := make(map[int]model.ServerCount, len(counts))
	for _, c := range counts {
		for _, i := range s.Topology.ByAddress(c.Server) {
			met[i] = c
		}
	}
	for n, i := range chosen {
		server := s.Topology.Server(i)
		rows[n] = api.Server{
			Index: i, Name: server.Name, Address: server.Address,
			Region: server.Region, DataCentre: server.DataCentre, Cluster: server.Cluster, Row: server.Row, State: api.ServerState(s.State(i).String()),
		}
		if now, since := d.o.Servers.State(i); live && now == s.State(i) {
			rows[n].Since = since
		}
		if c, ok := met[i]; ok && d.hides(c.Clients) {
			rows[n].Suppressed = true
		} else if ok {
			rows[n].OK, rows[n].Failed = new(rounded(c.OK)), new(rounded(c.Failed))
		}
	}
	return rows, nil
}

func (d *Dashboard) summary(s heatmap.Snapshot) api.ServersSummary {
	return api.ServersSummary{
		ServerCounts: countsOf(s.Counts()), Changed: s.Changed,
		Topology: d.boot + "-" + strconv.FormatUint(s.Replaced, 10), States: d.boot + "-" + strconv.FormatUint(s.Version, 10),
	}
}

func countsOf(c heatmap.Counts) api.ServerCounts {
	return api.ServerCounts{Count: c.Total(), Up: c.Up, Down: c.Down, Unknown: c.Unknown}
}

// groupsOf returns the tree of data centres, clusters and rows with their counts.
func groupsOf(s heatmap.Snapshot) []api.DataCentre {
	row := func(g heatmap.Group) api.Row {
		return api.Row{Name: g.Name, First: g.First, ServerCounts: countsOf(s.CountGroup(g))}
	}
	centres := []api.DataCentre{}
	for _, region := range s.Topology.Regions() {
		for _, centre := range region.Children {
			clusters := make([]api.Cluster, len(centre.Children))
			for j, cluster := range centre.Children {
				rows := make([]api.Row, len(cluster.Children))
				for k, r := range cluster.Children {
					rows[k] = row(r)
				}
				clusters[j] = api.Cluster{Row: row(cluster), Rows: rows}
			}
			centres = append(centres, api.DataCentre{Row: row(centre), Region: region.Name, Clusters: clusters})
		}
	}
	return centres
}

func (d *Dashboard) getServersBits(w http.ResponseWriter, r *http.Request, p *params) error {
	state := p.oneOf("state", heatmap.Up.String(), stateNames...)
	group := p.text("group", maxGroupPath)
	if p.err != nil {
		return p.err
	}
	s, _, err := d.snapshot(p, "at")
	if err != nil {
		return err
	}
	if s, err = partOf(s, group); err != nil {
		return err
	}
	bits, err := bitsOf(s, state)
	if err != nil {
		return err
	}
	if bits, err = bits.Range(s.Span()); err != nil {
		return err
	}
	return serveTagged(w, r, "application/octet-stream", fmt.Sprintf("%s-%s-%x", d.tag(s, p), state, group), bits.Bytes(), nil)
}

// bitsOf returns the set of servers in a state.
func bitsOf(s heatmap.Snapshot, state string) (*heatmap.Bitset, error) {
	if state == heatmap.Up.String() {
		return s.Up, nil
	}
	out, err := heatmap.NewBitset(s.Up.Len())
	if err != nil {
		return nil, err
	}
	if state == heatmap.Down.String() {
		_, err = out.AndNot(s.Known, s.Up)
		return out, err
	}
	for i := range out.Len() {
		out.Set(i, !s.Known.Get(i))
	}
	return out, nil
}

// servers reads the section for the page.
func (l *look) servers() (any, error) { return l.d.summary(l.d.o.Servers.Snapshot()), nil }

// serverName returns the name of the server at an address, or "".
func (d *Dashboard) serverName(address string) string {
	t := d.o.Servers.Topology()
	for _, i := range t.ByAddress(address) {
		return t.Server(i).Name
	}
	return ""
}
