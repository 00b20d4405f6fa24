package report

import (
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// Keys of an application error's map.
const (
	errorAt          = 1
	errorKind        = 2
	errorType        = 3
	errorMessage     = 4
	errorFingerprint = 5
	errorFrames      = 6
	errorTraceID     = 7
	errorCount       = 8
	errorURL         = 9
)

// frameItems is how many items a frame has: function, file, line.
const frameItems = 3

// Valid reports whether k is one of the kinds above.
func (k ErrorKind) Valid() bool { return k >= KindError && k <= KindCSPViolation }

// Outcome returns the outcome that stands for k, or Unknown if k is invalid.
func (k ErrorKind) Outcome() Outcome {
	switch k {
	case KindError:
		return AppError
	case KindPanic:
		return AppPanic
	case KindLog:
		return AppLog
	case KindCrash:
		return BrowserCrash
	case KindDeprecation:
		return BrowserDeprecation
	case KindIntervention:
		return BrowserIntervention
	case KindCSPViolation:
		return BrowserCSP
	default:
		return Unknown
	}
}

// Outcome returns the outcome that stands for e. It is that of e.Kind, followed by e.Type if that
// is a word of the browser's own vocabulary, with "_" for "-": "browser.crash.oom",
// "browser.csp.script_src_elem".
func (e *ApplicationError) Outcome() Outcome {
	o := e.Kind.Outcome()
	if !o.Under("browser") {
		return o
	}
	if below := o + "." + Outcome(strings.ReplaceAll(e.Type, "-", "_")); !strings.Contains(e.Type, ".") && below.Valid() {
		return below
	}
	return o
}

func (e *ApplicationError) appendBody(dst []byte) []byte {
	f := newFields(dst)
	f.int(errorAt, e.At)
	f.uint(errorKind, uint64(e.Kind))
	f.text(errorType, e.Type)
	f.text(errorMessage, e.Message)
	f.bytes16(errorFingerprint, e.Fingerprint)
	if len(e.Frames) > 0 {
		f.key(errorFrames)
		f.b = cbor.AppendArray(f.b, len(e.Frames))
		for i := range e.Frames {
			frame := &e.Frames[i]
			f.b = cbor.AppendText(cbor.AppendArray(f.b, frameItems), frame.Function)
			f.b = cbor.AppendUint(cbor.AppendText(f.b, frame.File), uint64(frame.Line))
		}
	}
	f.bytes16(errorTraceID, e.TraceID)
	f.uint(errorCount, e.Count)
	f.text(errorURL, e.URL)
	return f.b
}

func decodeApplicationError(d *cbor.Decoder) *ApplicationError {
	e := new(ApplicationError)
	var key uint64
	for range d.Fields(9) {
		switch key = d.Key(key); key {
		case errorAt:
			e.At = readInt(d)
		case errorKind:
			e.Kind = ErrorKind(readUint(d, uint64(KindCSPViolation)))
		case errorType:
			e.Type = readText(d, MaxString)
		case errorMessage:
			e.Message = readText(d, MaxMessage)
		case errorFingerprint:
			e.Fingerprint = readBytes16(d)
		case errorFrames:
			e.Frames = decodeFrames(d)
		case errorTraceID:
			e.TraceID = readBytes16(d)
		case errorCount:
			e.Count = readUint(d, MaxCount)
		case errorURL:
			e.URL = readText(d, MaxURL)
		default:
			d.SkipField(key)
		}
	}
	return e
}

func decodeFrames(d *cbor.Decoder) []Frame {
	n := d.Array(MaxFrames)
	if n == 0 {
		d.Fail(presentZero)
		return nil
	}
	frames := make([]Frame, 0, n)
	for range n {
		if d.Array(frameItems) != frameItems {
			d.Fail("want a frame of three items")
		}
		frames = append(frames, Frame{Function: d.Text(MaxString), File: d.Text(MaxString), Line: uint32(bounded(d, MaxLine))})
	}
	return frames
}

func (e *ApplicationError) validate() error {
	if fault := e.fault(); fault != "" {
		return malformed(kindName(kindError), fault)
	}
	return nil
}

// fault says what breaks e's rules, or "".
func (e *ApplicationError) fault() string {
	switch {
	case e == nil:
		return "is nil"
	case !within(e.At):
		return "at is further than MaxAge from the segment's birth"
	case !e.Kind.Valid():
		return "kind is unknown"
	case nameFault(e.Type, MaxString) != "":
		return "type is " + nameFault(e.Type, MaxString)
	case textFault(e.Message, MaxMessage) != "":
		return "message is " + textFault(e.Message, MaxMessage)
	case e.Fingerprint == [16]byte{}:
		return "fingerprint is zero"
	case len(e.Frames) > MaxFrames:
		return "more than MaxFrames frames"
	case e.Count == 0 || e.Count > MaxCount:
		return "count is zero or above MaxCount"
	case textFault(e.URL, MaxURL) != "":
		return "url is " + textFault(e.URL, MaxURL)
	}
	for i := range e.Frames {
		if fault := e.Frames[i].fault(); fault != "" {
			return "frame " + strconv.Itoa(i) + ": " + fault
		}
	}
	return ""
}

// fault says what breaks f's rules, or "".
func (f *Frame) fault() string {
	switch {
	case nameFault(f.Function, MaxString) != "":
		return "function is " + nameFault(f.Function, MaxString)
	case textFault(f.File, MaxString) != "":
		return "file is " + textFault(f.File, MaxString)
	case strings.ContainsAny(f.File, `/\`):
		return "file is more than a base name"
	case f.Line > MaxLine:
		return "line is above MaxLine"
	}
	return ""
}
