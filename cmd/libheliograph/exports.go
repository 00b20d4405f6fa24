package main

/*
#include "heliograph.h"
#include "after_go.h"
#include "forked.h"
#include <stdlib.h>
*/
import "C"

import (
	"strings"
	"unsafe"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// linked keeps after_go.c in statically linked programs.
func linked() bool { return C.hg_linked() == 1 }

// letGoInChildren makes forked children close the files of a spool's directory that they inherit.
// It must not be called concurrently.
func letGoInChildren(dir string) {
	name := C.CString(dir)
	defer C.free(unsafe.Pointer(name))
	C.hg_add_spool(name)
}

// The parts of the header that agents.go and request.go need.
const (
	resultOK       = C.HG_OK
	resultArgument = C.HG_ERR_ARGUMENT
	resultHandle   = C.HG_ERR_HANDLE
	resultLimit    = C.HG_ERR_LIMIT
	resultSpool    = C.HG_ERR_SPOOL
	resultInternal = C.HG_ERR_INTERNAL
	maxAgents      = C.HG_MAX_AGENTS
)

// These do not compile unless the header and package report agree.
var (
	_ = [1]struct{}{}[report.Off-C.HG_CONSENT_OFF]
	_ = [1]struct{}{}[report.Counts-C.HG_CONSENT_COUNTS]
	_ = [1]struct{}{}[report.Diagnostics-C.HG_CONSENT_DIAGNOSTICS]
	_ = [1]struct{}{}[report.FlagRetry-C.HG_FLAG_RETRY]
	_ = [1]struct{}{}[report.FlagNetworkChanged-C.HG_FLAG_NETWORK_CHANGED]
	_ = [1]struct{}{}[report.KindError-C.HG_KIND_ERROR]
	_ = [1]struct{}{}[report.KindPanic-C.HG_KIND_PANIC]
	_ = [1]struct{}{}[report.KindLog-C.HG_KIND_LOG]
)

// Only heliograph.c calls the following functions, and never with a nil structure. Each calls
// protect and does nothing else, so that no panic reaches C.

//export hgo_open
func hgo_open(o *C.hg_options, handle *C.hg_agent, text *C.char, textSize C.size_t) C.int32_t {
	return C.int32_t(protect(func() int32 {
		id, err := agents.open(config{
			app: owned(o.app, report.MaxString+1), version: owned(o.version, report.MaxString+1), spool: owned(o.spool_dir, maxPath+1),
			policy: blob(o.policy, o.policy_size, policy.MaxSize+1), consent: int32(o.consent),
		})
		*handle = C.hg_agent(id)
		return fail(err, text, textSize)
	}))
}

//export hgo_observe
func hgo_observe(handle C.hg_agent, o *C.hg_observation) C.int32_t {
	return C.int32_t(protect(func() int32 {
		r := request{
			url: borrowed(o.url, maxURL+1), outcome: borrowed(o.outcome, report.MaxOutcome+1),
			protocol: borrowed(o.protocol, report.MaxString), server: borrowed(o.server, maxServer),
			method: borrowed(o.method, report.MaxString), osError: int32(o.os_error), elapsedMS: uint32(o.elapsed_ms), headMS: uint32(o.head_ms),
			status: uint16(o.status), flags: uint16(o.flags), traceID: *(*[16]byte)(unsafe.Pointer(&o.trace_id)),
		}
		return agents.use(uint64(handle), func(a *agent.Agent) int32 { return observe(a, &r) })
	}))
}

//export hgo_capture_error
func hgo_capture_error(handle C.hg_agent, e *C.hg_error) C.int32_t {
	return C.int32_t(protect(func() int32 {
		r := failure{
			kind: int32(e.kind), name: borrowed(e._type, report.MaxString), message: borrowed(e.message, maxMessage),
			traceID: *(*[16]byte)(unsafe.Pointer(&e.trace_id)), frames: stack(e.frames, e.frame_count),
		}
		return agents.use(uint64(handle), func(a *agent.Agent) int32 { return capture(a, &r) })
	}))
}

//export hgo_sent
func hgo_sent(handle C.hg_agent, text *C.char, size C.size_t) C.int32_t {
	return C.int32_t(protect(func() int32 {
		return agents.use(uint64(handle), func(a *agent.Agent) int32 {
			all, err := sent(a)
			if err != nil {
				return resultSpool
			}
			write(all, text, size)
			return int32(len(all))
		})
	}))
}

//export hgo_set_consent
func hgo_set_consent(handle C.hg_agent, consent C.int32_t) C.int32_t {
	return C.int32_t(protect(func() int32 {
		return agents.use(uint64(handle), func(a *agent.Agent) int32 { return setConsent(a, int32(consent)) })
	}))
}

//export hgo_flush
func hgo_flush(handle C.hg_agent, timeoutMS C.uint32_t) C.int32_t {
	return C.int32_t(protect(func() int32 {
		return agents.use(uint64(handle), func(a *agent.Agent) int32 { return within(uint32(timeoutMS), a.Flush) })
	}))
}

//export hgo_shutdown
func hgo_shutdown(handle C.hg_agent, timeoutMS C.uint32_t) C.int32_t {
	return C.int32_t(protect(func() int32 { return agents.shutdown(uint64(handle), uint32(timeoutMS)) }))
}

//export hgo_get_stats
func hgo_get_stats(handle C.hg_agent, out *C.hg_stats) C.int32_t {
	return C.int32_t(protect(func() int32 {
		return agents.use(uint64(handle), func(a *agent.Agent) int32 {
			s := a.Stats()
			out.consent = C.int32_t(s.Consent)
			out.policy_version, out.observed, out.sealed = C.uint64_t(s.PolicyVersion), C.uint64_t(s.Observed), C.uint64_t(s.Sealed)
			out.delivered, out.dropped = C.uint64_t(s.Delivered), C.uint64_t(sum(s.Dropped))
			out.pending, out.pending_bytes, out.panics = C.uint64_t(s.Pending), C.uint64_t(s.PendingBytes), C.uint64_t(s.Panics)
			return resultOK
		})
	}))
}

// borrowed returns at most max bytes of C's string p without copying. The result must not be kept.
func borrowed(p *C.char, max int) string {
	if p == nil {
		return ""
	}
	n := 0
	for n < max && *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return unsafe.String((*byte)(unsafe.Pointer(p)), n)
}

// owned returns a copy of at most max bytes of C's string p.
func owned(p *C.char, max int) string { return strings.Clone(borrowed(p, max)) }

// blob returns a copy of at most max of the n bytes at p.
func blob(p unsafe.Pointer, n C.size_t, max int) []byte {
	if p == nil {
		return nil
	}
	return C.GoBytes(p, C.int(min(n, C.size_t(max))))
}

// fail writes the text of err to C's buffer, cut to fit, and returns its code.
func fail(err error, text *C.char, textSize C.size_t) int32 {
	if err == nil {
		return resultOK
	}
	write(err.Error(), text, textSize)
	return codeOf(err)
}

// write writes s to C's buffer, cut to fit, unless the buffer is NULL.
func write(s string, text *C.char, size C.size_t) {
	if text == nil || size == 0 {
		return
	}
	room := int(min(size-1, C.size_t(len(s))))
	b := unsafe.Slice((*byte)(unsafe.Pointer(text)), room+1)
	b[copy(b, strings.ToValidUTF8(s[:room], ""))] = 0
}

// stack returns C's n frames, up to the most that an agent keeps. The strings are borrowed.
func stack(p *C.hg_frame, n C.size_t) []report.Frame {
	frames := make([]report.Frame, 0, min(n, report.MaxFrames))
	for _, f := range unsafe.Slice(p, cap(frames)) {
		frames = append(frames, report.Frame{Function: borrowed(f.function, maxMessage), File: borrowed(f.file, maxPath), Line: uint32(f.line)})
	}
	return frames
}
