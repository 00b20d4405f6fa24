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
)

// frameItems is how many items a frame has: function, file, line.
const frameItems = 3

// Valid reports whether k is one of the kinds above.
func (k ErrorKind) Valid() bool { return k >= KindError && k <= KindLog }

// Outcome is the word for k in the vocabulary of outcomes, Unknown for an invalid one.
func (k ErrorKind) Outcome() Outcome {
	switch k {
	case KindError:
		return AppError
	case KindPanic:
		return AppPanic
	case KindLog:
		return AppLog
	default:
		return Unknown
	}
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
	return f.b
}

func decodeApplicationError(d *cbor.Decoder) *ApplicationError {
	e := new(ApplicationError)
	var key uint64
	for range d.Map(8) {
		switch key = d.Key(key); key {
		case errorAt:
			e.At = readInt(d)
		case errorKind:
			e.Kind = ErrorKind(readUint(d, uint64(KindLog)))
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
		default:
			d.Fail(unknownKey)
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
