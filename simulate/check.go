package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of a scenario, so that no file can ask for more memory or time than a machine has.
const (
	maxDuration  = 400 * 24 * time.Hour
	maxRate      = 2_000_000 // requests per second
	maxFlood     = 100_000   // reports of a flood per second
	maxNetworks  = 100_000
	maxClients   = 50_000_000
	maxServers   = 65_000
	maxTargets   = 1_000
	maxVersions  = 1_000
	maxCountries = 676
	maxList      = 1_000 // faults, floods, releases, values of a list
	maxVantages  = 64
)

func (c *checker) scenario(s *Scenario) {
	c.require(!s.Start.IsZero() && s.Start.Year() >= 1970 && s.Start.Year() < 2200, "start", "want a time from 1970 to 2199")
	c.span(s.Duration, "duration", time.Second, maxDuration)
	c.span(s.Jitter, "jitter", 0, time.Hour)
	c.world(&s.World)
	c.count(s.Probes.Vantages, "probes.vantages", 0, maxVantages)
	c.span(s.Probes.Every, "probes.every", time.Second, time.Hour)
	c.count(len(s.Releases), "releases", 0, maxList)
	c.count(len(s.Faults), "faults", 0, maxList)
	c.count(len(s.Floods), "floods", 0, maxList)
	for i, r := range s.Releases {
		key := fmt.Sprintf("releases[%d]", i)
		c.name1(r.Version, key+".version")
		c.span(r.Start, key+".start", 0, maxDuration)
		c.span(r.Over, key+".over", 0, maxDuration)
		c.share(r.Share, key+".share")
	}
	for i := range s.Faults {
		c.fault(&s.Faults[i], s, fmt.Sprintf("faults[%d]", i))
	}
	for i := range s.Floods {
		c.flood(&s.Floods[i], s, fmt.Sprintf("floods[%d]", i))
	}
}

func (c *checker) world(w *World) {
	c.name1(w.App, "world.app")
	c.count(len(w.Targets), "world.targets", 1, maxTargets)
	c.count(len(w.Versions), "world.versions", 1, maxVersions)
	for i, t := range w.Targets {
		c.name1(t, fmt.Sprintf("world.targets[%d]", i))
	}
	for i, v := range w.Versions {
		c.name1(v, fmt.Sprintf("world.versions[%d]", i))
	}
	c.number(w.RequestsPerSecond, "world.requests_per_second", 0.001, maxRate)
	c.count(w.Clients, "world.clients", 1, maxClients)
	c.count(w.Networks, "world.networks", 1, maxNetworks)
	c.number(w.LargestNetwork, "world.largest_network", 1/float64(max(w.Networks, 1))-1e-9, 1)
	c.count(w.Countries, "world.countries", 1, maxCountries)
	c.count(w.Servers, "world.servers", 1, maxServers)
	c.count(w.Collectors, "world.collectors", 1, 100)
	c.number(w.VisitRequests, "world.visit_requests", 1, 1e6)
	c.span(w.RequestGap, "world.request_gap", time.Millisecond, time.Hour)
	c.number(w.NoiseShape, "world.noise_shape", 0, 1e6)
	c.span(w.Window, "world.window", time.Second, time.Minute)
	c.number(w.Sampling, "world.sampling", 1e-6, 1)
	c.span(w.OfflineMean, "world.offline_mean", time.Second, 30*24*time.Hour)
	for key, share := range map[string]float64{
		"diurnal": w.Diurnal, "failure_rate": w.FailureRate, "slow_rate": w.SlowRate, "bad_visits": w.BadVisits, "bad_visit_failures": w.BadVisitFailures,
		"browsers": w.Browsers, "offline": w.Offline, "crashes": w.Crashes,
	} {
		c.share(share, "world."+key)
	}
}

