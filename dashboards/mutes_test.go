package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
)

// muteBook is a Mutes in memory, with room for ten.
type muteBook struct {
	mu  sync.Mutex
	all []model.Mute
}

func (b *muteBook) AddMute(_ context.Context, m model.Mute) (model.Mute, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.all) >= 10 {
		return m, fmt.Errorf("%w: too many", model.ErrQuery)
	}
	m.Number = int64(len(b.all) + 1)
	b.all = append(b.all, m)
	return m, nil
}

func (b *muteBook) EndMute(_ context.Context, number int64, at time.Time, who string) (model.Mute, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if number < 1 || int(number) > len(b.all) || b.all[number-1].Over(at) {
		return model.Mute{}, fmt.Errorf("%w: no such mute", model.ErrQuery)
	}
	m := &b.all[number-1]
	m.End, m.Ended, m.EndedBy = at, true, who
	return *m, nil
}

func (b *muteBook) Mutes(_ context.Context, since time.Time) ([]model.Mute, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.all), func(m model.Mute) bool { return !m.End.After(since) }), nil
}

// A mute by scope is seen at the incidents that lie within it, in their timelines and in the list,
// until it ends.
func TestMutesByScope(t *testing.T) {
	servers, err := heatmap.NewTopology([]heatmap.Server{{Name: "web-7", Address: "192.0.2.7:443", Region: "north", DataCentre: "east", Cluster: "web", Row: "r1"}})
	if err != nil {
		t.Fatal(err)
	}
	since := time.Now().Add(-time.Hour)
	at := func(servers ...string) model.Scope { return model.Scope{Servers: servers} }
	reader := &fakeReader{incidents: []model.Incident{
		{ID: 7, App: "shop", Target: "https://shop.example", Since: since, Scope: at("192.0.2.7:443")},
		{ID: 8, App: "shop", Target: "https://shop.example", Since: since, Scope: at("192.0.2.7:443", "192.0.2.8:443")},
	}}
	book := &muteBook{}
	_, url := serve(t, Options{Reader: reader, Journal: &journal{}, Mutes: book, Servers: heatmap.NewMap(servers)})
	client, err := api.NewClient(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	muted := func() (is []*api.Mute) {
		t.Helper()
		all, err := client.Incidents(t.Context(), 2*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return []*api.Mute{all[0].Muted, all[1].Muted}
	}
	if is := muted(); is[0] != nil || is[1] != nil {
		t.Errorf("without a mute: %+v", is)
	}
	m, err := client.AddMute(t.Context(), api.NewMute{Servers: []string{" */east/web/ "}, For: "2h", Reason: " new switches ", Who: "ada"})
	if err != nil || m.Number != 1 || m.State != api.MuteHolds || m.Words != "server */east/web" || m.Reason != "new switches" || m.End.Sub(m.Start) != 2*time.Hour || m.Known {
		t.Fatalf("%+v, %v", m, err)
	}
	if is := muted(); is[0] == nil || is[0].Number != 1 || is[0].Who != "ada" || !is[0].Until.Equal(m.End) || is[1] != nil {
		t.Errorf("%+v, want the first alone muted", is)
	}
	later := time.Now().Add(24 * time.Hour)
	if p, err := client.AddMute(t.Context(), api.NewMute{Target: "https://shop.example", Start: later, Reason: "x"}); err != nil || p.State != api.MutePlanned || p.End.Sub(p.Start) != time.Hour {
		t.Errorf("planned: %+v, %v", p, err)
	}
	if is := muted(); is[1] != nil {
		t.Errorf("by a planned one: %+v", is[1])
	}
	stream := openSections(t, http.DefaultClient, url, "mutes")
	defer stream.close()
	var whole api.Snapshot
	if err := json.Unmarshal([]byte(stream.wantNext("snapshot", "web")), &whole); err != nil {
		t.Fatal(err)
	}
	if section := whole.Mutes; len(section) != 2 || section[0].Words != m.Words {
		t.Errorf("the page's section: %+v", section)
	}
	ended, err := client.EndMute(t.Context(), 1, api.EndMute{Who: "bob"})
	if err != nil || ended.State != api.MuteOver || ended.EndedBy != "bob" || muted()[0] != nil {
		t.Errorf("%+v, %v", ended, err)
	}
	all, err := client.Mutes(t.Context(), 0)
	if err != nil || len(all) != 2 || !all[0].Ended {
		t.Errorf("%+v, %v", all, err)
	}
	var page api.IncidentPage
	_, text := fetch(t, url+"/api/v1/incident?id=7")
	if err := json.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, moment := range page.Timeline {
		told = append(told, moment.Kind+" "+moment.Text)
	}
	if text := strings.Join(told, "\n"); !strings.Contains(text, "mute ada had muted server */east/web: new switches") || !strings.Contains(text, "mute_over the mute ended") {
		t.Errorf("the timeline:\n%s", text)
	}
}

// Only what makes a mute is taken, from operators, and from no other site.
func TestMutesAreChecked(t *testing.T) {
	book := &muteBook{}
	_, url := serve(t, Options{Reader: &fakeReader{}, Journal: &journal{}, Mutes: book})
	mutes := url + "/api/v1/mutes"
	body := func(m api.NewMute) string {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ok := api.NewMute{Target: "https://shop.example", Reason: "x"}
	with := func(change func(m *api.NewMute)) string {
		m := ok
		change(&m)
		return body(m)
	}
	for name, c := range map[string]struct {
		url, body string
		header    []string
		want      int
	}{
		"no scope":         {mutes, `{"reason":"x"}`, nil, 400},
		"no reason":        {mutes, with(func(m *api.NewMute) { m.Reason = " " }), nil, 400},
		"too long":         {mutes, with(func(m *api.NewMute) { m.For = "8d" }), nil, 400},
		"no span":          {mutes, with(func(m *api.NewMute) { m.For = "soon" }), nil, 400},
		"in the past":      {mutes, with(func(m *api.NewMute) { m.Start = time.Now().Add(-time.Hour) }), nil, 400},
		"far ahead":        {mutes, with(func(m *api.NewMute) { m.Start = time.Now().Add(91 * 24 * time.Hour) }), nil, 400},
		"a long pattern":   {mutes, with(func(m *api.NewMute) { m.Target = strings.Repeat("x", model.MaxMuteValue+1) }), nil, 400},
		"many servers":     {mutes, with(func(m *api.NewMute) { m.Servers = slices.Repeat([]string{"x"}, model.MaxMuteValues+1) }), nil, 400},
		"an empty server":  {mutes, with(func(m *api.NewMute) { m.Servers = []string{" / "} }), nil, 400},
		"no country":       {mutes, with(func(m *api.NewMute) { m.Countries = []string{"de"} }), nil, 400},
		"a long name":      {mutes, with(func(m *api.NewMute) { m.Who = strings.Repeat("x", model.MaxNoteWho+1) }), nil, 400},
		"unknown members":  {mutes, `{"target":"x","reason":"y","until":"z"}`, nil, 400},
		"a long body":      {mutes, `{"target":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 400},
		"another site":     {mutes, body(ok), []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"no such mute":     {mutes + "/99/end", `{}`, nil, 400},
		"no end":           {mutes + "/1/begin", `{}`, nil, 405},
		"of another shape": {mutes + "/x/end", `{}`, nil, 405},
	} {
		if code, answer := send(t, c.url, "application/json", c.body, c.header...); code != c.want {
			t.Errorf("%s: %d, want %d: %s", name, code, c.want, answer)
		}
	}
	if len(book.all) != 0 {
		t.Errorf("stored: %+v", book.all)
	}
	for n := range 11 {
		if code, answer := send(t, mutes, "application/json", body(ok)); (code == 200) != (n < 10) {
			t.Errorf("mute %d: %d %s", n+1, code, answer)
		}
	}
	gate, err := access.New(access.Options{Settings: access.Settings{Proxy: access.Proxy{Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Header: "X-User", Operators: []string{"ada"}}}})
	if err != nil {
		t.Fatal(err)
	}
	book = &muteBook{}
	_, url = serve(t, Options{Reader: &fakeReader{}, Journal: &journal{}, Mutes: book, Access: gate})
	for who, want := range map[string]int{"vic": 403, "ada": 200} {
		if code, answer := send(t, url+"/api/v1/mutes", "application/json", body(ok), "X-User", who); code != want {
			t.Errorf("%s: %d, want %d: %s", who, code, want, answer)
		}
	}
	if len(book.all) != 1 || book.all[0].Who != "ada" || !book.all[0].Known {
		t.Errorf("%+v", book.all)
	}
	_, url = serve(t, Options{Reader: &fakeReader{}})
	if code, answer := send(t, url+"/api/v1/mutes", "application/json", body(ok)); code != 404 {
		t.Errorf("without a detector: %d %s", code, answer)
	}
}
