package api

import "time"

// ServerState is what probes say of a server.
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

// ServersSummary is what the stream says of servers. The tags are opaque and change when what they
// name does.
type ServersSummary struct {
	ServerCounts
	// Last change of any state; absent before the first.
	Changed time.Time `json:"changed,omitzero"`
	// Tag of the groups and names.
	Topology string `json:"topology"`
	// Tag of the states: of the bits and of the picture.
	States string `json:"states"`
}

// Servers is the summary with the groups, and some of the servers.
type Servers struct {
	ServersSummary
	DataCentres []DataCentre `json:"data_centres"`
	Servers     []Server     `json:"servers"`
}

// Row is a group of servers, those from index first on.
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
	Clusters []Cluster `json:"clusters"`
}

// Server is one server: what probes say of it, and what clients met there.
type Server struct {
	Index      int         `json:"index"`
	Name       string      `json:"name"`
	Address    string      `json:"address,omitempty"`
	DataCentre string      `json:"data_centre,omitempty"`
	Cluster    string      `json:"cluster,omitempty"`
	Row        string      `json:"row,omitempty"`
	State      ServerState `json:"state"`
	// Since when it is in this state; absent when it never changed.
	Since time.Time `json:"since,omitzero"`
	// Requests of clients that succeeded there; absent when none reported.
	OK *float64 `json:"ok,omitempty"`
	// Requests of clients that failed there; absent when none reported.
	Failed *float64 `json:"failed,omitempty"`
}
