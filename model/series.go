package model

import (
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// DeliveryApp is the App of a [Series] that counts deliveries to a collector instead of an
// application's requests. Its Target starts with [CollectorTarget].
const DeliveryApp = "heliograph"

// CollectorTarget is the prefix of a collector's id in the target of a delivery: "collector:c1".
const CollectorTarget = "collector:"

// UnknownCountry is the country of a client whose network is unknown.
const UnknownCountry = "ZZ"

// Series is the key under which requests are counted: one value of every [Dimension], and the
// flags. It is comparable.
type Series struct {
	App      string
	Target   string // origin of the request, or CollectorTarget and a collector's id
	Outcome  report.Outcome
	Protocol string // ALPN id; empty if the request did not get that far
	Status   uint16 // HTTP status; 0 if none
	Server   string // address and port that were tried last; empty if unknown
	ASN      uint32 // of the client, as seen by the collector; 0 if unknown
	Country  string // likewise, ISO 3166-1 alpha-2; UnknownCountry if unknown
	Source   report.Source
	Flags    report.Flags // not a dimension; nothing is grouped by it
}

// Delivery reports whether the series counts deliveries to a collector.
func (s Series) Delivery() bool {
	return s.App == DeliveryApp && strings.HasPrefix(s.Target, CollectorTarget)
}

// Count is the contribution of one client, in one batch, to one bin of one series.
type Count struct {
	Series
	Client    uint64        // distinguishes the clients of one day; never 0; claimed by the client
	Bucket    report.Bucket // distinguishes places; seen by the collector; 0 if unknown
	End       time.Time     // end of the bin
	Raw       uint64        // reported requests
	Estimated float64       // the requests that they represent: Raw × FullPPM / SampledPPM
	Length    time.Duration // of the window in which they were counted; 0 if unknown; not stored
}
