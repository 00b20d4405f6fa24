package collector

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// admission gives uploads their places. It says no before a body is read: while the collector
// drains, to a network that sends too much, and to everyone while there is more than the inbox can
// take.
type admission struct {
	gate     *httpx.Gate
	networks *httpx.Limiter
	delay    *queueDelay
	uploads  *httpx.Slots // in flight
	pressure pressure
	shedder  *shedder
	memory   memory        // of the bodies of uploads in flight
	timeout  time.Duration // for a body
}

func newAdmission(o *Options, gate *httpx.Gate, delay *queueDelay, s *shedder) *admission {
	return &admission{gate: gate, networks: o.Limits.limiter(), delay: delay, uploads: httpx.NewSlots(o.MaxUploads), shedder: s,
		memory: memory{max: o.MaxBodyBytes}, timeout: o.UploadTimeout}
}

// place is what an upload in flight has until it leaves.
type place struct {
	admission *admission
	network   httpx.Network
}

// network is the client network of an address.
func (a *admission) network(addr netip.Addr) httpx.Network {
	return a.networks.Network(time.Now(), addr)
}

// enter gives an upload from a network its place, or says in a *shed why not, after preparing an
// answer to a request whose body stays unread. The zero Network has no limits of its own.
func (a *admission) enter(w http.ResponseWriter, r *http.Request, network httpx.Network) (place, error) {
	if !a.gate.Enter() {
		httpx.LeaveBody(w, r)
		return place{}, a.shedder.unavailable()
	}
	if shed := a.admit(time.Now(), network); shed != nil {
		a.gate.Leave()
		httpx.LeaveBody(w, r)
		return place{}, shed
	}
	return place{a, network}, nil
}

// leave frees the place.
func (p place) leave() {
	p.admission.uploads.Leave()
	p.admission.networks.Leave(p.network)
	p.admission.gate.Leave()
}

// holdShed is how long an upload that finds no place waits for its answer. A client that does not
// heed the delay asks again the moment it is answered, and some thousand of those would be more
// work than all uploads that are taken; while they wait they are none.
const holdShed = 2 * time.Second

// admit counts an upload among those in flight, or says why not, after holdShed.
func (a *admission) admit(now time.Time, network httpx.Network) *shed {
	switch a.networks.Enter(now, network) {
	case httpx.OfNetwork:
		return a.shedder.overload(shedNetwork, 1)
	case httpx.OfNetworks:
		return a.shedder.overload(shedNewNetworks, 1)
	}
	cause := ""
	switch {
	case !a.delay.admits(now):
		cause = shedDelay
	case !a.uploads.Enter():
		cause = shedCount
	}
	ratio := a.pressure.note(now, cause == "")
	if cause == "" {
		return nil
	}
	a.networks.Leave(network)
	hold := time.NewTimer(holdShed)
	defer hold.Stop()
	select {
	case <-hold.C:
	case <-a.gate.Closed():
	}
	return a.shedder.overload(cause, ratio)
}
