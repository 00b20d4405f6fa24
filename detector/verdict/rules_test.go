package verdict

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// outage returns a broad failure with enough evidence for any verdict, as changed by change.
func outage(change ...func(*Facts)) *Facts {
	f := &Facts{
		Target:   "https://shop.example",
		Outcomes: []Outcome{{report.TCPTimedOut, 400}},
		Inside:   Count{450, 500, 20}, Elsewhere: Count{40, 1000, 45},
		Breadth: Breadth{300, 200, 40}, Needed: Breadth{24, 8, 3}, NeededExcess: 10,
		Reporters: Reporters{Sources: 200, Loudest: 0.02, Fresh: 0.1, Surge: 1},
	}
	for _, c := range change {
		c(f)
	}
	return f
}

func from(asns ...uint32) func(*Facts) {
	return func(f *Facts) { f.Scope.ASNs = asns }
}

func at(servers ...string) func(*Facts) {
	return func(f *Facts) { f.Scope.Servers = servers }
}

func in(countries ...string) func(*Facts) {
	return func(f *Facts) { f.Scope.Countries = countries }
}

func version(v ...string) func(*Facts) {
	return func(f *Facts) { f.Scope.Versions = v }
}

func over(p ...string) func(*Facts) {
	return func(f *Facts) { f.Scope.Protocols = p }
}

func failing(o report.Outcome) func(*Facts) {
	return func(f *Facts) { f.Outcomes = []Outcome{{o, 400}, {report.TCPReset, 30}} }
}

// probed adds vantages in networks of their own.
func probed(updown ...[2]int) func(*Facts) {
	return func(f *Facts) {
		for i, p := range updown {
			f.Vantages = append(f.Vantages, Vantage{Name: "v" + string(rune('1'+i)), ASN: 65000 + uint32(i), Up: p[0], Down: p[1]})
		}
	}
}

// atUp has nearly all failures at servers that the probers reach.
func atUp(f *Facts) { f.AtUp = 0.95 }

func thin(f *Facts) {
	f.Inside, f.Breadth = Count{6, 7, 0.1}, Breadth{3, 3, 2}
}

func oneMachine(f *Facts) {
	f.Breadth = Breadth{1000, 1, 1}
	f.Reporters = Reporters{Sources: 1, Loudest: 1, Fresh: 0, Surge: 80, ASNs: []uint32{64666}}
}

func lonely(f *Facts) {
	f.Clients = Clients{Active: 4000, Targets: 3, Everywhere: 0.9, Recovered: 0.8, Offline: 0.7}
}

