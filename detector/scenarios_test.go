package detector

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// deliveries makes every client of a network upload about once in two bins; while dead, the first
// collector refuses and the second takes it. A client that failed leaves the first collector alone
// for backoff bins.
func deliveries(w *world, from, to, backoff int) func(int, uint32) []model.Count {
	next := map[uint64]int{}
	return func(bin int, asn uint32) (cells []model.Count) {
		for c := range w.clients {
			client := uint64(asn)<<32 | uint64(c+1)
			if w.rng.IntN(2) == 0 {
				continue
			}
			add := func(collector string, o report.Outcome) {
				cells = append(cells, model.Count{Series: model.Series{App: model.DeliveryApp, Target: model.CollectorTarget + collector, Outcome: o, ASN: asn, Country: "XA",
					Source: report.SourceAgent}, Client: client, Raw: 1, Estimated: 1})
			}
			switch {
			case bin < next[client]:
				add("c2", report.OK)
			case bin >= from && bin < to:
				next[client] = bin + backoff
				add("c1", report.TCPRefused)
				add("c2", report.OK)
			default:
				add("c1", report.OK)
			}
		}
		return cells
	}
}

func TestScenarios(t *testing.T) {
	const from, to = 20, 40
	during := func(f func(r *request)) func(int, *request) {
		return func(bin int, r *request) {
			if bin >= from && bin < to {
				f(r)
			}
		}
	}
	for name, c := range map[string]struct {
		prepare func(w *world)
		target  string
		outcome report.Outcome
		scope   model.Scope
		title   string
		onset   int // most bins from the start of the fault to the event
		clear   int // likewise from its end
	}{
		"a network is reset": {
			prepare: func(w *world) {
				w.fault = during(func(r *request) {
					if r.asn == 64502 {
						r.outcome = report.TCPReset
					}
				})
			},
			target: shop, outcome: report.TCPReset, scope: model.Scope{ASNs: []uint32{64502}}, onset: 2, clear: 6,
			title: "tcp.reset for https://shop.test from AS64502 (Harbour Net): ",
		},
		"half of the requests of a network time out": {
			prepare: func(w *world) {
				w.fault = during(func(r *request) {
					if r.asn == 64503 && w.rng.IntN(2) == 0 {
						r.outcome = report.TCPTimedOut
					}
				})
			},
			target: shop, outcome: report.TCPTimedOut, scope: model.Scope{ASNs: []uint32{64503}}, onset: 3, clear: 6,
			title: "tcp.timed_out for https://shop.test from AS64503: ",
		},
		"a server dies": {
			prepare: func(w *world) {
				w.fault = func(bin int, r *request) {
					switch {
					case r.server != server(4) || bin < from || bin >= to:
					case bin == from && w.rng.IntN(2) == 0:
						r.outcome = report.TCPClosed
					default:
						r.outcome = report.TCPRefused
					}
				}
			},
			target: shop, outcome: report.TCPRefused, scope: model.Scope{Servers: []string{server(4)}}, onset: 3, clear: 6,
			title: "tcp.refused for https://shop.test at 192.0.2.5:443: ",
		},
		"names do not resolve in a network": {
			prepare: func(w *world) {
				w.fault = during(func(r *request) {
					if r.asn == 64504 {
						r.outcome, r.server = report.DNSFailed, ""
					}
				})
			},
			target: shop, outcome: report.DNSFailed, scope: model.Scope{ASNs: []uint32{64504}}, onset: 2, clear: 6,
			title: "dns.failed for https://shop.test from AS64504: ",
		},
		"the service answers errors": {
			prepare: func(w *world) {
				w.fault = during(func(r *request) {
					if w.rng.IntN(4) == 0 {
						r.outcome = report.HTTPError
					}
				})
			},
			target: shop, outcome: report.HTTPError, scope: model.Scope{}, onset: 2, clear: 6,
			title: "http.error for https://shop.test from everyone: ",
		},
		"a fault spread thinly over many networks": {
			prepare: func(w *world) {
				w.networks, w.clients = 60, 5
				w.fault = during(func(r *request) {
					if w.rng.IntN(8) == 0 {
						r.outcome = report.TCPTimedOut
					}
				})
			},
			target: shop, outcome: report.TCPTimedOut, scope: model.Scope{}, onset: 3, clear: 6,
			title: "tcp.timed_out for https://shop.test from everyone: ",
		},
		"two networks of five": {
			prepare: func(w *world) {
				w.fault = during(func(r *request) {
					if r.asn == 64501 || r.asn == 64505 {
						r.outcome = report.TCPReset
					}
				})
			},
			target: shop, outcome: report.TCPReset, scope: model.Scope{ASNs: []uint32{64501, 64505}}, onset: 2, clear: 6,
			title: "tcp.reset for https://shop.test from AS64501 and AS64505: ",
		},
		"a collector dies": {
			prepare: func(w *world) { w.upload = deliveries(w, from, to, 8) },
			target:  "collector:c1", outcome: report.TCPRefused, scope: model.Scope{}, onset: 2, clear: 3 + 8,
			title: "tcp.refused for collector:c1 from everyone: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(4) {
				w := newWorld(seed)
				c.prepare(w)
				all := w.play(newSeriesDetector(t, Thresholds{}), 0, 60)
				opened, cleared := ofKind(all, model.Opened), ofKind(all, model.Cleared)
				if len(opened) != 1 || len(cleared) != 1 {
					dump(t, all)
					t.Fatalf("seed %d: %d opened and %d cleared, want one each", seed, len(opened), len(cleared))
				}
				inc := cleared[0].Incident
				if late := opened[0].bin - from; late < 0 || late >= c.onset {
					t.Errorf("seed %d: opened after %d bins, want within %d", seed, late+1, c.onset)
				}
				if late := cleared[0].bin - to; late < 0 || late >= c.clear {
					t.Errorf("seed %d: cleared after %d bins, want within %d", seed, late+1, c.clear)
				}
				if inc.Target != c.target || inc.Outcome != c.outcome || !inc.Scope.Equal(c.scope) || !strings.HasPrefix(inc.Title, c.title) {
					dump(t, all)
					t.Fatalf("seed %d: %s %s %+v", seed, inc.Target, inc.Outcome, inc.Scope)
				}
				if inc.Clients < 24 || inc.Failed < 10 || inc.Since != binEnd(from-1) || inc.Until.Before(binEnd(from)) || len(inc.Evidence) < 2 {
					t.Errorf("seed %d: %+v", seed, inc)
				}
			}
		})
	}
}

func TestCalmRaisesNothing(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"busy":                      func(w *world) {},
		"few requests, few samples": func(w *world) { w.rate, w.sampled = 0.3, 0.05 },
		"a bad day":                 func(w *world) { w.background = 0.07 },
		"many small networks":       func(w *world) { w.networks, w.clients = 60, 4 },
		"big networks":              func(w *world) { w.clients, w.networks = 150, 3 },
		"clients with broken wifi": func(w *world) {
			w.fault = func(bin int, r *request) {
				if (r.client*2654435761+uint64(bin/20))%40 == 0 {
					r.outcome, r.server = report.DNSTimedOut, ""
				}
			}
		},
		"traffic that triples by day": func(w *world) {
			w.fault = func(bin int, r *request) { w.rate = 1 + float64(bin%300)/150 }
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(11)
			prepare(w)
			if all := w.play(newSeriesDetector(t, Thresholds{}), 0, 400); len(all) > 0 {
				dump(t, all)
				t.Fatalf("%d events in calm", len(all))
			}
		})
	}
}
