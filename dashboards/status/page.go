package status

import (
	"cmp"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Days is how many days the history has.
const Days = 90

// maxIncidents is the most incidents on a page; the newest are shown.
const maxIncidents = 100

// shortest is how long an incident lasts before it appears without an operator's words.
const shortest = 5 * time.Minute

// Settings is what an operator wants to show.
type Settings struct {
	Title    string    // heading of the page; "" means "Status"
	URL      string    // where the page is, for the feed
	Services []Service // in the order in which they are shown
	// Automatic shows incidents without an operator's words once they have lasted five minutes.
	Automatic bool
	// Networks lets automatic words name the networks that are affected.
	Networks    bool
	NetworkName func(asn uint32) string // needed for Networks
}

// Service is something that the public knows by name.
type Service struct {
	Name    string
	Targets []string // origins whose incidents are the service's
}

// Page is what the page shows. It is plain data.
type Page struct {
	Title string    `json:"title"`
	URL   string    `json:"url"`
	At    time.Time `json:"at"`
	// The operator sees nothing now, so that nobody can say whether services work.
	Blind     bool           `json:"blind"`
	Services  []ServiceState `json:"services"`
	Incidents []Incident     `json:"incidents"` // open ones first, then the newest
}

// ServiceState is how a service fares, now and on each of the last days, the earliest first.
type ServiceState struct {
	Name      string `json:"name"`
	Disturbed bool   `json:"disturbed"`
	Days      []Day  `json:"days"`
}

// Day is a day of UTC.
type Day struct {
	Date    string `json:"date"`    // such as "2026-11-30"
	Minutes int    `json:"minutes"` // for which an incident was open
}

// Incident is an incident in plain words.
type Incident struct {
	ID      int64     `json:"id"`
	Service string    `json:"service,omitempty"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until,omitzero"` // absent while it is open
	Updates []Update  `json:"updates"`        // the newest first; never empty
}

// Open reports whether the incident goes on.
func (i *Incident) Open() bool { return i.Until.IsZero() }

// Update is what the public was told at a time.
type Update struct {
	Number int64     `json:"number"` // unique in its incident; 0 for automatic words
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
	// It says that the incident is over.
	Resolved bool `json:"resolved,omitempty"`
}

// New returns the page at a time. journals are those of the incidents, in their order. It shows the
// incidents about which an operator has told the public, and with s.Automatic others.
func New(s Settings, now time.Time, incidents []model.Incident, journals []model.Journal, blind bool) Page {
	p := Page{Title: cmp.Or(s.Title, "Status"), URL: s.URL, At: now.UTC().Truncate(time.Second), Blind: blind,
		Services: []ServiceState{}, Incidents: []Incident{}}
	for k := range incidents {
		updates, resolved, told := said(&journals[k])
		if !told && s.Automatic && lasting(&incidents[k], now) {
			updates = []Update{{At: second(incidents[k].Since), Text: s.words(&incidents[k])}}
		}
		if len(updates) == 0 {
			continue
		}
		p.Incidents = append(p.Incidents, Incident{ID: incidents[k].ID, Service: s.serviceOf(incidents[k].Target),
			Since: second(incidents[k].Since), Until: second(incidents[k].Until), Updates: updates})
		p.Incidents[len(p.Incidents)-1].resolve(second(resolved))
	}
	slices.SortStableFunc(p.Incidents, func(a, b Incident) int {
		if a.Open() != b.Open() {
			if a.Open() {
				return -1
			}
			return 1
		}
		return b.Since.Compare(a.Since)
	})
	for _, service := range s.Services {
		p.Services = append(p.Services, stateOf(service.Name, p.Incidents, now))
	}
	p.Incidents = p.Incidents[:min(len(p.Incidents), maxIncidents)]
	return p
}

func second(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}

// resolve ends an incident at a time at which an operator called it over, unless it was over before
// or the time is zero.
func (i *Incident) resolve(at time.Time) {
	if !at.IsZero() && (i.Open() || at.Before(i.Until)) {
		i.Until = later(at, i.Since)
	}
}

// said returns what operators told the public about an incident, the newest first, since they last
// withdrew it, and when they called it over, unless they said more after that. told is false if
// they never said anything.
func said(j *model.Journal) (updates []Update, resolved time.Time, told bool) {
	for _, n := range j.Notes { // the oldest first
		switch n.Kind {
		case model.NotePublic:
			updates, told = append(updates, Update{Number: n.Number, At: second(n.At), Text: n.Text}), true
			resolved = time.Time{}
		case model.NoteResolved:
			updates, told = append(updates, Update{Number: n.Number, At: second(n.At), Text: cmp.Or(n.Text, "This is over."), Resolved: true}), true
			resolved = n.At
		case model.NotePrivate:
			updates, told = nil, true
			resolved = time.Time{}
		}
	}
	slices.Reverse(updates)
	return updates, resolved, told
}

// serviceOf returns the name of the service that has a target, or "".
func (s *Settings) serviceOf(target string) string {
	for _, service := range s.Services {
		if slices.Contains(service.Targets, target) {
			return service.Name
		}
	}
	return ""
}

// stateOf sums the incidents of a service.
func stateOf(name string, incidents []Incident, now time.Time) ServiceState {
	s := ServiceState{Name: name, Days: make([]Day, Days)}
	today := now.UTC().Truncate(24 * time.Hour)
	for k := range s.Days {
		start := today.AddDate(0, 0, k-Days+1)
		end := start.AddDate(0, 0, 1)
		var spans [][2]time.Time
		for i := range incidents {
			if in := &incidents[i]; in.Service == name {
				until := in.Until
				if in.Open() {
					until = now.UTC()
				}
				spans = append(spans, [2]time.Time{later(in.Since, start), earlier(until, end)})
			}
		}
		s.Days[k] = Day{Date: start.Format(time.DateOnly), Minutes: covered(spans)}
	}
	for i := range incidents {
		s.Disturbed = s.Disturbed || incidents[i].Service == name && incidents[i].Open()
	}
	return s
}

// covered returns how many minutes, begun ones included, the spans cover together.
func covered(spans [][2]time.Time) int {
	slices.SortFunc(spans, func(a, b [2]time.Time) int { return a[0].Compare(b[0]) })
	var total time.Duration
	var end time.Time
	for _, s := range spans {
		from := later(s[0], end)
		if s[1].After(from) {
			total += s[1].Sub(from)
			end = s[1]
		}
	}
	return int((total + time.Minute - 1) / time.Minute)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
