package collector

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// admission limits the uploads in flight. It refuses an upload before its body is read: if the
// collector is draining, if the client's network sends too much, if the inbox cannot keep up, or if
// detectors cannot.
type admission struct {
	gate     *httpx.Gate
	networks *httpx.Limiter
	delay    *queueDelay
	backlog  *backlog
	uploads  *httpx.Slots // in flight
	pressure pressure
	shedder  *shedder
	memory   memory        // used by the bodies of uploads in flight
	timeout  time.Duration // for reading a body
}

func newAdmission(o *Options, gate *httpx.Gate, delay *queueDelay, b *backlog, s *shedder) *admission {
	return &admission{gate: gate, networks: o.Limits.limiter(), delay: delay, backlog: b, uploads: httpx.NewSlots(o.MaxUploads), shedder: s,
		memory: memory{max: o.MaxBodyBytes}, timeout: o.UploadTimeout}
}

// place is the place of one upload in flight. See leave.
type place struct {
	admission *admission
	network   httpx.Network
}

// network returns the client network of an address.
func (a *admission) network(addr netip.Addr) httpx.Network {
	return a.networks.Network(time.Now(), addr)
}

// enter returns a place for an upload from a network. If there is none, the error is a *shed, and
// enter has prepared w for a request whose body is not read. The zero Network has no limits
// of its own.
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

// holdShed is how long an upload without a place waits for its answer. A client that ignores the
// requested delay tries again as soon as it is answered. Some thousands of such clients would cause
// more work than all accepted uploads. While they wait, they cause none.
const holdShed = 2 * time.Second

// admit counts an upload as in flight. If that is not possible, it returns the reason
// after holdShed.
func (a *admission) admit(now time.Time, network httpx.Network) *shed {
	switch a.networks.Enter(now, network) {
	case httpx.OfNetwork:
		return a.shedder.overload(shedNetwork, 1)
	case httpx.OfNetworks:
		return a.shedder.overload(shedNewNetworks, 1)
	}
	cause := ""
	switch {
	case !a.backlog.admits(now):
		cause = shedBacklog
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
