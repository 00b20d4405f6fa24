package detector

import (
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// DeliveryApp is the app of the cells that stand for deliveries to collectors, not for requests of applications. Their targets start with
// CollectorTarget.
const DeliveryApp = "heliograph"

// CollectorTarget is followed by the collector's id in the target of a delivery: "collector:c1".
const CollectorTarget = "collector:"

// Series names what is counted apart. It is comparable.
type Series struct {
	App      string
	Target   string
	Outcome  report.Outcome
	Protocol string
	Status   uint16
	Server   string
	ASN      uint32 // of the client as its collector saw it; 0: unknown
	Country  string // likewise; "ZZ": unknown
	Source   report.Source
	Flags    report.Flags
}

// Delivery reports whether the series counts deliveries to a collector.
func (s Series) Delivery() bool {
	return s.App == DeliveryApp && strings.HasPrefix(s.Target, CollectorTarget)
}

// Count is what one batch adds to one bin of one series.
type Count struct {
	Series
	Client    uint64    // tells clients of one day apart, never 0
	End       time.Time // when the bin ends; bins are named by their end
	Raw       uint64    // requests that were reported
	Estimated float64   // requests that they stand for: Raw weighted by FullPPM/SampledPPM
}

// Cell is what one client contributed to one bin, the detector's grain. The Detector sums over cells, so one key may come twice.
type Cell struct {
	App       string
	Target    string
	Outcome   report.Outcome
	Server    string
	ASN       uint32
	Country   string
	Source    report.Source
	Client    uint64 // tells clients of one day apart
	Raw       uint64
	Estimated float64
}
