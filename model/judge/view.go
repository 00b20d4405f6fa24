package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// view holds sorted facts. Its methods make sentences of them.
type view struct {
	Facts
	open     []model.Incident // open incidents of applications; most clients first
	delivers []model.Incident // open incidents of deliveries
	failing  []Sum            // targets; most failures first
	noted    []model.Incident // open incidents that alert nobody
	stopped  []string         // ids of the collectors that accept too few batches
	unkept   []string         // ids of the collectors whose receipts were for nothing
}

// sort fills in the lists.
func (v *view) sort() {
	for _, i := range v.Incidents {
		switch {
		case !i.Open():
		case !i.Pages(), i.Verdict == model.BudgetBurns: // which says nothing about now
			v.noted = append(v.noted, i)
		case i.App == model.DeliveryApp:
			v.delivers = append(v.delivers, i)
			if i.Outcome == model.ReceiptUnkept {
				v.unkept = append(v.unkept, i.Collector())
			} else {
				v.stopped = append(v.stopped, i.Collector())
			}
		default:
			v.open = append(v.open, i)
		}
	}
	slices.SortStableFunc(v.open, func(a, b model.Incident) int { return cmp.Compare(b.Clients, a.Clients) })
	v.failing = v.selected(Sum.failing)
	if all := v.total(); len(v.failing) == 0 && all.Failed >= failingShare*(all.OK+all.Failed) {
		v.failing = v.selected(Sum.anyFailing) // with few requests, few failures matter
	}
	slices.SortStableFunc(v.failing, func(a, b Sum) int { return cmp.Compare(b.Failed, a.Failed) })
	for _, s := range v.Collectors {
		if s.stopped() {
			v.stopped = append(v.stopped, s.Name)
		}
	}
	slices.Sort(v.stopped)
	v.stopped = slices.Compact(v.stopped)
	slices.Sort(v.unkept)
}

// selected returns the targets for which fails reports true, except those whose failures belong to
// an incident that is over.
func (v *view) selected(fails func(Sum) bool) (targets []Sum) {
	for _, s := range v.Targets {
		if fails(s) && !v.explained(s) {
			targets = append(targets, s)
		}
	}
	return targets
}

// total returns the sum over all targets.
func (v *view) total() (all Sum) {
	for _, s := range v.Targets {
		all.OK, all.Failed = all.OK+s.OK, all.Failed+s.Failed
	}
	return all
}

// explained reports whether the failures of s belong to an incident that is over. The detector saw
// it end, so later failures count only if they are all that is recent.
func (v *view) explained(s Sum) bool {
	for _, i := range v.Incidents {
		if i.Open() || i.Target != s.Name || i.Until.Before(v.Now.Add(-v.Window)) {
			continue
		}
		return !Failing(s.RecentOK, s.RecentFailed) || i.Until.After(v.Now.Add(-v.Recent))
	}
	return false
}

// earliest returns when the first of the incidents began, or zero if there are none.
func earliest(incidents []model.Incident) (at time.Time) {
	for _, i := range incidents {
		if at.IsZero() || i.Since.Before(at) {
			at = i.Since
		}
	}
	return at
}

// cleared returns when the last incident of applications ended, or zero if there is none.
func (v *view) cleared() (at time.Time) {
	for _, i := range v.Incidents {
		if !i.Open() && i.App != model.DeliveryApp && i.Verdict != model.VantageSilent && i.Verdict != model.BudgetBurns && i.Until.After(at) {
			at = i.Until
		}
	}
	return at
}

// incident says what is at fault and for whom, or else what fails, for whom and how.
func (v *view) incident() string {
	first := &v.open[0]
	sentence := v.cause(first)
	if sentence == "" {
		sentence = fmt.Sprintf("Requests to %s fail %s: %s", first.Target, first.Scope.Words(v.NetworkName), first.Outcome)
	}
	if more := len(v.open) - 1; more > 0 {
		sentence += ", and " + plural(float64(more), "more incident")
	}
	return sentence
}

// fails describes the failures of s: "40 of 40 requests to https://shop.example failed, 20
// clients".
func (v *view) fails(s Sum) string {
	return fmt.Sprintf("%s of %s to %s failed, %s", count(s.Failed), plural(s.OK+s.Failed, "request"), s.Name, v.clients(s))
}

// clients says how many clients the failures of s hit.
func (v *view) clients(s Sum) string {
	clients := plural(float64(s.Clients), "client")
	if s.AtMost {
		return "up to " + clients
	}
	return clients
}

// users says how users fare if no incident is open and no failures are left unjudged.
func (v *view) users() string {
	failing, networks := float64(v.FailingNetworks), float64(max(v.Networks, v.FailingNetworks))
	switch {
	case len(v.failing) > 0:
		return "No incident, though " + v.fails(v.failing[0])
	case failing > 0 && failing >= failingShare*networks:
		return fmt.Sprintf("No incident, though requests from %s of %s fail", count(failing), plural(networks, "network"))
	default:
		return "Users are fine"
	}
}

// degraded reports whether some collector does not do its work.
func (v *view) degraded() bool { return len(v.stopped)+len(v.unkept) > 0 }

// delivery says which collectors accept too few batches, and which lose what they have accepted.
func (v *view) delivery() string {
	var all []string
	switch len(v.stopped) {
	case 0:
	case 1:
		all = append(all, "collector "+v.stopped[0]+" does not take reports")
	default:
		all = append(all, "collectors "+list(v.stopped)+" do not take reports")
	}
	switch len(v.unkept) {
	case 0:
	case 1:
		all = append(all, "collector "+v.unkept[0]+" loses reports that it has receipted")
	default:
		all = append(all, "collectors "+list(v.unkept)+" lose reports that they have receipted")
	}
	return strings.Join(all, "; ")
}

// servers returns the part of the headline about servers that are down. It is empty if none is
// down, or if an incident says more.
func (v *view) servers(s State) string {
	down, all := v.Servers.Down, v.Servers.count()
	switch {
	case down == 0 || s == Incident:
		return ""
	case v.Servers.Up == 0 && (s == Calm || s == DegradedDelivery):
		return fmt.Sprintf(", yet probes reach none of %s", plural(float64(all), "server"))
	case v.Servers.Up == 0:
		return fmt.Sprintf("; probes reach none of %s", plural(float64(all), "server"))
	default:
		return fmt.Sprintf("; %s of %s down", count(float64(down)), plural(float64(all), "server"))
	}
}
