package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// A mute covers what lies within it, and nothing that reaches further.
func TestMuteScopeCovers(t *testing.T) {
	about := func(address string) []string {
		return map[string][]string{"192.0.2.6:443": {"café-1", "south"}, "192.0.2.7:443": {"web-7", "north/east/web/r1"}, "192.0.2.8:443": {"web-8", "north/east/web/r2"}, "192.0.2.9:443": {"db-1", "north/east/db"}}[address]
	}
	servers := func(last ...string) model.Scope {
		s := model.Scope{}
		for _, n := range last {
			s.Servers = append(s.Servers, "192.0.2."+n+":443")
		}
		return s
	}
	for name, c := range map[string]struct {
		mute model.MuteScope
		hit  model.Scope
		want bool
	}{
		"nothing":                    {model.MuteScope{}, servers("7"), false},
		"a target":                   {model.MuteScope{Target: "https://shop.example"}, model.Scope{}, true},
		"a pattern of targets":       {model.MuteScope{Target: "https://*.example"}, servers("7"), true},
		"another target":             {model.MuteScope{Target: "https://shop"}, model.Scope{}, false},
		"an application":             {model.MuteScope{App: "sho?"}, model.Scope{}, true},
		"one character of any kind":  {model.MuteScope{Servers: []string{"caf?-*"}}, servers("6"), true},
		"a star, then one character": {model.MuteScope{Servers: []string{"*f?-1"}}, servers("6"), true},
		"two characters for one":     {model.MuteScope{Servers: []string{"caf??-1"}}, servers("6"), false},
		"another application":        {model.MuteScope{App: "shop", Target: "https://api.example"}, model.Scope{}, false},
		"a server by its address":    {model.MuteScope{Servers: []string{"192.0.2.7:443"}}, servers("7"), true},
		"by its host":                {model.MuteScope{Servers: []string{"192.0.2.*"}}, servers("7", "8"), true},
		"by its name":                {model.MuteScope{Servers: []string{"web-*"}}, servers("7", "8"), true},
		"by its place":               {model.MuteScope{Servers: []string{"north/east/web"}}, servers("7", "8"), true},
		"by a part of its place":     {model.MuteScope{Servers: []string{"*/east/web"}}, servers("7", "8"), true},
		"one server more":            {model.MuteScope{Servers: []string{"web-*"}}, servers("7", "9"), false},
		"two patterns":               {model.MuteScope{Servers: []string{"web-*", "db-1"}}, servers("7", "9"), true},
		"everyone, and one server":   {model.MuteScope{Servers: []string{"*"}}, model.Scope{}, false},
		"a beginning is no place":    {model.MuteScope{Servers: []string{"north/ea"}}, servers("7"), false},
		"a network":                  {model.MuteScope{ASNs: []uint32{64501}}, model.Scope{ASNs: []uint32{64501}}, true},
		"a network more":             {model.MuteScope{ASNs: []uint32{64501}}, model.Scope{ASNs: []uint32{64501, 64502}}, false},
		"everyone, and one network":  {model.MuteScope{ASNs: []uint32{64501}}, model.Scope{}, false},
		"a country":                  {model.MuteScope{Countries: []string{"DE", "FR"}}, model.Scope{Countries: []string{"FR"}}, true},
		"a server for one network":   {model.MuteScope{Servers: []string{"web-7"}, ASNs: []uint32{64501}}, servers("7"), false},
		"a server of a network":      {model.MuteScope{Servers: []string{"web-7"}}, model.Scope{Servers: servers("7").Servers, ASNs: []uint32{64501}}, true},
		"a server and its target":    {model.MuteScope{Servers: []string{"web-7"}, Target: "https://shop.example"}, servers("7"), true},
		"many stars in a short time": {model.MuteScope{Target: strings.Repeat("*a", 60) + "b"}, model.Scope{}, false},
	} {
		i := model.Incident{App: "shop", Target: "https://shop.example", Scope: c.hit}
		if name == "many stars in a short time" {
			i.Target = strings.Repeat("a", 4000)
		}
		if got := c.mute.Covers(&i, about); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestMuteWords(t *testing.T) {
	for want, s := range map[string]model.MuteScope{
		"servers web-* and db-1 of https://shop.example": {Servers: []string{"web-*", "db-1"}, Target: "https://shop.example"},
		"server east/web":                    {Servers: []string{"east/web"}},
		"https://shop.example":               {Target: "https://shop.example"},
		"application shop from AS64501":      {App: "shop", ASNs: []uint32{64501}},
		"from DE and FR":                     {Countries: []string{"DE", "FR"}},
		"https://a.example of application b": {Target: "https://a.example", App: "b"},
	} {
		if got := s.Words(nil); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Of the mutes of an incident the one counts that ends last; planned ones do not count yet, and
// those that were ended before they began never did.
func TestMuteOf(t *testing.T) {
	now := time.Now()
	mute := func(number int64, from, to time.Duration) model.Mute {
		return model.Mute{Number: number, Scope: model.MuteScope{Target: "*"}, Start: now.Add(from), End: now.Add(to)}
	}
	mutes := []model.Mute{mute(1, -3*time.Hour, -2*time.Hour), mute(2, -time.Hour, time.Hour), mute(3, -time.Hour, -time.Minute), mute(4, time.Hour, 9*time.Hour), mute(5, -time.Hour, -2*time.Hour)}
	for at, want := range map[time.Duration]int64{0: 2, -90 * time.Minute: 1, 3 * time.Hour: 4, -4 * time.Hour: 0} {
		m := model.MuteOf(mutes, &model.Incident{Target: "x"}, nil, now.Add(at))
		if m == nil && want != 0 || m != nil && m.Number != want {
			t.Errorf("after %v: %+v, want %d", at, m, want)
		}
	}
	if m := model.MuteOf(mutes[:1], &model.Incident{Target: "x"}, nil, now); m == nil || !m.Over(now) || m.Holds(now) {
		t.Errorf("what has ended: %+v", m)
	}
}

// A mute of an incident holds for the same fault when it is there again, until somebody ends it.
func TestMutesOfEarlierIncidents(t *testing.T) {
	now := time.Now()
	mute := model.Note{Number: 3, Incident: 1, Kind: model.NoteMute, Text: "new switches", Until: now.Add(time.Hour)}
	j := model.Journal{Incident: 7, Notes: []model.Note{{Number: 9, Kind: model.NoteAck}}, Before: []model.Note{mute}}
	if m := j.Mute(); m == nil || m.Text != "new switches" || !j.MutedUntil().Equal(mute.Until) {
		t.Errorf("%+v, until %v", m, j.MutedUntil())
	}
	j.Notes = append(j.Notes, model.Note{Number: 10, Kind: model.NoteUnmute, At: now})
	if m := j.Mute(); m != nil || !j.MutedUntil().Equal(now) {
		t.Errorf("ended: %+v, until %v", m, j.MutedUntil())
	}
}