func scattered(f *Facts) {
	f.Clients = Clients{Active: 4000, Targets: 3, Everywhere: 0.9, Recovered: 0.8}
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name  string
		facts *Facts
		want  model.Verdict
		says  string // part of the first sentence
	}{
		{"everyone", outage(), model.ServiceDown, "the service fails for everyone"},
		{"a part for everyone", outage(func(f *Facts) { f.Inside = Count{150, 1000, 50} }), model.ServiceDown, "a part of the requests fails"},
		{"one network", outage(from(64501)), model.NetworkPath, "only requests from AS64501 fail"},
		{"one country", outage(in("SE")), model.NetworkPath, "only requests from SE fail"},
		{"one server", outage(at("192.0.2.1:443")), model.ServerGroup, "only requests to 192.0.2.1:443 fail"},
		{"several servers", outage(at("a", "b", "c")), model.ServerGroup, "only requests to a, b and c fail"},
		{"one server from one country", outage(at("a"), in("SE")), model.NetworkPath, "a cannot be reached from SE, and can from elsewhere"},
		{"names everywhere", outage(failing(report.DNSNameNotResolved)), model.DNS, "names do not resolve: "},
		{"names in a country", outage(failing(report.DNSTimedOut), in("SE")), model.DNS, "names do not resolve from SE"},
		{"hijack", outage(func(f *Facts) {
			f.Outcomes = []Outcome{{report.TLSCertNameInvalid, 300}, {report.DNSAddressChanged, 60}}
		}, in("SE")), model.DNS, "somebody else may answer"},
		{"strange servers", outage(failing(report.TLSCertAuthorityInvalid), in("SE"), func(f *Facts) { f.Strange = 0.98 }), model.DNS,
			"only clients from SE are sent to servers that nobody asked before"},
		{"a new server with a bad certificate", outage(failing(report.TLSCertNameInvalid), at("a"), func(f *Facts) { f.Strange = 1 }), model.Certificate, ""},
		{"certificate", outage(failing(report.TLSCertDateInvalid)), model.Certificate, "clients reject the certificate"},
		{"certificate of one server", outage(failing(report.TLSCertDateInvalid), at("a")), model.Certificate, "clients reject the certificate at a"},
		{"certificate on one path", outage(failing(report.TLSCertAuthorityInvalid), from(64501)), model.NetworkPath, "only requests from AS64501"},
		{"release", outage(version("1.5.0")), model.Release, "only clients with version 1.5.0 fail"},
		{"release on one system", outage(version("1.5.0"), func(f *Facts) { f.Scope.Systems = []string{"ios"} }), model.Release, "version 1.5.0 on ios fail"},
		{"release in one network", outage(version("1.5.0"), from(64501)), model.Release, "only clients with version 1.5.0 from AS64501 fail: stop its rollout"},
		{"one system in one network", outage(from(64501), func(f *Facts) { f.Scope.Systems = []string{"ios"} }), model.Release,
			"only clients on ios from AS64501 fail: look for what is different there"},
		{"release with a wrong name", outage(version("1.5.0"), failing(report.DNSNameNotResolved)), model.Release, "stop its rollout"},
		{"QUIC", outage(over("h3")), model.Protocol, "only requests over h3 fail"},
		{"QUIC on two servers", outage(over("h3"), at("a", "b")), model.Protocol, "only requests over h3 at a and b fail"},
		{"HTTP/2 by its outcome", outage(failing(report.H2ProtocolError)), model.Protocol, "failures are of HTTP/2"},
		{"HTTP/3 by its outcomes", outage(func(f *Facts) {
			f.Outcomes = []Outcome{{report.H3ProtocolError, 150}, {report.UDPTimedOut, 100}, {report.TCPTimedOut, 150}}
		}), model.Protocol, "of HTTP/3 and UDP"},
		{"several protocols in a network that breaks down", outage(from(64501), func(f *Facts) {
			f.Outcomes = []Outcome{{report.TCPTimedOut, 4}, {report.TCPFailed, 2}, {report.H2ProtocolError, 3}, {report.H3ProtocolError, 3}}
		}), model.NetworkPath, "only requests from AS64501"},
		{"offline clients", outage(lonely), model.LastMile, "90 % of the clients that are hit failed at each of 3 targets"},
		{"scattered clients", outage(scattered), model.LastMile, "90 %"},
		{"delivery", outage(func(f *Facts) {
			f.Delivery, f.Collectors = true, []Collector{{"c1", 10, 400}, {"c2", 390, 0}}
		}), model.CollectorPath, "most deliveries to c1 fail, and reports arrive by 1 other collector"},
		{"no collector works", outage(func(f *Facts) {
			f.Delivery, f.Collectors = true, []Collector{{"c1", 10, 400}}
		}), model.CollectorPath, "clients keep their reports"},
		{"deliveries to two collectors", outage(func(f *Facts) {
			f.Delivery, f.Scope.Collectors = true, []string{"c1", "c2"}
		}), model.CollectorPath, "450 of 500 deliveries to c1 and c2 failed"},
		{"reported through one collector", outage(func(f *Facts) { f.Scope.Collectors = []string{"c1"} }), model.CollectorPath, "suspect the collector"},
		{"one machine", outage(oneMachine), model.Forged, "100 % of the failures are reported by one source (1,000 clients claimed)"},
		{"strangers", outage(func(f *Facts) { f.Reporters = Reporters{Sources: 30, Loudest: 0.6, Fresh: 0.9, Surge: 1} }), model.Forged, "60 %"},
		{"a crowd behind one prefix", outage(func(f *Facts) {
			f.Reporters = Reporters{Sources: 2, Loudest: 0.9, Tokens: 24}
		}), model.Forged, "90 %"},
		{"persistence", outage(func(f *Facts) { f.Missing = []string{"1 of 3 bins"} }), model.TooThin, "too little to act on: 1 of 3 bins"},
		{"few", outage(thin), model.TooThin, "3 clients of the 24 needed, 3 address prefixes of the 8 needed, 2 networks of the 3 needed and 6 failures"},
		{"few failures", outage(func(f *Facts) { f.Inside = Count{7, 500, 2} }), model.TooThin, "5 failures beyond expectation of the 10 needed"},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, c.facts, c.want, c.says) })
	}
}

