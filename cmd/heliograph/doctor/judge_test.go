package doctor

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

var now = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func shop() Facts {
	return Facts{Name: "shop.example", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8:1::10")},
		ASNs: []uint32{64500}, Domain: "shop.example", NameServers: []string{"ns1.shop.example"}, Authority: "Root A"}
}

func sound(id, address string, asn uint32) Facts {
	return Facts{Name: "collector " + id, Addresses: []netip.Addr{netip.MustParseAddr(address)}, ASNs: []uint32{asn}, Domain: id + ".example",
		NameServers: []string{"ns." + id + ".example"}, Authority: "Root " + id, Expires: now.AddDate(0, 2, 0)}
}

func goodPolicy() *policy.Policy {
	return &policy.Policy{Issued: now.AddDate(0, -1, 0).Unix(), Expires: now.AddDate(0, 2, 0).Unix(), Collectors: []policy.Collector{
		{ID: "c1", URL: "https://c1.example", Addresses: []string{"198.51.100.1:443"}}, {ID: "c2", URL: "https://c2.example", Addresses: []string{"203.0.113.1:443"}}}}
}

func TestSoundCollectorsAreGood(t *testing.T) {
	findings := Judge([]Facts{shop()}, []Facts{sound("c1", "198.51.100.1", 64501), sound("c2", "203.0.113.1", 64502)}, goodPolicy(), now)
	if len(findings) != 3 || Worst(findings) != Good {
		t.Errorf("%+v", findings)
	}
}

func TestEveryFaultIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(service, c1, c2 *Facts, p *policy.Policy)
		worst  Severity
		want   string
	}{
		"address":     {func(s, c, _ *Facts, _ *policy.Policy) { c.Addresses = s.Addresses[:1] }, Bad, "address 192.0.2.10 with shop.example"},
		"prefix":      {func(_, c, _ *Facts, _ *policy.Policy) { c.Addresses[0] = netip.MustParseAddr("192.0.2.99") }, Bad, "prefix 192.0.2.0/24 with shop.example"},
		"IPv6 prefix": {func(_, c, _ *Facts, _ *policy.Policy) { c.Addresses[0] = netip.MustParseAddr("2001:db8:1:2::1") }, Bad, "prefix 2001:db8:1::/48"},
		"ASN":         {func(_, c, _ *Facts, _ *policy.Policy) { c.ASNs = []uint32{64500} }, Bad, "AS64500 with shop.example"},
		"domain":      {func(_, c, _ *Facts, _ *policy.Policy) { c.Domain = "shop.example" }, Bad, "domain shop.example"},
		"name server": {func(_, c, _ *Facts, _ *policy.Policy) { c.NameServers = []string{"ns1.shop.example"} }, Bad, "name server ns1.shop.example"},
		"authority":   {func(_, c, _ *Facts, _ *policy.Policy) { c.Authority = "Root A" }, Warning, "authority Root A"},
		"each other":  {func(_, c1, c2 *Facts, _ *policy.Policy) { c2.ASNs = c1.ASNs }, Warning, "AS64501 with collector c1"},
		"unreachable": {func(_, c, _ *Facts, _ *policy.Policy) { c.Faults = []string{"does not answer by its name"} }, Bad, "does not answer"},
		"unknown":     {func(_, c, _ *Facts, _ *policy.Policy) { c.Unknown = []string{"no name servers"} }, Unsure, "no name servers"},
		"ends soon":   {func(_, c, _ *Facts, _ *policy.Policy) { c.Expires = now.AddDate(0, 0, 3) }, Warning, "expires on 2030-06-04"},
		"has ended":   {func(_, c, _ *Facts, _ *policy.Policy) { c.Expires = now.AddDate(0, 0, -1) }, Bad, "expires on 2030-05-31"},
		"clock":       {func(_, c, _ *Facts, _ *policy.Policy) { c.ClockOffset = -time.Minute }, Warning, "clock differs from ours by -1m0s"},
		"disabled":    {func(_, _, _ *Facts, p *policy.Policy) { p.Disabled = true }, Bad, "disabled"},
		"expired":     {func(_, _, _ *Facts, p *policy.Policy) { p.Expires = now.Unix() - 1 }, Bad, "has expired"},
		"expires":     {func(_, _, _ *Facts, p *policy.Policy) { p.Expires = now.AddDate(0, 0, 7).Unix() }, Warning, "expires on 2030-06-08"},
		"old":         {func(_, _, _ *Facts, p *policy.Policy) { p.Issued = now.AddDate(-2, 0, 0).Unix() }, Warning, "over a year old"},
		"no fallback": {func(_, _, _ *Facts, p *policy.Policy) { p.Collectors[1].Addresses = nil }, Warning, "collector c2 no fallback"},
	} {
		t.Run(name, func(t *testing.T) {
			service, c1, c2, p := shop(), sound("c1", "198.51.100.1", 64501), sound("c2", "203.0.113.1", 64502), goodPolicy()
			tt.change(&service, &c1, &c2, p)
			findings := Judge([]Facts{service}, []Facts{c1, c2}, p, now)
			if Worst(findings) != tt.worst {
				t.Errorf("worst is %v, want %v: %+v", Worst(findings), tt.worst, findings)
			}
			for _, f := range findings {
				if strings.Contains(f.Text, tt.want) {
					return
				}
			}
			t.Errorf("nothing says %q: %+v", tt.want, findings)
		})
	}
}

func TestASingleCollectorIsAWarning(t *testing.T) {
	findings := Judge([]Facts{shop()}, []Facts{sound("c1", "198.51.100.1", 64501)}, goodPolicy(), now)
	if Worst(findings) != Warning || !strings.Contains(findings[1].Text, "one collector only") {
		t.Errorf("%+v", findings)
	}
}
