package api

import "time"

// IncidentPage is an incident with everything that is known around it.
type IncidentPage struct {
	Incident Incident `json:"incident"`
	// What is at fault, in one sentence; absent if no verdict says it.
	Cause string `json:"cause,omitempty"`
	Curve Curve  `json:"curve"`
	// What happened, what was judged, who was told and what people did, the earliest first.
	Timeline []Moment `json:"timeline"`
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
	// Where the public reads of incidents; absent if there is no status page.
	StatusPage string `json:"status_page,omitempty"`
	// Names of networks, servers and the like around the incident. Words for the public had better
	// not have them.
	Names []string `json:"names"`
}

// Moment is an entry of an incident's timeline.
type Moment struct {
	At time.Time `json:"at"`
	// "onset", "recovering", "recovered" and "over" are of the fault; "judged", "reopened" and
	// "cleared" of the detector; "told", "updated", "reminded", "told_over", "not_told", "given_up"
	// and "elsewhere" of alerts; "ack", "mute", "mute_over", "unmute", "public", "resolved" and
	// "private" of people.
	Kind string `json:"kind"`
	// One sentence without a full stop.
	Text string `json:"text"`
	// The receivers of alerts; absent for other kinds.
	Receivers []string `json:"receivers,omitempty"`
}

// Change is something that changed at the time of an incident.
type Change struct {
	At time.Time `json:"at"`
	// "release", "policy", "servers" or "incident".
	Kind string `json:"kind"`
	// One sentence without a full stop.
	Text string `json:"text"`
	// The other incident; absent for other kinds.
	Incident int64 `json:"incident,omitempty"`
}
