package simulate

import "time"

// Scenario is what happens in a simulation. [Load] reads one from a YAML file; docs/simulate.md
// describes the keys.
type Scenario struct {
	About    string `yaml:"about"` // one sentence for people
	Start    Moment `yaml:"start"` // of the simulated time, UTC
	Duration Span   `yaml:"duration"`
	// the start of all faults and floods is put off by chance, by up to this: 0 for none
	Jitter Span `yaml:"jitter"`

	World    World     `yaml:"world"`
	Probes   Probes    `yaml:"probes"`
	Releases []Release `yaml:"releases"`
	Faults   []Fault   `yaml:"faults"`
	Floods   []Flood   `yaml:"floods"`
}

// World is the population that uses the service, and how it reports. Shares lie in [0, 1].
type World struct {
	App               string   `yaml:"app"`
	Targets           []string `yaml:"targets"`             // origins; the first gets most requests
	RequestsPerSecond float64  `yaml:"requests_per_second"` // the mean over a day
	// how far traffic swings about its mean over a day, a sine with its maximum at 15:00 UTC
	Diurnal        float64  `yaml:"diurnal"`
	Clients        int      `yaml:"clients"`  // who may visit
	Networks       int      `yaml:"networks"` // autonomous systems, of Zipf-distributed sizes
	LargestNetwork float64  `yaml:"largest_network"`
	Countries      int      `yaml:"countries"`
	Servers        int      `yaml:"servers"` // 192.0.2.1:443 and up; each visit uses one
	Collectors     int      `yaml:"collectors"`
	Versions       []string `yaml:"versions"` // the first has most users

	VisitRequests float64 `yaml:"visit_requests"` // mean requests of a visit
	RequestGap    Span    `yaml:"request_gap"`    // mean time between two of them

	FailureRate float64 `yaml:"failure_rate"` // requests that fail by themselves
	// shape of the gamma noise by which FailureRate differs between networks and minutes; the
	// larger, the calmer; 0 for none
	NoiseShape       float64 `yaml:"noise_shape"`
	BadVisits        float64 `yaml:"bad_visits"`         // visits over a bad connection
	BadVisitFailures float64 `yaml:"bad_visit_failures"` // their requests that fail

	Window       Span    `yaml:"window"`
	Sampling     float64 `yaml:"sampling"`      // of windows without failure
	EarlyReports bool    `yaml:"early_reports"` // 2 to 8 s after the first failure after calm
	// visits that a browser reports by itself, one request a report
	Browsers   float64 `yaml:"browsers"`
	Deliveries bool    `yaml:"deliveries"` // rows about deliveries to collectors, too
	// failed requests that got no answer have no protocol, as with real agents; otherwise they have
	// the one that was tried
	AgentsProtocol bool `yaml:"agents_protocol"`

	Offline     float64 `yaml:"offline"`      // windows that are delivered late
	OfflineMean Span    `yaml:"offline_mean"` // how late, on average
	Crashes     float64 `yaml:"crashes"`      // visits whose last window is lost
}

// Probes is what probers do. Each vantage has a network of its own.
type Probes struct {
	Vantages int  `yaml:"vantages"` // 0 for none
	Every    Span `yaml:"every"`    // how often a vantage probes each server
}

// Release brings out a version of the application.
type Release struct {
	Version string  `yaml:"version"`
	Start   Span    `yaml:"start"` // after the scenario's
	Over    Span    `yaml:"over"`  // how long until it has all its users; 0: all at once
	Share   float64 `yaml:"share"` // of users who take it
}

// Fault makes requests fail.
type Fault struct {
	Start    Span `yaml:"start"` // after the scenario's
	Duration Span `yaml:"duration"`
	Ramp     Span `yaml:"ramp"` // from nothing to Share
	// a fault that flaps is there for On and away for Off, in turns
	On  Span `yaml:"on"`
	Off Span `yaml:"off"`

	Outcomes map[string]float64 `yaml:"outcomes"` // with their weights; "ok" is one, too
	Status   uint16             `yaml:"status"`   // of http outcomes
	// of the requests in Scope that are hit; 0 means 1
	Share   float64 `yaml:"share"`
	Scope   Pick    `yaml:"scope"`
	Verdict string  `yaml:"verdict"`

	Target  string `yaml:"target"`  // hit only this one; "" for all
	Becomes string `yaml:"becomes"` // the server that hit requests reach instead; "" for none

	// LastMile makes Share of the clients in Scope fail entirely for a minute or so, one after
	// another, and report when they are back.
	LastMile bool `yaml:"last_mile"`
	// Offline keeps the reports of the clients in Scope back until the fault is over.
	Offline bool `yaml:"offline"`
	// Vantages are probers that fail without any client failing: "v1".
	Vantages []string `yaml:"vantages"`
	// Collector is one that takes no reports: "c1". Requests are not hit.
	Collector string `yaml:"collector"`
}

// Pick says who is hit: an AND over its keys, an OR over each list. Shares and counts are for
// values that the seed picks. The zero Pick is everyone.
type Pick struct {
	ASN      []uint32 `yaml:"asn"`
	Country  []string `yaml:"country"`
	Server   []string `yaml:"server"`
	Version  []string `yaml:"version"`
	OS       []string `yaml:"os"`
	Protocol []string `yaml:"protocol"`
	// Collector is who takes the reports: their clients are hit, deliveries are not.
	Collector []string `yaml:"collector"`

	// networks that have this share of the traffic together
	NetworkShare float64 `yaml:"network_share"`
	Networks     int     `yaml:"networks"`      // how many; 0 means 1
	CountryShare float64 `yaml:"country_share"` // the country whose share comes closest
	Servers      int     `yaml:"servers"`       // how many servers
}

// Flood is reports that somebody made up.
type Flood struct {
	Start     Span    `yaml:"start"` // after the scenario's
	Duration  Span    `yaml:"duration"`
	PerSecond float64 `yaml:"per_second"` // reports
	Tokens    int     `yaml:"tokens"`     // distinct clients that they claim to be; 0 means 1
	Prefixes  int     `yaml:"prefixes"`   // that they come from; 0 means 1
	From      Pick    `yaml:"from"`       // the networks that they come from
	Outcome   string  `yaml:"outcome"`
	Target    string  `yaml:"target"` // "" means the first of the world
	// the servers that they speak of: named, or so many that do not exist; "" without either
	Server   []string `yaml:"server"`
	Invented int      `yaml:"invented"`
	Raw      uint64   `yaml:"raw"`    // requests of a report; 0 means 1
	Weight   float64  `yaml:"weight"` // requests that each stands for; 0 means 1
}

// defaults is the world of the scenarios that say nothing else.
func defaults() Scenario {
	return Scenario{
		Start:    Moment{time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)},
		Duration: Span{time.Hour},
		World: World{
			App: "shop", Targets: []string{"https://shop.example", "https://api.shop.example"},
			RequestsPerSecond: 100, Diurnal: 0.6, Clients: 200_000,
			Networks: 1000, LargestNetwork: 0.095, Countries: 30, Servers: 20, Collectors: 2,
			Versions:      []string{"1.4.2", "1.4.1", "1.3.9"},
			VisitRequests: 8, RequestGap: Span{12 * time.Second},
			FailureRate: 0.005, NoiseShape: 2, BadVisits: 0.03, BadVisitFailures: 0.3,
			Window: Span{time.Minute}, Sampling: 0.05, EarlyReports: true, Browsers: 0.05, Deliveries: true,
			Offline: 0.005, OfflineMean: Span{20 * time.Minute}, Crashes: 0.01,
		},
		Probes: Probes{Every: Span{30 * time.Second}},
	}
}
