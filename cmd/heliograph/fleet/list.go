package fleet

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// columns are the possible columns of a list. Only name is required.
var columns = []string{"name", "address", "region", "data_centre", "cluster", "row", "state"}

// ReadList reads, as CSV, a list of servers, disks, links or anything else that is up or down at
// now. The first line names the columns in any order: name, and optionally address, region,
// data_centre, cluster, row and state (up, down or unknown, which is the default). Errors name the
// line.
func ReadList(r io.Reader, now time.Time) (heatmap.Snapshot, error) {
	lines := csv.NewReader(r)
	lines.ReuseRecord = true
	heading, err := lines.Read()
	if err != nil {
		return heatmap.Snapshot{}, fmt.Errorf("the line that names the columns: %w", err)
	}
	at := map[string]int{}
	for i, name := range heading {
		if !slices.Contains(columns, name) {
			return heatmap.Snapshot{}, fmt.Errorf("line 1: column %q is not one of %s", name, strings.Join(columns, ", "))
		}
		at[name] = i
	}
	if _, ok := at["name"]; !ok {
		return heatmap.Snapshot{}, errors.New("line 1: no column is named name")
	}
	var servers []heatmap.Server
	// by name, because the topology may put them in another order
	states := map[string]heatmap.State{}
	for {
		record, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return heatmap.Snapshot{}, err
		}
		line, _ := lines.FieldPos(0)
		if len(servers) == heatmap.MaxServers {
			return heatmap.Snapshot{}, fmt.Errorf("line %d: more than %d servers", line, heatmap.MaxServers)
		}
		field := func(name string) string {
			if i, ok := at[name]; ok {
				return strings.Clone(record[i])
			}
			return ""
		}
		s := heatmap.Server{
			Name: field("name"), Address: field("address"), Region: field("region"),
			DataCentre: field("data_centre"), Cluster: field("cluster"), Row: field("row"),
		}
		if states[s.Name], err = stateOf(field("state")); err != nil {
			return heatmap.Snapshot{}, fmt.Errorf("line %d: %w", line, err)
		}
		servers = append(servers, s)
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		return heatmap.Snapshot{}, err
	}
	m := heatmap.NewMap(topology)
	for i := range topology.Len() {
		m.Set(i, states[topology.Server(i).Name], now)
	}
	return m.Snapshot(), nil
}

func stateOf(text string) (heatmap.State, error) {
	switch text {
	case heatmap.Up.String():
		return heatmap.Up, nil
	case heatmap.Down.String():
		return heatmap.Down, nil
	case heatmap.Unknown.String(), "":
		return heatmap.Unknown, nil
	}
	return 0, fmt.Errorf("state %q: want up, down or unknown", text)
}