func (c *checker) fault(f *Fault, s *Scenario, key string) {
	c.span(f.Start, key+".start", 0, s.Duration.Duration)
	c.span(f.Duration, key+".duration", time.Second, maxDuration)
	for name, d := range map[string]Span{"ramp": f.Ramp, "on": f.On, "off": f.Off, "retry": f.Retry} {
		c.span(d, key+"."+name, 0, maxDuration)
	}
	c.require((f.On.Duration == 0) == (f.Off.Duration == 0), key+".on", "want on and off together")
	c.count(len(f.Outcomes), key+".outcomes", 1, maxList)
	for o, weight := range f.Outcomes {
		c.outcome(o, key+".outcomes")
		c.number(weight, key+".outcomes."+o, 0, 1e9)
	}
	c.share(f.Share, key+".share")
	c.pick(&f.Scope, s, key+".scope")
	if f.Target != "" {
		c.known([]string{f.Target}, s.World.Targets, key+".target")
	}
	c.require(knownVerdict(f.Verdict), key+".verdict", "%q is no verdict", f.Verdict)
	c.require(len(f.Vantages) <= maxVantages, key+".vantages", "at most %d", maxVantages)
	for i, v := range f.Vantages {
		n := 0
		_, err := fmt.Sscanf(v, "v%d", &n)
		c.require(err == nil && n >= 1 && n <= s.Probes.Vantages, fmt.Sprintf("%s.vantages[%d]", key, i), "want one of v1 to v%d", s.Probes.Vantages)
	}
	if f.Collector != "" {
		n := 0
		_, err := fmt.Sscanf(f.Collector, "c%d", &n)
		c.require(err == nil && n >= 1 && n <= s.World.Collectors, key+".collector", "want one of c1 to c%d", s.World.Collectors)
	}
}

func (c *checker) pick(p *Pick, s *Scenario, key string) {
	w := &s.World
	c.share(p.NetworkShare, key+".network_share")
	c.share(p.CountryShare, key+".country_share")
	c.count(p.Networks, key+".networks", 0, w.Networks)
	c.count(p.Servers, key+".servers", 0, w.Servers)
	c.require(p.Networks == 0 || p.NetworkShare > 0, key+".networks", "want network_share, too")
	for name, n := range map[string]int{"asn": len(p.ASN), "country": len(p.Country), "server": len(p.Server), "version": len(p.Version), "os": len(p.OS), "protocol": len(p.Protocol), "collector": len(p.Collector)} {
		c.count(n, key+"."+name, 0, maxList)
	}
	versions := slices.Clone(w.Versions)
	for i := range s.Releases {
		versions = append(versions, s.Releases[i].Version)
	}
	c.known(p.Version, versions, key+".version")
	c.known(p.OS, systems, key+".os")
	c.known(p.Protocol, protocols, key+".protocol")
	c.known(p.Collector, collectorNames(w.Collectors), key+".collector")
}

// known refuses values that no request has: nothing would fail, and nobody would say why.
func (c *checker) known(values, all []string, key string) {
	for _, v := range values {
		c.require(slices.Contains(all, v), key, "no request has %q; want one of %s", v, strings.Join(all[:min(len(all), maxList)], ", "))
	}
}

func (c *checker) flood(f *Flood, s *Scenario, key string) {
	c.span(f.Start, key+".start", 0, s.Duration.Duration)
	c.span(f.Duration, key+".duration", time.Second, maxDuration)
	c.number(f.PerSecond, key+".per_second", 0.001, maxFlood)
	c.count(f.Tokens, key+".tokens", 0, maxClients)
	c.count(f.Prefixes, key+".prefixes", 0, maxClients)
	c.count(f.Invented, key+".invented", 0, maxClients)
	c.count(len(f.Server), key+".server", 0, maxList)
	c.outcome(f.Outcome, key+".outcome")
	c.number(f.Weight, key+".weight", 0, 1e6)
	c.pick(&f.From, s, key+".from")
}

func (c *checker) span(d Span, key string, least, most time.Duration) {
	c.require(d.Duration >= least && d.Duration <= most, key, "%v is not from %v to %v", d, least, most)
}

func (c *checker) count(n int, key string, least, most int) {
	c.require(n >= least && n <= most, key, "%d is not from %d to %d", n, least, most)
}

func (c *checker) number(x float64, key string, least, most float64) {
	c.require(x >= least && x <= most, key, "%v is not from %v to %v", x, least, most)
}

func (c *checker) share(x float64, key string) { c.number(x, key, 0, 1) }

func (c *checker) name1(s, key string) {
	c.require(s != "" && len(s) <= report.MaxString, key, "want 1 to %d bytes", report.MaxString)
}

func (c *checker) outcome(o, key string) {
	c.require(report.Outcome(o).Valid(), key, "%q is no outcome, such as tcp.refused", o)
}

func knownVerdict(v string) bool {
	switch model.Verdict(v) {
	case model.ServiceDown, model.ServerGroup, model.NetworkPath, model.DNS, model.Certificate, model.Release, model.Protocol, model.SlowAnswers,
		model.LastMile, model.CollectorPath, model.Forged, model.TooThin:
		return true
	}
	return false
}
