package api

import "time"

// IncidentPage is an incident with everything that is known around it.
type IncidentPage struct {
	Incident Incident `json:"incident"`
	// What is at fault, in one sentence; absent if no verdict says it.
	Cause string `json:"cause,omitempty"`
	Curve Curve  `json:"curve"`
	// Where requests failed, in its scope and its time: by network, by country, by server and by
	// protocol, most failures first, at most 12 of each.
	Cells []Total `json:"cells"`
	// How many rows are not shown, because they are of too few clients.
	Suppressed int `json:"suppressed"`
	// What else changed shortly before or meanwhile, the earliest first.
	Changes []Change `json:"changes"`
	// What the probers hold now of the servers of the scope, or else of those that are down.
	Servers []Probed `json:"servers"`
	// Other incidents with the same cause and scope, the newest first.
	Recurrences []Incident `json:"recurrences"`
	// What to do; absent if no runbooks are configured.
	Runbook string `json:"runbook,omitempty"`
}

// Change is something that changed at the time of an incident.
type Change struct {
	At time.Time `json:"at"`
	// "release", "servers" or "incident".
	Kind string `json:"kind"`
	// One sentence without a full stop.
	Text string `json:"text"`
	// The other incident; absent for other kinds.
	Incident int64 `json:"incident,omitempty"`
}
