package simulate

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Scenario describes what happens in a simulation. [Load] reads it from a YAML file;
// docs/simulate.md describes the keys.
type Scenario struct {
	About    string `yaml:"about"` // one sentence for people
	Start    Moment `yaml:"start"` // of the simulated time, UTC
	Duration Span   `yaml:"duration"`
	// the most by which the start of all faults and floods is delayed, by chance; 0 for no delay
	Jitter Span `yaml:"jitter"`

	World    World     `yaml:"world"`
	Probes   Probes    `yaml:"probes"`
	Releases []Release `yaml:"releases"`
	Faults   []Fault   `yaml:"faults"`
	Floods   []Flood   `yaml:"floods"`
}

// Slow reports whether requests may be slow without failing, so that agents have to tell how long
// they take.
func (s *Scenario) Slow() bool {
	if s.World.SlowRate > 0 {
		return true
	}
	for i := range s.Faults {
		if s.Faults[i].Outcomes[string(model.Slow)] > 0 {
			return true
		}
	}
	return false
}

// World describes the population that uses the service, and how it reports. Shares are from 0 to 1.
type World struct {
	App string `yaml:"app"`
	// origins; the first gets the most requests
	Targets           []string `yaml:"targets"`
	RequestsPerSecond float64  `yaml:"requests_per_second"` // the mean over a day
	// relative amplitude of the daily cycle of the traffic, a sine with its maximum at 15:00 UTC
	Diurnal float64 `yaml:"diurnal"`
	Clients int     `yaml:"clients"` // number of clients that may visit
	// number of autonomous systems; their sizes are Zipf-distributed
	Networks       int     `yaml:"networks"`
	LargestNetwork float64 `yaml:"largest_network"`
	Countries      int     `yaml:"countries"`
	// number of servers, from 192.0.2.1:443 on; each visit uses one
	Servers    int      `yaml:"servers"`
	Collectors int      `yaml:"collectors"`
	Versions   []string `yaml:"versions"` // the first has the most users

	VisitRequests float64 `yaml:"visit_requests"` // mean number of requests of a visit
	RequestGap    Span    `yaml:"request_gap"`    // mean time between two requests of a visit

	FailureRate float64 `yaml:"failure_rate"` // share of requests that fail without a fault
	// share of the successes that are slow without a fault
	SlowRate float64 `yaml:"slow_rate"`
	// shape of the gamma noise by which FailureRate differs between networks and minutes: the
	// larger, the less noise; 0 for none
	NoiseShape       float64 `yaml:"noise_shape"`
	BadVisits        float64 `yaml:"bad_visits"`         // share of visits over a bad connection
	BadVisitFailures float64 `yaml:"bad_visit_failures"` // share of their requests that fail

	Window   Span    `yaml:"window"`
	Sampling float64 `yaml:"sampling"` // share of the windows without failure that are sent
	// whether the first failure after a calm time is reported after 2 to 8 s
	EarlyReports bool `yaml:"early_reports"`
	// share of visits that the browser reports itself, one request per report
	Browsers   float64 `yaml:"browsers"`
	Deliveries bool    `yaml:"deliveries"` // whether there are rows about deliveries to collectors
	// whether requests without an answer have no protocol, as with real agents; otherwise they have
	// the one that was tried
	AgentsProtocol bool `yaml:"agents_protocol"`

	Offline     float64 `yaml:"offline"`      // share of windows that are delivered late
	OfflineMean Span    `yaml:"offline_mean"` // mean delay of these
	Crashes     float64 `yaml:"crashes"`      // share of visits whose last window is lost
}

// Probes describes the probers. Each vantage is in a network of its own.
type Probes struct {
	Vantages int  `yaml:"vantages"` // number of vantages; 0 for none
	Every    Span `yaml:"every"`    // time between two probes of a server from a vantage
}

// Release is a new version of the application.
type Release struct {
	Version string  `yaml:"version"`
	Start   Span    `yaml:"start"` // after the scenario's start
	Over    Span    `yaml:"over"`  // how long until all its users have it; 0: at once
	Share   float64 `yaml:"share"` // share of the users that get it
}

// Fault makes requests fail.
type Fault struct {
	Start    Span `yaml:"start"` // after the scenario's start
	Duration Span `yaml:"duration"`
	Ramp     Span `yaml:"ramp"` // time in which the fault grows from nothing to Share
	// a fault with On is present for On, absent for Off, and so on
	On  Span `yaml:"on"`
	Off Span `yaml:"off"`

	Outcomes map[string]float64 `yaml:"outcomes"` // with their weights; "ok" is one, too
	Status   uint16             `yaml:"status"`   // of http outcomes
	// share of the requests in Scope that are hit; 0 means 1
	Share   float64 `yaml:"share"`
	Scope   Pick    `yaml:"scope"`
	Verdict string  `yaml:"verdict"`

	Target  string `yaml:"target"`  // hit only this one; "" for all
	Becomes string `yaml:"becomes"` // the server that hit requests reach instead; "" for none

	// LastMile makes Share of the clients in Scope fail entirely for about a minute, one after
	// another. They report it when they have recovered.
	LastMile bool `yaml:"last_mile"`
	// Retry makes clients repeat a request that fails after this time, until one succeeds or the
	// fault ends; 0: they do not.
	Retry Span `yaml:"retry"`
	// Offline delays the reports of the clients in Scope until the fault has ended.
	Offline bool `yaml:"offline"`
	// Vantages are probers that fail although no client does, such as "v1".
	Vantages []string `yaml:"vantages"`
	// Collector is a collector that accepts no reports, such as "c1". Requests do not fail.
	Collector string `yaml:"collector"`
}

// Pick says who is hit: an AND over its keys, an OR over each list. The keys with shares and counts
// let the seed choose values. The zero Pick means everyone.
type Pick struct {
	ASN      []uint32 `yaml:"asn"`
	Country  []string `yaml:"country"`
	Server   []string `yaml:"server"`
	Version  []string `yaml:"version"`
	OS       []string `yaml:"os"`
	Protocol []string `yaml:"protocol"`
	// Collector selects clients by the collector that they report to. Their requests fail, their
	// deliveries do not.
	Collector []string `yaml:"collector"`

	// choose networks that together have this share of the traffic
	NetworkShare float64 `yaml:"network_share"`
	Networks     int     `yaml:"networks"` // how many networks; 0 means 1
	// choose the country whose share of the traffic is closest to this
	CountryShare float64 `yaml:"country_share"`
	Servers      int     `yaml:"servers"` // choose this many servers
}

// Flood is a flood of invented reports.
type Flood struct {
	Start     Span    `yaml:"start"` // after the scenario's start
	Duration  Span    `yaml:"duration"`
	PerSecond float64 `yaml:"per_second"` // reports per second
	// number of clients that the reports claim to be from; 0 means 1
	Tokens int `yaml:"tokens"`
	// number of address prefixes that the reports come from; 0 means 1
	Prefixes int    `yaml:"prefixes"`
	From     Pick   `yaml:"from"` // the networks and the version that the reports come from
	Outcome  string `yaml:"outcome"`
	Target   string `yaml:"target"` // "" means the first of the world
	// the servers that the reports are about: named ones, or a number of servers that do not exist;
	// "" if neither is set
	Server   []string `yaml:"server"`
	Invented int      `yaml:"invented"`
	Raw      uint64   `yaml:"raw"` // requests per report; 0 means 1
	// number of requests that each reported one stands for; 0 means 1
	Weight float64 `yaml:"weight"`
}

// defaults returns the scenario that a file's keys are added to.
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
