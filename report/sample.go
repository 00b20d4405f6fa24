package report

import "github.com/heliograph-net/heliograph/report/cbor"

// Keys of a sample's map.
const (
	sampleAt       = 1
	sampleURL      = 2
	sampleMethod   = 3
	sampleOutcome  = 4
	samplePhase    = 5
	sampleProtocol = 6
	sampleServer   = 7
	sampleStatus   = 8
	sampleElapsed  = 9
	sampleTraceID  = 10
	sampleFlags    = 11
)

// phases numbers the phases on the wire, from 1.
var phases = [...]Phase{1: PhaseDNS, 2: PhaseConnection, 3: PhaseApplication}

func (p Phase) number() uint64 {
	for i, known := range phases {
		if i > 0 && p == known {
			return uint64(i)
		}
	}
	return 0
}

func (s *Sample) appendBody(dst []byte) []byte {
	f := newFields(dst)
	f.int(sampleAt, s.At)
	f.text(sampleURL, s.URL)
	f.text(sampleMethod, s.Method)
	f.text(sampleOutcome, string(s.Outcome))
	f.uint(samplePhase, s.Phase.number())
	f.text(sampleProtocol, s.Protocol)
	f.text(sampleServer, s.Server)
	f.uint(sampleStatus, uint64(s.Status))
	f.uint(sampleElapsed, s.ElapsedMS)
	f.bytes16(sampleTraceID, s.TraceID)
	f.uint(sampleFlags, uint64(s.Flags))
	return f.b
}

func decodeSample(d *cbor.Decoder) *Sample {
	s := new(Sample)
	var key uint64
	for range d.Fields(11) {
		switch key = d.Key(key); key {
		case sampleAt:
			s.At = readInt(d)
		case sampleURL:
			s.URL = readText(d, MaxURL)
		case sampleMethod:
			s.Method = readText(d, MaxString)
		case sampleOutcome:
			s.Outcome = Outcome(readText(d, MaxOutcome))
		case samplePhase:
			s.Phase = phases[readUint(d, uint64(len(phases)-1))]
		case sampleProtocol:
			s.Protocol = readText(d, MaxString)
		case sampleServer:
			s.Server = readText(d, MaxString)
		case sampleStatus:
			s.Status = uint16(readUint(d, MaxStatus))
		case sampleElapsed:
			s.ElapsedMS = readUint(d, MaxAge)
		case sampleTraceID:
			s.TraceID = readBytes16(d)
		case sampleFlags:
			s.Flags = Flags(readUint(d, 0xff))
		default:
			d.SkipField(key)
		}
	}
	return s
}

func (s *Sample) validate() error {
	if fault := s.fault(); fault != "" {
		return malformed("sample", fault)
	}
	return nil
}

// fault says what breaks s's rules, or "".
func (s *Sample) fault() string {
	switch {
	case s == nil:
		return "is nil"
	case !within(s.At):
		return "at is further than MaxAge from the segment's birth"
	case textFault(s.URL, MaxURL) != "":
		return "url is " + textFault(s.URL, MaxURL)
	case textFault(s.Method, MaxString) != "":
		return "method is " + textFault(s.Method, MaxString)
	case !s.Outcome.Valid():
		return "outcome is not valid"
	case !s.Phase.Valid():
		return "phase is unknown"
	case textFault(s.Protocol, MaxString) != "":
		return "protocol is " + textFault(s.Protocol, MaxString)
	case textFault(s.Server, MaxString) != "":
		return "server is " + textFault(s.Server, MaxString)
	case s.Status > MaxStatus:
		return "status is above MaxStatus"
	case s.ElapsedMS > MaxAge:
		return "elapsed is above MaxAge"
	}
	return ""
}
