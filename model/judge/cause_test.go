package judge

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// The headline of an incident with a verdict names the cause, and who is hit.
func TestCause(t *testing.T) {
	ridge := model.Scope{ASNs: []uint32{64502}}
	east := model.Scope{Servers: []string{"192.0.2.1:443"}}
	for name, c := range map[string]struct {
		verdict  model.Verdict
		scope    model.Scope
		change   func(*Facts, *model.Incident)
		headline string
	}{
		"the service":           {model.ServiceDown, model.Scope{}, nil, "shop.example is down for everyone"},
		"a part of the service": {model.ServiceDown, model.Scope{}, func(_ *Facts, i *model.Incident) { i.Failed = 30 }, "shop.example fails in part for everyone"},
		"by status":             {model.ServiceDown, model.Scope{Statuses: []uint16{503}}, nil, "shop.example is down with status 503"},
		"one server":            {model.ServerGroup, east, nil, "Server east-b-2 is down"},
		"one server, in part":   {model.ServerGroup, east, func(_ *Facts, i *model.Incident) { i.Failed = 30 }, "Server east-b-2 fails in part"},
		"two servers": {model.ServerGroup, model.Scope{Servers: []string{"192.0.2.1:443", "192.0.2.9:443"}}, nil,
			"Servers east-b-2 and 192.0.2.9:443 are down"},
		"one server for one network": {model.ServerGroup, model.Scope{Servers: east.Servers, ASNs: ridge.ASNs}, nil,
			"Server east-b-2 is down from Harbour Net (AS64502)"},
		"servers that nobody names": {model.ServerGroup, model.Scope{}, nil, "Some servers of shop.example are down"},
		"a network":                 {model.NetworkPath, ridge, nil, "Harbour Net (AS64502) cannot reach shop.example; your servers are up"},
		"a network, in part": {model.NetworkPath, ridge, func(_ *Facts, i *model.Incident) { i.Failed = 30 },
			"Harbour Net (AS64502) often cannot reach shop.example; your servers are up"},
		"a network, and a server is down": {model.NetworkPath, ridge, func(f *Facts, _ *model.Incident) { f.Servers = Servers{Up: 7, Down: 1} },
			"Harbour Net (AS64502) cannot reach shop.example; 1 of 8 servers down"},
		"a network, without probes": {model.NetworkPath, ridge, func(f *Facts, _ *model.Incident) { f.Servers = Servers{} },
			"Harbour Net (AS64502) cannot reach shop.example"},
		"a country": {model.NetworkPath, model.Scope{Countries: []string{"DE"}}, nil, "Clients from DE cannot reach shop.example; your servers are up"},
		"slow": {model.SlowAnswers, ridge, func(_ *Facts, i *model.Incident) {
			i.Requests, i.Failed, i.SlowerThan, i.UsuallySlow = 200, 76, 2*time.Second, 0.01
		},
			"shop.example answers slowly for Harbour Net (AS64502): 38 % of the requests take longer than 2 s, usually 1 %"},
		"slow everywhere": {model.SlowAnswers, model.Scope{}, func(_ *Facts, i *model.Incident) { i.Requests, i.Failed, i.UsuallySlow = 200, 76, 0.004 },
			"shop.example answers slowly: 38 % of the requests take too long, usually 0.4 %"},
		"a name": {model.DNS, model.Scope{Countries: []string{"DE"}}, func(_ *Facts, i *model.Incident) { i.Outcome = report.DNSNameNotResolved },
			"The name shop.example does not resolve from DE"},
		"a name that lies": {model.DNS, ridge, nil, "shop.example resolves to wrong addresses from Harbour Net (AS64502)"},
		"a certificate":    {model.Certificate, model.Scope{}, nil, "The certificate of shop.example is rejected for everyone"},
		"a release":        {model.Release, model.Scope{Versions: []string{"2.1"}}, nil, "shop.example fails in version 2.1"},
		"a protocol":       {model.Protocol, model.Scope{Protocols: []string{"h3"}}, nil, "shop.example fails over h3"},
		"no verdict":       {"", ridge, nil, "Requests to https://shop.example fail from Harbour Net (AS64502): tcp.reset"},
	} {
		f := usual()
		f.ServerName = func(address string) string { return map[string]string{"192.0.2.1:443": "east-b-2"}[address] }
		i := shop(2, 30, c.scope)
		i.Verdict, i.Page, i.Failed, i.Requests, i.Networks = c.verdict, true, 90, 100, 1
		if c.change != nil {
			c.change(&f, &i)
		}
		f.Incidents = []model.Incident{i}
		j := Overall(f)
		if j.Headline != c.headline {
			t.Errorf("%s: %s\nwant %s", name, j.Headline, c.headline)
		}
		if j.Subject.Incident == nil || j.Subject.Incident.ID != 2 {
			t.Errorf("%s: it is about %+v, want the incident", name, j.Subject)
		}
	}
}

func TestSubjectAndWho(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Facts)
		who    string
		target string
	}{
		"calm": {func(*Facts) {}, "", ""},
		"too few to judge": {func(f *Facts) {
			f.Targets = []Sum{{Name: "https://shop.example", Failed: 40, Clients: 20, AtMost: true}}
		},
			"up to 20 clients", "https://shop.example"},
		"a dead collector": {func(f *Facts) { f.Collectors = []Sum{dead("c1")} }, "", "collector:c1"},
	} {
		f := usual()
		c.change(&f)
		if j := Overall(f); j.Who != c.who || j.Subject.Target != c.target || j.Subject.Incident != nil {
			t.Errorf("%s: %q of %+v, want %q of %q", name, j.Who, j.Subject, c.who, c.target)
		}
	}
	f := usual()
	i := shop(2, 30, model.Scope{ASNs: []uint32{64502}})
	i.Networks = 1
	f.Incidents = []model.Incident{i}
	if got, want := Overall(f).Who, "30 clients in 1 network"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
