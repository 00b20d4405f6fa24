package detector

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// town is clients who tell of their requests once a minute, and a judge of what they tell.
type town struct {
	*testing.T
	judging  *judging
	news     *news
	rng      *rand.Rand
	now      time.Time
	networks int
	clients  int // two in a place
	// requests of a client in a minute, and the part of them that fails by itself
	requests   int
	background float64
	noPlaces   bool
	// fault may make a request of a client fail
	fault func(r *judgement.Row)
	extra func(second int64) []judgement.Row
}

func newTown(t *testing.T, o judgement.Options) *town {
	t.Helper()
	if o.Bin == 0 {
		o.Bin, o.Grace = 10*time.Second, 10*time.Second
	}
	def(&o.Seed, 1)
	o.NetworkName = func(asn uint32) string { return map[uint32]string{64502: "Harbour Net"}[asn] }
	j, err := newJudging(o, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &town{T: t, judging: j, news: newNews(nil), rng: rand.New(rand.NewPCG(1, 7)), now: time.Unix(1_700_006_400, 0), networks: 60, clients: 600, requests: 4,
		background: 0.01}
}

// rows are what is told in a second.
func (w *town) rows() (rows []judgement.Row) {
	second := w.now.Unix()
	for c := int(second % 60); c < w.clients; c += 60 {
		r := judgement.Row{At: second*1000 - 500, Arrived: second * 1000, App: "shop", Version: "1", OS: "linux", Target: shop, Outcome: report.OK, Protocol: "h2", Status: 200,
			Server: "192.0.2.1:443", Source: report.SourceAgent, ASN: 64501 + uint32(c/60*7+c)%uint32(w.networks), Country: "XA", Collector: "c1", Bucket: report.Bucket(1 + c/2), Client: uint64(c + 1)}
		if w.noPlaces {
			r.Bucket = 0
		}
		for range w.requests {
			one := r
			if w.rng.Float64() < w.background {
				one.Outcome = report.HTTPError
			}
			if w.fault != nil {
				w.fault(&one)
			}
			one.Raw, one.Estimated = 1, 1
			rows = append(rows, one)
		}
	}
	if w.extra != nil {
		rows = append(rows, w.extra(second)...)
	}
	return rows
}

// pass passes time and returns the events.
func (w *town) pass(d time.Duration) (events []model.Event) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(time.Second)
		said := w.judging.give(w.rows(), w.now)
		said = append(said, w.judging.reach(w.now.UnixMilli())...)
		all := make([]model.Incident, len(said))
		for i := range said {
			all[i] = incidentOf(&said[i].Incident, &w.judging.line, nil)
		}
		events = append(events, w.news.of(all, nil, w.now)...)
	}
	return events
}

// calm passes time in which nobody may be alerted.
func (w *town) calm(d time.Duration) {
	w.Helper()
	if paged := paging(w.pass(d)); len(paged) > 0 {
		w.Fatalf("in calm: %+v", paged[0])
	}
}

// paging are the incidents that alert people, as they were when they first did.
func paging(events []model.Event) (all []model.Incident) {
	for i := range events {
		if inc := &events[i].Incident; inc.Pages() && inc.Open() && !slices.ContainsFunc(all, func(o model.Incident) bool { return o.ID == inc.ID }) {
			all = append(all, *inc)
		}
	}
	return all
}
