//go:build cgo

package main

import (
	"context"
	"errors"
	"io"
	"log"
	"math"
	"path/filepath"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

const maxPath = 4096 // bytes of a spool directory's name

var errLimit = errors.New("too many agents are open in this process: shut one down")

// protect runs f and turns a panic into a result.
func protect(f func() int32) (result int32) {
	defer func() {
		if recover() != nil {
			result = resultInternal
		}
	}()
	return f()
}

// codeOf returns the result for an error of open.
func codeOf(err error) int32 {
	if errors.Is(err, errLimit) {
		return resultLimit
	}
	return resultArgument
}

// config is hg_options as a Go type. Strings and the policy may exceed their limits by one byte,
// so that validate notices.
type config struct {
	app, version, spool string
	policy              []byte
	consent             int32
}

func (c *config) validate() error {
	var faults []error
	if !validConsent(c.consent) {
		faults = append(faults, errors.New("consent: no such level"))
	}
	if len(c.policy) > policy.MaxSize {
		faults = append(faults, errors.New("policy: is too large"))
	}
	if c.spool == "" || len(c.spool) > maxPath {
		faults = append(faults, errors.New("spool_dir: is required, at most 4096 bytes"))
	}
	return errors.Join(faults...)
}

func validConsent(level int32) bool { return level >= 0 && level <= int32(report.Diagnostics) }

// table holds the open agents by handle. Its methods are safe for concurrent use. C knows only
// their numbers, so an old or invented handle does no harm.
type table struct {
	opening sync.Mutex // held while an agent is opened

	mu     sync.RWMutex
	last   uint64 // the latest handle; handles are never reused
	agents map[uint64]*agent.Agent
}

var agents = table{agents: make(map[uint64]*agent.Agent)}

// open starts an agent and returns its handle.
func (t *table) open(c config) (uint64, error) {
	if err := c.validate(); err != nil {
		return 0, err
	}
	// Packages such as net/http use the standard logger when a peer misbehaves, and must not write
	// to the host's stderr.
	log.SetOutput(io.Discard)
	if !linked() {
		return 0, errLimit
	}
	t.opening.Lock()
	defer t.opening.Unlock()
	if t.len() >= maxAgents {
		return 0, errLimit
	}
	spool, err := diskspool.Open(c.spool, diskspool.Options{})
	if err != nil {
		return 0, err
	}
	if dir, err := filepath.Abs(c.spool); err == nil {
		letGoInChildren(realPath(dir))
	}
	a, err := agent.New(agent.Options{App: c.app, Version: c.version, Policy: c.policy, Consent: report.Consent(c.consent), Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{})})
	if err != nil {
		return 0, errors.Join(err, spool.Close())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.agents[t.last] = a
	return t.last, nil
}

// realPath returns the path that open files in dir have: links are followed as far as the path
// exists.
func realPath(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	if parent := filepath.Dir(dir); parent != dir {
		return filepath.Join(realPath(parent), filepath.Base(dir))
	}
	return dir
}

func (t *table) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.agents)
}

// use calls f with the agent of a handle. The agent may be shut down meanwhile.
func (t *table) use(handle uint64, f func(*agent.Agent) int32) int32 {
	t.mu.RLock()
	a := t.agents[handle]
	t.mu.RUnlock()
	if a == nil {
		return resultHandle
	}
	return f(a)
}

// shutdown ends an agent and forgets its handle. Concurrent calls all wait and return the same.
func (t *table) shutdown(handle uint64, timeoutMS uint32) int32 {
	return t.use(handle, func(a *agent.Agent) int32 {
		defer func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			delete(t.agents, handle)
		}()
		return within(timeoutMS, a.Shutdown)
	})
}

// within calls f, which is an agent's Flush or Shutdown, with a time limit and returns how many
// segments remain.
func within(timeoutMS uint32, f func(context.Context) error) int32 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(timeoutMS)*time.Millisecond)
	defer cancel()
	err := f(ctx)
	if err == nil {
		return resultOK
	}
	if remain, ok := errors.AsType[*agent.RemainError](err); ok && remain.Segments > 0 {
		return int32(min(remain.Segments, math.MaxInt32))
	}
	return resultSpool
}

// setConsent sets the level and returns the one in force.
func setConsent(a *agent.Agent, level int32) int32 {
	if !validConsent(level) {
		a.SetConsent(report.Off)
		return resultArgument
	}
	a.SetConsent(report.Consent(level))
	return int32(a.Stats().Consent)
}

func sum(dropped map[string]uint64) (n uint64) {
	for _, count := range dropped {
		n += count
	}
	return n
}
