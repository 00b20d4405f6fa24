package judgement

import "github.com/heliograph-net/heliograph/model"

// pace is how many requests succeeded, and in how many minutes of how many clients.
type pace struct{ requests, clients float64 }

// How many requests a client makes in a minute of its own, as long as nothing is known; the weight
// of what holds for all clients in that of a network's; and the most that is remembered.
const (
	pacePrior  = 4
	paceWeight = 20  // minutes of clients
	paceMost   = 1e4 // likewise
	maxPaces   = 100_000
)

func (p *pace) add(requests, clients float64) {
	p.requests += requests
	if p.clients += clients; p.clients > paceMost {
		p.requests, p.clients = p.requests/2, p.clients/2
	}
}

// of is how many requests a client makes in a minute, at least one. What is known of few clients is
// shrunk to a prior number.
func (p pace) of(prior float64) float64 {
	return max((paceWeight*prior+p.requests)/(paceWeight+p.clients), 1)
}

// paces are those of all clients and of each network's. Only successes count, and only while
// nothing is wrong, so that clients that fail in a loop do not seem usual.
type paces struct {
	all       pace
	byNetwork map[uint32]pace
}

func (p *paces) add(asn uint32, requests, clients float64) {
	p.all.add(requests, clients)
	n, known := p.byNetwork[asn]
	if !known && len(p.byNetwork) >= maxPaces {
		return
	}
	n.add(requests, clients)
	p.byNetwork[asn] = n
}

// usual is how many requests a client makes in a minute, in networks or, without any, anywhere.
func (p *paces) usual(networks []uint32) float64 {
	all := p.all.of(pacePrior)
	var sum pace
	for _, asn := range networks {
		n := p.byNetwork[asn]
		sum.requests, sum.clients = sum.requests+n.requests, sum.clients+n.clients
	}
	return sum.of(all)
}

// learnPace takes a row of successes, which stands for so many clients that were not heard in this
// minute before.
func (j *Judge) learnPace(r *Row, clients float64) {
	if full := j.clients.active.seen.len() >= maxClients; j.open == 0 && r.App != model.DeliveryApp && !full {
		j.paces.add(r.ASN, r.estimate(), clients)
	}
}

// A client retries in a loop when it fails so many times as often as clients of its network make
// requests, and as often as that by itself. Minutes count up to those of an ordinary visit.
const (
	loopTimes   = 4
	loopMinutes = 3
)

// Where most failures are of clients in a loop, so many clients must fail beyond those that are
// expected to: half of those that are active, at least some and at most those that are always
// enough.
const (
	loopShare = 0.5
	loopLeast = 12
)

// looping is which part of n failures, by client, are of clients that retry in a loop, where
// clients make some requests in a minute and fail for some minutes.
func looping(failed map[uint64]float64, usual, minutes float64) float64 {
	all, loops := 0.0, 0.0
	limit := loopTimes * max(usual*min(minutes, loopMinutes), 1)
	for _, n := range failed {
		all += n
		if n >= limit {
			loops += n
		}
	}
	return loops / max(all, 1)
}

// clientsOfLoops is how many clients must fail when those in a loop carry most of the failures: few
// clients make any number of failures then, and only clients are evidence.
func clientsOfLoops(expected, active float64) int {
	return int(expected/cluster + min(max(loopShare*active, loopLeast), enoughSources))
}
