package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Facet is a property that rollups are grouped by. Its text is its name in the API.
type Facet string

// The facets.
const (
	FacetApp     Facet = "app"
	FacetVersion Facet = "version" // of the application
	FacetOS      Facet = "os"
	FacetTarget  Facet = "target"
	FacetType    Facet = "type" // outcome
	FacetASN     Facet = "asn"
	FacetCountry Facet = "country"
	FacetSource  Facet = "source"
)

// Facets has all facets, in the order in which they are documented.
func Facets() []Facet {
	return []Facet{FacetApp, FacetVersion, FacetOS, FacetTarget, FacetType, FacetASN, FacetCountry, FacetSource}
}

// RollupKey is what requests are counted by in rollups: one value of every [Facet]. It is
// comparable.
type RollupKey struct {
	App     string
	Version string // of the application; empty if unknown
	OS      string
	Target  string // origin
	Outcome report.Outcome
	ASN     uint32 // of the client; 0 if unknown
	Country string // likewise; UnknownCountry if unknown
	Source  report.Source
}

// OfErrors reports whether application errors are counted and not requests.
func (k *RollupKey) OfErrors() bool { return k.Outcome.Under("app") || k.Outcome.Under("browser") }

// tookPrefix begins the Outcome under which durations are counted.
const tookPrefix = "took."

// TookOutcome returns the Outcome under which rollups count the requests whose durations are in a
// bucket of a [report.Histogram]: by octaves, such as "took.7" for those of more than 64 ms and at
// most 128 ms. It is the outcome of no request.
func TookOutcome(bucket uint8) report.Outcome {
	return report.Outcome(tookPrefix + strconv.Itoa((int(bucket)+7)/8))
}

// OfDurations reports whether durations are counted, which are of requests that others count.
func (k *RollupKey) OfDurations() bool { return strings.HasPrefix(string(k.Outcome), tookPrefix) }

// Took returns the octave of durations: they took at most 2^octave ms, and more than half of that.
func (k *RollupKey) Took() (octave int, ok bool) {
	octave, err := strconv.Atoi(strings.TrimPrefix(string(k.Outcome), tookPrefix))
	return octave, k.OfDurations() && err == nil && octave >= 0 && octave <= TookOctaves
}

// TookOctaves is the last octave of durations; 0 is the first.
const TookOctaves = (report.HistogramBuckets + 6) / 8

// Only returns a copy of k with only the values of the given facets. The other fields are zero.
func (k RollupKey) Only(by []Facet) (o RollupKey) {
	for _, f := range by {
		switch f {
		case FacetApp:
			o.App = k.App
		case FacetVersion:
			o.Version = k.Version
		case FacetOS:
			o.OS = k.OS
		case FacetTarget:
			o.Target = k.Target
		case FacetType:
			o.Outcome = k.Outcome
		case FacetASN:
			o.ASN = k.ASN
		case FacetCountry:
			o.Country = k.Country
		case FacetSource:
			o.Source = k.Source
		}
	}
	return o
}

// The steps of rollups.
const (
	RollupMinute = time.Minute
	RollupHour   = time.Hour
)

// RollupQuery selects and groups rollups. It selects the steps that begin at Since or later, and
// end at Until or before.
type RollupQuery struct {
	Step     time.Duration // RollupMinute or RollupHour
	Since    time.Time
	Until    time.Time      // zero for no end
	By       []Facet        // empty for one row a step
	App      string         // empty for any, like the following
	Versions []string       // of the application
	Target   string         // origin
	Type     report.Outcome // this outcome and those below it
	// Errors selects application errors instead of requests; the two are never summed. Each group
	// of errors that a client reported counts as one failure.
	Errors bool
	// Durations selects durations instead, under the outcomes of [TookOutcome]; of minutes only.
	// All count as OK.
	Durations bool
}

// Check returns an error that wraps [ErrQuery] if the query asks for something that does not exist.
func (q *RollupQuery) Check() error {
	if q.Step != RollupMinute && q.Step != RollupHour {
		return fmt.Errorf("%w: rollups have steps of a minute or an hour, not of %v", ErrQuery, q.Step)
	}
	for _, f := range q.By {
		if !slices.Contains(Facets(), f) {
			return fmt.Errorf("%w: rollups have no facet %q", ErrQuery, f)
		}
	}
	return nil
}

// Rollup is the sum over the requests of one group in one step. It shows what a place reports up to
// a limit, see package detector/shown.
type Rollup struct {
	At      time.Time // start of the step
	Key     RollupKey // the group's values; only the facets in By are set
	OK      float64   // estimated requests that succeeded
	Failed  float64   // estimated requests that failed
	Reports uint64    // requests that were reported; the others are estimated from these
	Clients uint64    // distinct clients, as they claim; a client counts again every UTC day
}
