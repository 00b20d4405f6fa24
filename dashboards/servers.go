package dashboards

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
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
	name := strings.ToLower(p.text("name", heatmap.MaxLabel))
	known := p.text("topology", maxTag)
	if p.err != nil {
		return p.err
	}
	s, _, err := d.snapshot(p, "at")
	if err != nil {
		return err
	}
	chosen := choose(s, first, limit, func(i int) bool {
		return (state == "" || s.State(i).String() == state) && (name == "" || strings.Contains(strings.ToLower(s.Topology.Server(i).Name), name))
	})
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

// choose returns the servers, from index first on, that fit, at most limit of them.
func choose(s heatmap.Snapshot, first, limit int, fits func(i int) bool) []int {
	var chosen []int
	for i := first; i < s.Topology.Len() && len(chosen) < limit; i++ {
		if fits(i) {
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
	if p.values.Get("at") == "" {
		w.Header().Set("X-Servers-Version", strconv.FormatUint(s.Version, 10))
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

// maxToldChanges is how many servers that changed the stream names at once.
const maxToldChanges = 500

// toldServers is what the stream told of the servers last.
type toldServers struct {
	mu      sync.Mutex // guards what follows
	version uint64
	changes *api.ServerChanges // nil if they were too many
}

// since returns what has changed since the version before that of s. It stays the same as long as
// the version does.
func (t *toldServers) since(m *heatmap.Map, s heatmap.Snapshot) *api.ServerChanges {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.Version != t.version {
		t.changes = changesOf(m, s, t.version)
		t.version = s.Version
	}
	return t.changes
}

func changesOf(m *heatmap.Map, s heatmap.Snapshot, since uint64) *api.ServerChanges {
	servers, ok := m.ChangedSince(since) // those that changed after s was taken do no harm
	if !ok || len(servers) > maxToldChanges {
		return nil
	}
	c := &api.ServerChanges{Since: since, Version: s.Version}
	for _, i := range servers {
		switch s.State(i) {
		case heatmap.Up:
			c.Up = append(c.Up, i)
		case heatmap.Down:
			c.Down = append(c.Down, i)
		default:
			c.Unknown = append(c.Unknown, i)
		}
	}
	return c
}

// servers reads the section for the page.
func (l *look) servers() (any, error) {
	s := l.d.o.Servers.Snapshot()
	summary := l.d.summary(s)
	summary.Changes = l.d.told.since(l.d.o.Servers, s)
	return summary, nil
}

// serverName returns the name of the server at an address, or "".
func (d *Dashboard) serverName(address string) string {
	t := d.o.Servers.Topology()
	for _, i := range t.ByAddress(address) {
		return t.Server(i).Name
	}
	return ""
}
