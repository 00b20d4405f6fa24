package dashboards

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
)

func TestServers(t *testing.T) {
	m := fleet(t, 12)
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i := range 11 {
		m.Set(i, heatmap.Up, at)
	}
	m.Set(6, heatmap.Down, at.Add(time.Minute))
	reader := &fakeReader{servers: []model.ServerCount{{Server: "192.0.2.7:443", OK: 30, Failed: 12}, {Server: "198.51.100.1:443", Failed: 3}}}
	d, url := serve(t, Options{Reader: reader, Servers: m})
	wantJSON(t, url+"/api/v1/servers?first=6&limit=1", fmt.Sprintf(`{
		"count":12,"up":10,"down":1,"unknown":1,"changed":"2026-11-22T12:01:00Z","topology":"%s-0","states":"%s-12",
		"data_centres":[
			{"name":"fra","first":0,"count":10,"up":9,"down":1,"unknown":0,"clusters":[
				{"name":"c1","first":0,"count":10,"up":9,"down":1,"unknown":0,"rows":[
					{"name":"r1","first":0,"count":5,"up":5,"down":0,"unknown":0},
					{"name":"r2","first":5,"count":5,"up":4,"down":1,"unknown":0}]}]},
			{"name":"ams","first":10,"count":2,"up":1,"down":0,"unknown":1,"clusters":[
				{"name":"c1","first":10,"count":2,"up":1,"down":0,"unknown":1,"rows":[
					{"name":"r1","first":10,"count":2,"up":1,"down":0,"unknown":1}]}]}],
		"servers":[{"index":6,"name":"web-ga","address":"192.0.2.7:443","data_centre":"fra","cluster":"c1","row":"r2","state":"down",
			"since":"2026-11-22T12:01:00Z","ok":30,"failed":12}]}`, d.boot, d.boot))
	_, body := fetch(t, url+"/api/v1/servers?state=unknown")
	if !bytes.Contains(body, []byte(`"servers":[{"index":11,"name":"web-la","address":"192.0.2.3:443","data_centre":"ams","cluster":"c1","row":"r1","state":"unknown"}]`)) {
		t.Errorf("state=unknown: %s", body)
	}
	_, body = fetch(t, url+"/api/v1/servers?name=B-L&limit=5&topology=*")
	if !bytes.Contains(body, []byte(`"servers":[{"index":11,"name":"web-la",`)) || bytes.Count(body, []byte(`"index"`)) != 1 {
		t.Errorf("name=B-L: %s", body)
	}
	before := reader.count()
	_, body = fetch(t, url+"/api/v1/servers?limit=0")
	if !bytes.Contains(body, []byte(`"servers":[]`)) || reader.count() != before {
		t.Errorf("limit=0 asks the store or lists servers: %s", body)
	}
}

func TestServersBits(t *testing.T) {
	for n, want := range map[int]map[string]string{
		0:  {"up": "", "down": "", "unknown": ""},
		8:  {"up": "\x05", "down": "\x02", "unknown": "\xf8"},
		11: {"up": "\x05\x00", "down": "\x02\x00", "unknown": "\xf8\x07"},
	} {
		m := fleet(t, n)
		for i, s := range []heatmap.State{heatmap.Up, heatmap.Down, heatmap.Up} {
			m.Set(i, s, time.Now())
		}
		_, url := serve(t, Options{Reader: &fakeReader{}, Servers: m})
		for state, bits := range want {
			resp, body := fetch(t, url+"/api/v1/servers.bits?state="+state)
			if string(body) != bits || resp.Header.Get("Content-Type") != "application/octet-stream" || resp.ContentLength != int64(len(bits)) {
				t.Errorf("%d servers, %s: %q, length %d, want %q", n, state, body, resp.ContentLength, bits)
			}
		}
	}
	_, url := serve(t, Options{Reader: &fakeReader{}}) // no map at all
	if resp, body := fetch(t, url+"/api/v1/servers.bits"); resp.StatusCode != http.StatusOK || len(body) != 0 {
		t.Errorf("without servers: %s, %d bytes", resp.Status, len(body))
	}
}

func TestServersBitsAreNotSentAgainWhileUnchanged(t *testing.T) {
	m := fleet(t, 9)
	_, url := serve(t, Options{Reader: &fakeReader{}, Servers: m})
	resp, _ := fetch(t, url+"/api/v1/servers.bits")
	ask := func(etag string) int {
		req, err := http.NewRequest(http.MethodGet, url+"/api/v1/servers.bits", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", etag)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	etag := resp.Header.Get("ETag")
	if got := ask(etag); got != http.StatusNotModified {
		t.Errorf("unchanged: %d, want 304", got)
	}
	m.Set(3, heatmap.Up, time.Now())
	if got := ask(etag); got != http.StatusOK {
		t.Errorf("changed: %d, want 200", got)
	}
}

func TestServersPNG(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}, Servers: fleet(t, 20)})
	resp, body := fetch(t, url+"/api/v1/servers.png?width=800")
	picture, err := png.Decode(bytes.NewReader(body))
	if err != nil || resp.Header.Get("Content-Type") != "image/png" {
		t.Fatalf("%s %s: %v", resp.Status, resp.Header.Get("Content-Type"), err)
	}
	if w := picture.Bounds().Dx(); w > 800 || w == 0 {
		t.Errorf("%d pixels wide, want at most 800", w)
	}
}
