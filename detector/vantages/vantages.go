// Package vantages judges what several vantages say of one server: whether it is up, down as seen
// from some places, or down for all. Start with [Rule.Judge].
package vantages

import "github.com/heliograph-net/heliograph/report"

// DefaultAgree is the default of Rule.Agree.
const DefaultAgree = 2

// Word is what one vantage holds of a server.
type Word struct {
	Vantage string
	ASN     uint32 // of the vantage; 0: unknown, which counts as a network of its own
	report.Judgement
}

// Reach says for whom a server is down.
type Reach int

// The reaches. The zero value is Unknown.
const (
	Unknown Reach = iota // no vantage has a conclusion
	Up                   // all that have a conclusion reach the server
	Local                // some networks do not reach it; others do, or too few have a conclusion
	Global               // down for all
)

// String returns "unknown", "up", "local" or "global".
func (r Reach) String() string {
	switch r {
	case Up:
		return "up"
	case Local:
		return "local"
	case Global:
		return "global"
	}
	return "unknown"
}

// Rule says when a server is down for all.
type Rule struct {
	// Agree is how many networks must find the server down. If fewer than that have a conclusion,
	// all of them must. They must also be more than those that reach it. 0: DefaultAgree.
	Agree int
}

// Judge returns what the words about one server mean together. Vantages in one autonomous system
// share their uplinks, so they have one vote, by the majority of them. Inconclusive words and those
// of a server in maintenance do not count.
func (r Rule) Judge(words []Word) Reach {
	up, down := votes(words)
	agree := r.Agree
	if agree == 0 {
		agree = DefaultAgree
	}
	switch {
	case up+down == 0:
		return Unknown
	case down == 0:
		return Up
	case down >= min(agree, up+down) && down > up:
		return Global
	}
	return Local
}

// votes returns how many networks find the server up, and how many down.
func votes(words []Word) (up, down int) {
	var few [8]network // no allocation for most
	networks := few[:0]
	for i := range words {
		w := &words[i]
		vote := 0
		switch w.Judgement {
		case report.JudgedUp:
			vote = -1
		case report.JudgedDown:
			vote = 1
		default:
			continue
		}
		switch {
		case w.ASN != 0:
			networks = cast(networks, w.ASN, vote)
		case vote > 0:
			down++
		default:
			up++
		}
	}
	for _, n := range networks {
		if n.sum > 0 {
			down++
		} else {
			up++ // of a network that is at odds with itself, some line reaches the server
		}
	}
	return up, down
}

// network is an autonomous system and its vantages that find a server down, less the others.
type network struct {
	asn uint32
	sum int
}

func cast(networks []network, asn uint32, vote int) []network {
	for i := range networks {
		if networks[i].asn == asn {
			networks[i].sum += vote
			return networks
		}
	}
	return append(networks, network{asn, vote})
}