// If two rules would hold, the first decides.
func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		name  string
		facts *Facts
		want  model.Verdict
		says  string
	}{
		{"one machine tells of a network", outage(oneMachine, from(64501)), model.Forged, ""},
		{"one machine tells of a collector", outage(oneMachine, func(f *Facts) { f.Delivery = true }), model.Forged, ""},
		{"a usual crowd behind one prefix", outage(from(64501), func(f *Facts) {
			f.Reporters = Reporters{Sources: 2, Loudest: 0.9, Tokens: 24, Surge: 1.2}
		}), model.NetworkPath, ""},
		{"others confirm one machine", outage(oneMachine, func(f *Facts) {
			f.Reporters.Others, f.Breadth.Networks, f.Breadth.Buckets = Count{60, 80, 4}, 20, 40
		}), model.ServiceDown, ""},
		{"probers confirm one machine", outage(oneMachine, at("a"), probed([2]int{0, 1}, [2]int{0, 1})), model.ServerGroup, "2 of 2 vantages"},
		{"a small network behind one prefix", outage(from(64501), func(f *Facts) {
			f.Breadth, f.Reporters = Breadth{30, 1, 1}, Reporters{Sources: 1, Loudest: 1, Surge: 1}
			f.Needed.Buckets = 1
		}), model.NetworkPath, ""},
		{"probers confirm few reports", outage(thin, at("a"), probed([2]int{0, 1}, [2]int{0, 1})), model.ServerGroup, ""},
		{"one vantage does not", outage(thin, at("a"), probed([2]int{0, 1}, [2]int{1, 0})), model.TooThin, ""},
		{"two vantages of one network do not", outage(thin, at("a"), func(f *Facts) {
			f.Vantages = []Vantage{{"v1", 65000, 0, 1, false}, {"v2", 65000, 0, 1, false}, {"v3", 65001, 1, 0, false}}
		}), model.TooThin, ""},
		{"few and everywhere", outage(thin, lonely, from(64501)), model.LastMile, ""},
		{"a whole network everywhere", outage(lonely, from(64501)), model.NetworkPath, ""},
		{"all origins of a service", outage(func(f *Facts) {
			f.Clients = Clients{Active: 310, Targets: 40, Everywhere: 1, Recovered: 0.9}
		}), model.ServiceDown, ""},
		{"everywhere, and probers find it down", outage(lonely, probed([2]int{0, 4}, [2]int{0, 4})), model.ServiceDown, ""},
		{"still failing", outage(lonely, func(f *Facts) { f.Clients.Recovered = 0.1 }), model.ServiceDown, ""},
		{"one target", outage(lonely, func(f *Facts) { f.Clients.Targets = 1 }), model.ServiceDown, ""},
		{"a network, and the servers are down", outage(from(64501), probed([2]int{0, 3}, [2]int{0, 3})), model.ServiceDown, "2 of 2 vantages elsewhere"},
		{"a network, and some servers are down", outage(from(64501), probed([2]int{2, 1}, [2]int{2, 1})), model.ServerGroup, ""},
		{"a network, and its own vantage fails", outage(from(64501), probed([2]int{3, 0}, [2]int{3, 0}), func(f *Facts) {
			f.Vantages = append(f.Vantages, Vantage{"inside", 64501, 0, 3, false})
		}), model.NetworkPath, ""},
		{"a server from a country, and it is down", outage(at("a"), in("SE"), probed([2]int{0, 1}, [2]int{0, 1})), model.ServerGroup, ""},
		{"everyone, and some servers are down", outage(probed([2]int{2, 1}, [2]int{2, 1}, [2]int{3, 0})), model.ServerGroup, ""},
		{"a network, and servers are down where others fail", outage(from(64501), probed([2]int{2, 1}, [2]int{2, 1}), atUp), model.NetworkPath, "only requests from AS64501"},
		{"a part for everyone, and some servers are down by chance", outage(probed([2]int{2, 1}, [2]int{2, 1}), atUp), model.ServiceDown, ""},
		{"few, and servers are down where others fail", outage(thin, from(64501), probed([2]int{2, 1}, [2]int{2, 1}), atUp), model.TooThin, ""},
		{"everyone, and probers reach all", outage(probed([2]int{3, 0}, [2]int{3, 0})), model.ServiceDown, ""},
		{"a release over QUIC", outage(version("2"), over("h3")), model.Release, ""},
		{"names over QUIC", outage(over("h3"), failing(report.DNSFailed)), model.DNS, ""},
		{"nothing known", &Facts{}, model.ServiceDown, ""},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, c.facts, c.want, c.says) })
	}
}

