package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/bundle"
)

type rotateCmd struct {
	Feed      rotateFeedCmd      `cmd:"" help:"The key with which the detector asks collectors for reports."`
	Open      rotateOpenCmd      `cmd:"" help:"The key that opens reports."`
	Oblivious rotateObliviousCmd `cmd:"" help:"The key that opens what agents send through relays."`
	Policy    rotatePolicyCmd    `cmd:"" help:"The key that signs policies."`
	Receipt   rotateReceiptCmd   `cmd:"" help:"The key with which a collector signs receipts; takes effect at once."`
}

// rotateFlags are the flags for keys whose rotation has two steps.
type rotateFlags struct {
	Data   string `help:"The operator's directory, as heliograph init has made it." required:"" type:"path" placeholder:"DIR"`
	Finish bool   `help:"End the old key."`
	Now    bool   `help:"With --finish: although somebody may still need it, because it was stolen."`
	jsonFlag
}

// rotated is a step of a rotation in JSON.
type rotated struct {
	Key      string `json:"key"`
	Finished bool   `json:"finished"`        // the old key is deleted
	Until    string `json:"until,omitempty"` // when the old key may be needed last
}

// run begins or finishes a rotation. begun and ended say what to do with the hosts after each step.
func (f *rotateFlags) run(out *output, key string, begun, ended string) error {
	o := bundle.Operator{Dir: f.Data}
	if f.Finish {
		err := o.Finish(key, f.Now, time.Now())
		if errors.Is(err, bundle.ErrTooEarly) {
			return &exitError{code: exitUnsound, text: err.Error() + " (then: --now)"}
		}
		if err == nil && f.JSON {
			return out.json(rotated{Key: key, Finished: true})
		}
		if err == nil {
			_, err = fmt.Fprintf(out.stdout, "The old %s key is deleted.%s\n", key, ended)
		}
		return err
	}
	if f.Now {
		return &exitError{code: exitUsage, text: "--now goes with --finish"}
	}
	until, err := o.Rotate(key, time.Now())
	if err != nil {
		return err
	}
	if f.JSON {
		return out.json(rotated{Key: key, Until: until.Format(time.RFC3339)})
	}
	_, err = fmt.Fprintf(out.stdout, "There is a new %s key. %s\nThe old one may be needed until %s. After that: heliograph rotate %s --finish --data %s\n",
		key, begun, until.Format(time.DateOnly), key, f.Data)
	return err
}

type rotateFeedCmd struct{ rotateFlags }

// Run rotates the feed key.
func (r *rotateFeedCmd) Run(out *output) error {
	return r.run(out, "feed", "First give every collector a new archive and reload it, then the detector.",
		" Give every collector a new archive and reload it: until then it keeps batches for the old key.")
}

type rotateOpenCmd struct{ rotateFlags }

// Run rotates the key that opens reports.
func (r *rotateOpenCmd) Run(out *output) error {
	return r.run(out, "open", "First give the detector a new archive and reload it, then the collectors and probers: they have the policy that names the new key.",
		" Give the detector a new archive and reload it.")
}

type rotateObliviousCmd struct{ rotateFlags }

// Run rotates the gateway's key.
func (r *rotateObliviousCmd) Run(out *output) error {
	return r.run(out, "oblivious", "Give every collector behind a relay a new archive and reload it, and the others the policy.",
		" Give every collector behind a relay a new archive and reload it.")
}

type rotatePolicyCmd struct{ rotateFlags }

// Run rotates the key that signs policies.
func (r *rotatePolicyCmd) Run(out *output) error {
	return r.run(out, "policy", "Give every collector and prober a new archive: the policy in it says that both keys may sign the next. Ship it with your application, too.",
		" Give every collector and prober a new archive, and ship the policy with your application.")
}

type rotateReceiptCmd struct {
	Name string `arg:"" help:"Id of the collector." placeholder:"ID"`
	Data string `help:"The operator's directory, as heliograph init has made it." required:"" type:"path" placeholder:"DIR"`
}

// Run gives a collector a new receipt key.
func (r *rotateReceiptCmd) Run(out *output) error {
	if err := (bundle.Operator{Dir: r.Data}).RotateReceipt(r.Name); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out.stdout, "%[1]s has a new receipt key. Give it a new archive and reload it, and every other collector and prober the new policy.\n"+
		"Agents deliver to the other collectors until they have that policy.\n", r.Name)
	return err
}

type revokeCmd struct {
	Collector revokeCollectorCmd `cmd:"" help:"A collector: agents no longer deliver to it."`
	Prober    revokeProberCmd    `cmd:"" help:"A prober: the detector no longer believes it."`
	Relay     revokeRelayCmd     `cmd:"" help:"A relay: collectors no longer believe what it says of clients."`
}

type revokeFlags struct {
	Name string `arg:"" help:"Name of the host."`
	Data string `help:"The operator's directory, as heliograph init has made it." required:"" type:"path" placeholder:"DIR"`
}

func (r *revokeFlags) run(out *output, revoke func(bundle.Operator, string) error, then string) error {
	if err := revoke(bundle.Operator{Dir: r.Data}, r.Name); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out.stdout, "%s is revoked. %s\n", r.Name, then)
	return err
}

type revokeCollectorCmd struct{ revokeFlags }

// Run revokes a collector.
func (r *revokeCollectorCmd) Run(out *output) error {
	return r.run(out, bundle.Operator.RevokeCollector, "Give the other collectors and the probers new archives, then the detector, and reload them; ship the new policy with your application. "+
		"Stop the host when it delivers nothing more, or at once if it is in other hands.")
}

type revokeProberCmd struct{ revokeFlags }

// Run revokes a prober.
func (r *revokeProberCmd) Run(out *output) error {
	return r.run(out, bundle.Operator.RevokeProber, "Give the detector a new archive and reload it.")
}

type revokeRelayCmd struct{ revokeFlags }

// Run revokes a relay.
func (r *revokeRelayCmd) Run(out *output) error {
	return r.run(out, bundle.Operator.RevokeRelay, "Take it out of policy.yaml if that names it, raise the version, and give the collectors new archives.")
}
