package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// Name is the kind of target that sends heartbeats.
const Name = "heartbeat"

// StepHeartbeat is the only step of an attempt. It takes no time.
const StepHeartbeat = "heartbeat"

// Spec is a [probe.Spec] of one server of a rack. Its attempts send nothing.
type Spec struct {
	Receiver *Receiver // required
	Rack     string    // one of the receiver's
	Server   int       // which of the rack's servers, from 0
	Listen   string    // host:port in the topology; may be empty
}

// Kind implements [probe.Spec].
func (s *Spec) Kind() string { return Name }

// Address implements [probe.Spec].
func (s *Spec) Address() string { return s.Listen }

// Errors of attempts that say nothing about a server.
var (
	errUnheard = errors.New("the rack has not been heard yet, and has time left")
	errAlone   = errors.New("no rack is heard: this prober may be cut off")
)

// Probe implements [probe.Spec].
func (s *Spec) Probe(probe.Env) (probe.Func, error) {
	if s.Receiver == nil {
		return nil, errors.New("heartbeat: has no receiver")
	}
	if s.Server < 0 {
		return nil, fmt.Errorf("heartbeat: server %d of a rack", s.Server)
	}
	return func(context.Context) (probe.Result, error) {
		now := time.Now()
		r := probe.Result{Outcome: report.OK, Started: now, Steps: []probe.Step{{Name: StepHeartbeat}}}
		switch c, _ := s.Receiver.look(s.Rack, s.Server, now); c {
		case unheard:
			return probe.Result{}, errUnheard
		case alone:
			return probe.Result{}, errAlone
		case silent:
			r.Outcome = report.HeartbeatSilent
		case down:
			r.Outcome = report.HeartbeatDown
		}
		return r, nil
	}, nil
}