// The first words about a fault do not claim to know who else is hit.
func TestSoFar(t *testing.T) {
	early := func(f *Facts) { f.Early = true }
	half := func(f *Facts) { f.Covered = 0.52 }
	for _, c := range []struct {
		facts *Facts
		says  string
		not   string
	}{
		{outage(from(64501), early), "so far only requests from AS64501 fail", "others are hit"},
		{outage(from(64501, 64502), half), "that is 52 % of the failures beyond expectation: others are hit, too", ""},
		{outage(version("1.5.0"), early), "so far only clients with version 1.5.0 fail", ""},
		{outage(early, func(f *Facts) { f.Inside.Failed = 60 }), "a part of the requests fails, and so far nobody stands out", "for everyone alike"},
		{outage(early), "most requests fail, and so far nobody stands out", "for everyone"},
		{outage(from(64501), func(f *Facts) { f.Covered = 0.97 }), "only requests from AS64501 fail", "so far"},
	} {
		got := texts(Judge(c.facts))
		if !strings.Contains(got, c.says) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("want %q, not %q:\n%s", c.says, c.not, got)
		}
	}
}

// What is too thin says so when few clients make any number of failures.
func TestRetriesInALoop(t *testing.T) {
	r := Judge(outage(thin, func(f *Facts) { f.Clients.Looping = 0.9 }))
	if !strings.Contains(texts(r), "90 % of the failures are of clients that retry in a loop") {
		t.Error(texts(r))
	}
	if strings.Contains(texts(Judge(outage(thin))), "loop") {
		t.Error("says so of others")
	}
}

func check(t *testing.T, f *Facts, want model.Verdict, says string) {
	t.Helper()
	got := Judge(f)
	if got.Verdict != want || len(got.Evidence) == 0 || !strings.Contains(got.Evidence[0].Text, says) {
		t.Errorf("%s, want %s with %q\n%s", got.Verdict, want, says, texts(got))
	}
	if quiet := want == model.LastMile || want == model.Forged || want == model.TooThin; got.Page == quiet {
		t.Errorf("%s pages: %v", got.Verdict, got.Page)
	}
	late := *f
	late.Late = true
	if l := Judge(&late); l.Page || l.Evidence[len(l.Evidence)-1].Code != model.SignalLate {
		t.Errorf("of the past: pages %v, %s", l.Page, texts(l))
	}
	seen := make(map[model.SignalCode]bool)
	for _, s := range got.Evidence {
		if s.Code == "" || s.Text == "" || seen[s.Code] || strings.Contains(s.Text, "%!") || strings.HasSuffix(s.Text, ".") {
			t.Errorf("signal %+v", s)
		}
		seen[s.Code] = true
	}
}

func texts(r Result) string {
	var b strings.Builder
	for _, s := range r.Evidence {
		b.WriteString(string(s.Code) + ": " + s.Text + "\n")
	}
	return b.String()
}

// The verdict Forged names the networks of the reports, never those that the reports are about.
func TestForgedNamesItsSources(t *testing.T) {
	got := Judge(outage(oneMachine, from(64501), at("a")))
	if len(got.Scope.Servers) != 0 || len(got.Scope.ASNs) != 1 || got.Scope.ASNs[0] != 64666 {
		t.Errorf("%+v", got.Scope)
	}
	nobody := Judge(outage(oneMachine, from(64501), func(f *Facts) { f.Reporters.ASNs = nil }))
	if !nobody.Scope.Everyone() {
		t.Errorf("%+v", nobody.Scope)
	}
}

// What the probers found before the failures began is not told as what they find now, and they tell
// nothing about collectors, which they do not probe.
func TestProbersThatHaveNotJudgedYet(t *testing.T) {
	found := func(change ...func(*Facts)) string {
		for _, s := range Judge(outage(change...)).Evidence {
			if strings.HasPrefix(string(s.Code), "probes") {
				return s.Text
			}
		}
		return ""
	}
	before := func(f *Facts) {
		for i := range f.Vantages {
			f.Vantages[i].Before = true
		}
	}
	none := probed([2]int{0, 0})
	const pending = "the probers have not judged the servers since the failures began"
	for _, c := range []struct {
		got, want string
	}{
		{found(probed([2]int{1, 0})), "1 of 1 vantage reaches the servers"},
		{found(probed([2]int{1, 0}), before), pending},
		{found(none), pending},
		{found(probed([2]int{0, 1})), "only 1 vantage elsewhere can tell, and does not reach the servers: v1"},
		{found(probed([2]int{1, 0}), before, func(f *Facts) { f.Vantages = append(f.Vantages, Vantage{"late", 64999, 1, 0, false}) }), "1 of 1 vantage reaches the servers"},
		{found(), ""},
		{found(probed([2]int{1, 0}), func(f *Facts) { f.Delivery = true }), ""},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
