package api

import "time"

// ServerState is the state of a server according to probes.
type ServerState string

// The states of a server.
const (
	Up      ServerState = "up"
	Down    ServerState = "down"
	Unknown ServerState = "unknown" // not probed yet, or the probes doubt themselves
)

// ServerCounts counts servers by state.
type ServerCounts struct {
	Count   int `json:"count"`
	Up      int `json:"up"`
	Down    int `json:"down"`
	Unknown int `json:"unknown"`
}

// ServersSummary is what the stream sends about servers. The tags are opaque. A tag changes when
// what it stands for changes.
type ServersSummary struct {
	ServerCounts
	// Last change of the state of any server; absent before the first.
	Changed time.Time `json:"changed,omitzero"`
	// Tag for the groups and names.
	Topology string `json:"topology"`
	// Tag for the states, and thus for the bits and the picture.
	States string `json:"states"`
	// What changed; only in the stream, and absent if that is too much: then ask for the bits.
	Changes *ServerChanges `json:"changes,omitempty"`
}

// ServerChanges turns the states of any version from since to version into those of version. The
// header X-Servers-Version tells the version of bits. A version is the number of changes so far, as
// long as the tag of the topology stays.
type ServerChanges struct {
	Since   uint64 `json:"since"`
	Version uint64 `json:"version"`
	// Indices of the servers that changed and are in this state now; absent if there are none.
	Up      []int `json:"up,omitempty"`
	Down    []int `json:"down,omitempty"`
	Unknown []int `json:"unknown,omitempty"`
}

// Servers is the summary, the groups and some of the servers.
type Servers struct {
	ServersSummary
	// Time of the first frame of the history, which at can name; absent if there is none.
	KeptSince time.Time `json:"kept_since,omitzero"`
	// Empty if the question says that they are known.
	DataCentres []DataCentre `json:"data_centres"`
	Servers     []Server     `json:"servers"`
}

// Row is a group of servers with consecutive indices, which start at first.
type Row struct {
	Name  string `json:"name"`
	First int    `json:"first"`
	ServerCounts
}

// Cluster is a group of rows.
type Cluster struct {
	Row
	Rows []Row `json:"rows"`
}

// DataCentre is a group of clusters.
type DataCentre struct {
	Row
	Region   string    `json:"region,omitempty"`
	Clusters []Cluster `json:"clusters"`
}

// Server is one server: its state according to probes, and how clients fared there.
type Server struct {
	Index      int         `json:"index"`
	Name       string      `json:"name"`
	Address    string      `json:"address,omitempty"`
	Region     string      `json:"region,omitempty"`
	DataCentre string      `json:"data_centre,omitempty"`
	Cluster    string      `json:"cluster,omitempty"`
	Row        string      `json:"row,omitempty"`
	State      ServerState `json:"state"`
	// When the state began; absent if it has never changed.
	Since time.Time `json:"since,omitzero"`
	// Requests of clients that succeeded there; absent if there are no reports.
	OK *float64 `json:"ok,omitempty"`
	// Requests of clients that failed there; absent if there are no reports.
	Failed *float64 `json:"failed,omitempty"`
	// Whether requests are not shown because they are of too few clients; absent if they are.
	Suppressed bool `json:"suppressed,omitempty"`
}
