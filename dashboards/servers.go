package dashboards

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
)

// Limits of the list of servers.
const (
	defaultServers = 1000
	maxServers     = 10_000
)

// countsJSON counts servers by state.
type countsJSON struct {
	Count   int `json:"count"`
	Up      int `json:"up"`
	Down    int `json:"down"`
	Unknown int `json:"unknown"`
}

// summaryJSON is what the stream says of servers. The tags change when what they name does:
// topology the groups and names, states the bits.
type summaryJSON struct {
	countsJSON
	Changed  time.Time `json:"changed,omitzero"` // last change of any state
	Topology string    `json:"topology"`
	States   string    `json:"states"`
}

// serversJSON is the summary with groups and a stretch of the servers.
type serversJSON struct {
	summaryJSON
	DataCentres []dataCentreJSON `json:"data_centres"`
	Servers     []serverJSON     `json:"servers"`
}

// rowJSON is a group of servers, those from first on.
type rowJSON struct {
	Name  string `json:"name"`
	First int    `json:"first"`
	countsJSON
}

type clusterJSON struct {
	rowJSON
	Rows []rowJSON `json:"rows"`
}

type dataCentreJSON struct {
	rowJSON
	Clusters []clusterJSON `json:"clusters"`
}

// serverJSON is one server: what probes say (state), and what clients met there (ok, failed; absent
// when none reported).
type serverJSON struct {
	Index      int       `json:"index"`
	Name       string    `json:"name"`
	Address    string    `json:"address,omitempty"`
	DataCentre string    `json:"data_centre,omitempty"`
	Cluster    string    `json:"cluster,omitempty"`
	Row        string    `json:"row,omitempty"`
	State      string    `json:"state"`
	Since      time.Time `json:"since,omitzero"` // in this state; absent when it never changed
	OK         *float64  `json:"ok,omitempty"`
	Failed     *float64  `json:"failed,omitempty"`
}

var stateNames = []string{heatmap.Up.String(), heatmap.Down.String(), heatmap.Unknown.String()}

func (d *Dashboard) getServers(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r, "first", "limit", "state")
	first := p.integer("first", 0, 0, heatmap.MaxServers)
	limit := p.integer("limit", defaultServers, 0, maxServers)
	state := p.oneOf("state", "", stateNames...)
	if p.err != nil {
		return p.err
	}
	s := d.o.Servers.Snapshot()
	chosen := choose(s, first, limit, state)
	servers, err := d.serverRows(r.Context(), s, chosen)
	if err != nil {
		return err
	}
	return writeJSON(w, serversJSON{summaryJSON: d.summary(s), DataCentres: groupsOf(s), Servers: servers})
}

// choose lists the servers from first on that are in the state, or in any.
func choose(s heatmap.Snapshot, first, limit int, state string) []int {
	var chosen []int
	for i := first; i < s.Topology.Len() && len(chosen) < limit; i++ {
		if state == "" || s.State(i).String() == state {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

func (d *Dashboard) serverRows(ctx context.Context, s heatmap.Snapshot, chosen []int) ([]serverJSON, error) {
	rows := make([]serverJSON, len(chosen))
	if len(chosen) == 0 {
		return rows, nil
	}
	counts, err := d.o.Reader.Servers(ctx, time.Now().Add(-d.o.Window))
	if err != nil {
		return nil, err
	}
	met := make(map[int]model.ServerCount, len(counts))
	for _, c := range counts {
		for _, i := range s.Topology.ByAddress(c.Server) {
			met[i] = c
		}
	}
	for n, i := range chosen {
		server := s.Topology.Server(i)
		rows[n] = serverJSON{
			Index: i, Name: server.Name, Address: server.Address,
			DataCentre: server.DataCentre, Cluster: server.Cluster, Row: server.Row, State: s.State(i).String(),
		}
		if now, since := d.o.Servers.State(i); now == s.State(i) {
			rows[n].Since = since
		}
		if c, ok := met[i]; ok {
			rows[n].OK, rows[n].Failed = new(rounded(c.OK)), new(rounded(c.Failed))
		}
	}
	return rows, nil
}

func (d *Dashboard) summary(s heatmap.Snapshot) summaryJSON {
	return summaryJSON{
		countsJSON: countsOf(s.Counts()), Changed: s.Changed,
		Topology: d.boot, States: d.boot + "-" + strconv.FormatUint(s.Version, 10),
	}
}

func countsOf(c heatmap.Counts) countsJSON {
	return countsJSON{Count: c.Total(), Up: c.Up, Down: c.Down, Unknown: c.Unknown}
}

// groupsOf is the tree of data centres, clusters and rows with their counts.
func groupsOf(s heatmap.Snapshot) []dataCentreJSON {
	row := func(g heatmap.Group) rowJSON { return rowJSON{g.Name, g.First, countsOf(s.CountGroup(g))} }
	centres := make([]dataCentreJSON, len(s.Topology.DataCentres()))
	for i, centre := range s.Topology.DataCentres() {
		clusters := make([]clusterJSON, len(centre.Children))
		for j, cluster := range centre.Children {
			rows := make([]rowJSON, len(cluster.Children))
			for k, r := range cluster.Children {
				rows[k] = row(r)
			}
			clusters[j] = clusterJSON{row(cluster), rows}
		}
		centres[i] = dataCentreJSON{row(centre), clusters}
	}
	return centres
}

func (d *Dashboard) getServersBits(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r, "state")
	state := p.oneOf("state", heatmap.Up.String(), stateNames...)
	if p.err != nil {
		return p.err
	}
	s := d.o.Servers.Snapshot()
	bits, err := bitsOf(s, state)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+d.summary(s).States+"-"+state+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bits.Bytes()))
	return nil
}

// bitsOf is the set of servers in a state.
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

func (d *Dashboard) getServersPNG(w http.ResponseWriter, r *http.Request) error {
	p := paramsOf(r, "width")
	width := p.integer("width", heatmap.DefaultWidth, heatmap.MinWidth, heatmap.MaxWidth)
	if p.err != nil {
		return p.err
	}
	s := d.o.Servers.Snapshot()
	var picture bytes.Buffer
	if err := heatmap.RenderPNG(&picture, s, heatmap.PNGOptions{Width: width}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("ETag", `"`+d.summary(s).States+"-"+strconv.Itoa(width)+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(picture.Bytes()))
	return nil
}

// liveServers is the page's share.
func (d *Dashboard) liveServers(context.Context, time.Time) (any, error) {
	return d.summary(d.o.Servers.Snapshot()), nil
}
