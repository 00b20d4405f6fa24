package browser

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// found is what the vantages of a test hold of servers; see dashboards.Probes.
type found []model.ProbedServer

func (f found) Probed(q model.ProbedQuery) (servers []model.ProbedServer, total int) {
	for _, s := range f {
		if (q.Server == "" || s.Target.Name == q.Server) && (q.Reach == "" || s.Reach == q.Reach) {
			servers = append(servers, s)
		}
	}
	return servers[:min(len(servers), q.Limit)], len(servers)
}

// vantagesSaw is a server that is down for all, one that is down for some, and one that is up; a
// vantage doubts itself.
func vantagesSaw() found {
	at := time.Now().Add(-5 * time.Second)
	finding := func(vantage string, asn uint32, judged report.Judgement, outcome report.Outcome, steps ...model.ProbeStep) model.Finding {
		return model.Finding{Holds: true, Began: at.Add(-3 * time.Minute), ProbeResult: model.ProbeResult{At: at, Vantage: vantage, VantageASN: asn, Judgement: judged,
			Outcome: outcome, Steps: steps, Server: "192.0.2.7:443"}}
	}
	server := func(name string, reach model.ProbeReach, saw ...model.Finding) model.ProbedServer {
		return model.ProbedServer{Target: model.ProbeTarget{Name: name, Address: "192.0.2.7:443", Kind: "tcp", Cluster: "web"}, Reach: reach, Since: at.Add(-3 * time.Minute), Found: saw}
	}
	up := func(vantage string, asn uint32) model.Finding {
		return finding(vantage, asn, report.JudgedUp, report.OK)
	}
	doubts := finding("v3", 64503, report.JudgedInconclusive, report.DNSUnreachable, model.ProbeStep{Name: "dns", Took: 5 * time.Second})
	dns := model.ProbeStep{Name: "dns", Took: 12 * time.Millisecond}
	refused := finding("v1", 64501, report.JudgedDown, report.TCPRefused, dns, model.ProbeStep{Name: "connect", Took: 1500 * time.Microsecond})
	timedOut := finding("v2", 64502, report.JudgedDown, report.TCPTimedOut, dns, model.ProbeStep{Name: "connect", Took: 3 * time.Second})
	all := found{server("web-7", model.ProbesGlobal, refused, timedOut, doubts), server("web-2", model.ProbesLocal, up("v1", 64501), timedOut, doubts)}
	for i := range 12 {
		all = append(all, server("web-1"+strings.Repeat("x", i), model.ProbesUp, up("v1", 64501), up("v2", 64502), doubts))
	}
	return all
}

// TestVantages: the matrix shows three states and doubt, by text as well as by colour; keys go
// through it and tell phases; a server's own address shows why it is down.
func TestVantages(t *testing.T) {
	all := glances(t)
	g := &all[slices.IndexFunc(all, func(g glance) bool { return g.Name == "calm" })]
	o := g.world(t).stored(t)
	o.Probes, o.VantageCountries = vantagesSaw(), map[string]string{"v1": "DE", "v2": "US"}
	url, _ := o.serve(t, "127.0.0.1:0")
	ca, err := devca.New("Vantages test authority")
	if err != nil {
		t.Fatal(err)
	}
	ctx := chromium(t, ca)
	open(t, ctx, url+"/#/vantages", 1280, 900, "light")
	becomes(t, ctx, `[...document.querySelectorAll(".matrix tbody tr:first-child td.saw")].map((e) => e.innerText.trim().split("\n").pop()).join() === "down,down,in doubt"`)
	becomes(t, ctx, `document.querySelector(".matrix tbody tr:first-child td:last-child").innerText.includes("tcp.refused in connect (1 of 2 vantages)")`)
	picture(t, ctx, "vantages-1280-light")
	err = chromedp.Do(ctx, chromedp.Focus(chromedp.CSS(".matrix")), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowRight))
	if err != nil {
		t.Fatal(err)
	}
	becomes(t, ctx, `document.querySelector(".vantages .readout").innerText.startsWith("web-7 from v2 (Net 2): down for 3 min") &&
		document.querySelector(".vantages .readout").innerText.endsWith("in connect; dns 12 ms, connect 3.0 s")`)
	if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.Enter)); err != nil {
		t.Fatal(err)
	}
	becomes(t, ctx, `location.hash === "#/vantages?server=web-7" && document.body.innerText.includes("web-7 is down for all")`)
	picture(t, ctx, "vantage-server-1280-light")
	open(t, ctx, url+"/#/vantages?server=gone", 390, 844, "dark")
	becomes(t, ctx, `document.body.innerText.includes("No server of this name is probed") && document.documentElement.scrollWidth <= 390`)
	picture(t, ctx, "vantages-390-dark")
	open(t, ctx, url+"/#/reach?show=map", 1280, 900, "dark")
	becomes(t, ctx, `document.querySelectorAll(".world-map .vantage").length === 2 && document.body.innerText.includes("without a place: Vantage v3: 0 up, 0 down, 14 in doubt")`)
	picture(t, ctx, "map-vantages-1280-dark")
}
