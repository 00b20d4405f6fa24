package detector

import "github.com/heliograph-net/heliograph/report"

// Cell is what one client contributed to one bin, the detector's grain. The Detector sums over
// cells, so one key may come twice.
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
