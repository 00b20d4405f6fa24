package report

import "strconv"

// ProbeResults is a record of what one prober found at its targets. It follows a [Header] whose
// Source is [SourceProber].
type ProbeResults struct {
	Vantage string // id of the vantage, 1 to MaxString bytes
	ASN     uint32 // autonomous system of the vantage; 0 if unknown
	Version string // version of the prober, at most MaxString; may be empty
	// Targets has 1 to [MaxProbeTargets] entries, sorted bytewise by name, without duplicate names.
	// Each has at least one result.
	Targets []ProbeTarget
	Results []ProbeResult // 1 to MaxProbeResults, in any order
}

// ProbeTarget is a server that is probed, and its location. Unless stated otherwise, its strings
// have at most [MaxString] bytes and may be empty.
type ProbeTarget struct {
	Name       string // 1 to MaxString bytes; the same from every vantage
	Address    string // "192.0.2.1:443", "shop.example:443"
	Kind       string // kind of probe: "http", "tcp"; 1 to MaxString bytes
	Region     string
	DataCentre string
	Cluster    string
	Row        string
}

// ProbeResult is one attempt at a target.
type ProbeResult struct {
	Target    int         // index into ProbeResults.Targets
	At        int64       // end of the attempt in ms after the segment's creation, within ±MaxAge
	Judgement Judgement   // what the vantage holds of the target after this attempt
	Outcome   Outcome     // Valid
	Steps     []ProbeStep // at most MaxProbeSteps, in order; the attempt ended in the last one
	Family    uint8       // IP version of the address that was tried, 4 or 6; 0 if none was
	Server    string      // as in Counter
	Protocol  string      // as in Counter
	Status    uint16      // as in Counter
}

// ProbeStep is one step of an attempt: "dns", "connect", "tls".
type ProbeStep struct {
	Name   string // 1 to MaxString bytes
	Micros uint64 // duration in µs, at most MaxMicros
}

// Judgement is what a vantage concludes about a target. The zero value is invalid.
type Judgement uint8

// The judgements. A target may be JudgedUp after a failed attempt: it is down only after several
// failures in a row.
const (
	JudgedUp   Judgement = 1
	JudgedDown Judgement = 2
	// the vantage doubts itself, or has probed the target too few times
	JudgedInconclusive Judgement = 3
	// the target is in maintenance: the attempt was made and does not count
	JudgedMaintenance Judgement = 4
)

// String returns "up", "down", "inconclusive" or "maintenance", and "unknown" for any other value.
func (j Judgement) String() string {
	switch j {
	case JudgedUp:
		return "up"
	case JudgedDown:
		return "down"
	case JudgedInconclusive:
		return "inconclusive"
	case JudgedMaintenance:
		return "maintenance"
	default:
		return "unknown"
	}
}

func (p *ProbeResults) validate() error {
	switch {
	case p == nil:
		return malformed(kindName(kindProbe), "is nil")
	case len(p.Targets) > MaxProbeTargets:
		return tooLarge(kindName(kindProbe), "more than MaxProbeTargets targets")
	case len(p.Results) > MaxProbeResults:
		return tooLarge(kindName(kindProbe), "more than MaxProbeResults results")
	}
	if fault := p.fault(); fault != "" {
		return malformed(kindName(kindProbe), fault)
	}
	return nil
}

// fault says what breaks p's rules, or "".
func (p *ProbeResults) fault() string {
	switch {
	case nameFault(p.Vantage, MaxString) != "":
		return "vantage is " + nameFault(p.Vantage, MaxString)
	case textFault(p.Version, MaxString) != "":
		return "version is " + textFault(p.Version, MaxString)
	case len(p.Targets) == 0:
		return "no targets"
	}
	used := make([]bool, len(p.Targets))
	for i := range p.Results {
		r := &p.Results[i]
		if fault := r.fault(len(used)); fault != "" {
			return "result " + strconv.Itoa(i) + ": " + fault
		}
		used[r.Target] = true
	}
	for i := range p.Targets {
		t := &p.Targets[i]
		fault := t.fault()
		switch {
		case fault != "":
		case i > 0 && t.Name <= p.Targets[i-1].Name:
			fault = "not sorted, or its name is there twice"
		case !used[i]:
			fault = "has no result"
		default:
			continue
		}
		return "target " + strconv.Itoa(i) + ": " + fault
	}
	return ""
}

// fault says what breaks t's rules, or "".
func (t *ProbeTarget) fault() string {
	switch {
	case nameFault(t.Name, MaxString) != "":
		return "name is " + nameFault(t.Name, MaxString)
	case textFault(t.Address, MaxString) != "":
		return "address is " + textFault(t.Address, MaxString)
	case nameFault(t.Kind, MaxString) != "":
		return "kind is " + nameFault(t.Kind, MaxString)
	case textFault(t.Region, MaxString) != "":
		return "region is " + textFault(t.Region, MaxString)
	case textFault(t.DataCentre, MaxString) != "":
		return "data centre is " + textFault(t.DataCentre, MaxString)
	case textFault(t.Cluster, MaxString) != "":
		return "cluster is " + textFault(t.Cluster, MaxString)
	case textFault(t.Row, MaxString) != "":
		return "row is " + textFault(t.Row, MaxString)
	}
	return ""
}

// fault says what breaks r's rules among so many targets, or "".
func (r *ProbeResult) fault(targets int) string {
	switch {
	case r.Target < 0 || r.Target >= targets:
		return "no such target"
	case !within(r.At):
		return "at is further than MaxAge from the segment's birth"
	case r.Judgement < JudgedUp || r.Judgement > JudgedMaintenance:
		return "judgement is unknown"
	case !r.Outcome.Valid():
		return "outcome is not valid"
	case len(r.Steps) > MaxProbeSteps:
		return "more than MaxProbeSteps steps"
	case r.Family != 0 && r.Family != 4 && r.Family != 6:
		return "family is not 4 or 6"
	case textFault(r.Server, MaxString) != "":
		return "server is " + textFault(r.Server, MaxString)
	case textFault(r.Protocol, MaxString) != "":
		return "protocol is " + textFault(r.Protocol, MaxString)
	case r.Status > MaxStatus:
		return "status is above MaxStatus"
	}
	for _, s := range r.Steps {
		if fault := nameFault(s.Name, MaxString); fault != "" {
			return "name of a step is " + fault
		}
		if s.Micros > MaxMicros {
			return "micros of a step are above MaxMicros"
		}
	}
	return ""
}
