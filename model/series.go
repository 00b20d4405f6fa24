package model

import (
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// DeliveryApp is the App of series that count deliveries to collectors, not the requests of
// applications. Their targets start with [CollectorTarget].
const DeliveryApp = "heliograph"

// CollectorTarget is followed by the collector's id in the target of a delivery: "collector:c1".
const CollectorTarget = "collector:"

// UnknownCountry is the country of a client whose network is unknown.
const UnknownCountry = "ZZ"

// Series names what is counted apart: one value of every [Dimension], and the flags. It is
// comparable.
type Series struct {
	App      string
	Target   string // origin of the request, or CollectorTarget and an id
	Outcome  report.Outcome
	Protocol string // ALPN id; "": the request did not get that far
	Status   uint16 // of HTTP; 0: none
	Server   string // address and port that was tried last; "": unknown
	ASN      uint32 // of the client as its collector saw it; 0: unknown
	Country  string // likewise; UnknownCountry: unknown
	Source   report.Source
	Flags    report.Flags // no dimension: nothing is grouped by it
}

// Delivery reports whether the series counts deliveries to a collector.
func (s Series) Delivery() bool {
	return s.App == DeliveryApp && strings.HasPrefix(s.Target, CollectorTarget)
}

// Count is what one client added to one bin of one series, in one batch.
type Count struct {
	Series
	Client    uint64    // tells clients of one day apart; never 0
	End       time.Time // when the bin ends; bins are named by their end
	Raw       uint64    // requests that were reported
	Estimated float64   // requests that they stand for: Raw × FullPPM / SampledPPM
}
