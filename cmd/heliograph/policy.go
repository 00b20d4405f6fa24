package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

type policyCmd struct {
	Show policyShowCmd `cmd:"" help:"Show what a signed policy says."`
	Sign policySignCmd `cmd:"" help:"Sign a policy.yaml."`
	Pin  policyPinCmd  `cmd:"" help:"Compute the pin of a certificate, for a collector in policy.yaml."`
}

type policyShowCmd struct {
	File string `arg:"" help:"Signed policy."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run prints a policy.
func (p *policyShowCmd) Run(out *output) error {
	signed, policy, err := readPolicy(p.File)
	if err != nil {
		return err
	}
	if p.JSON {
		return out.json(newShownPolicy(signed, policy))
	}
	return showPolicy(out.stdout, signed, policy, time.Now())
}

// readPolicy reads a signed policy and checks it against the signer that it names. The file itself
// is trusted.
func readPolicy(path string) ([]byte, *policy.Policy, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	signed, err := io.ReadAll(io.LimitReader(f, policy.MaxSize+1))
	if err != nil {
		return nil, nil, err
	}
	signer, err := policy.Signer(signed)
	if err != nil {
		return nil, nil, fmt.Errorf("%s is not a signed policy: %w (heliograph policy sign makes one of policy.yaml)", path, err)
	}
	policy, err := policy.Open(signed, signer)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return signed, policy, nil
}

func showPolicy(w io.Writer, signed []byte, p *policy.Policy, now time.Time) error {
	signer, err := policy.Signer(signed)
	if err != nil {
		return err
	}
	seal, err := seal.ParseKey(p.SealKey)
	if err != nil {
		return err
	}
	day := func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
	state := "in force"
	switch {
	case p.Disabled:
		state = "disabled: agents record nothing"
	case p.Expired(now):
		state = "expired: agents keep its collectors and record counts at most"
	}
	tw := tabwriter.NewWriter(printer{w}, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(tw, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("version", "%d (%s)", p.Version, state)
	row("issued", "%s", day(p.Issued))
	row("expires", "%s", day(p.Expires))
	row("signed by", "ed25519:%x", signer)
	for _, s := range p.Signers {
		row("next signer", "ed25519:%x", s)
	}
	row("sealed to", "%x", seal.ID())
	row("max consent", "%s", p.MaxConsent)
	row("success windows sent", "%.4g %%", float64(p.SuccessPPM)*100/report.FullPPM)
	row("window", "%v", time.Duration(p.WindowMS)*time.Millisecond)
	if p.EarlyMS == policy.NeverEarly {
		row("early", "never")
	} else {
		row("early", "%v", time.Duration(p.EarlyMS)*time.Millisecond)
	}
	if p.ShortLived {
		row("short-lived processes", "all their windows")
	}
	row("samples per window", "%d", p.SamplesPerWindow)
	row("refresh", "%v", time.Duration(p.RefreshSeconds)*time.Second)
	row("bytes per day", "%d", p.BytesPerDay)
	for _, c := range p.Collectors {
		more := ""
		if len(c.Addresses) > 0 {
			more += ", addresses " + strings.Join(c.Addresses, " ")
		}
		if len(c.Pins) > 0 {
			more += fmt.Sprintf(", %d pins", len(c.Pins))
		}
		if c.Relay != "" {
			more += ", through " + c.Relay + keyIDs(c.ObliviousKeys)
		}
		row("collector "+c.ID, "%s, priority %d, weight %d%s", c.URL, c.Priority, c.Weight, more)
	}
	if direct := directCollectors(p); direct != "" {
		row("note", "agents also connect to %s without a relay, when it is their turn, and disclose their addresses to it", direct)
	}
	return tw.Flush()
}

// keyIDs returns the ids of the keys in a list of key configurations.
func keyIDs(list []byte) string {
	configs, err := ohttp.ParseKeyConfigs(list, ohttp.MLKEM768X25519(), ohttp.X25519())
	if err != nil {
		return ", with a key that this version cannot use: " + err.Error()
	}
	var ids []string
	for _, c := range configs {
		ids = append(ids, strconv.Itoa(int(c.ID())))
	}
	return ", key " + strings.Join(ids, ", ")
}

// directCollectors returns the names of the collectors without a relay. It returns "" if no
// collector or every collector has a relay.
func directCollectors(p *policy.Policy) string {
	var direct []string
	for _, c := range p.Collectors {
		if c.Relay == "" {
			direct = append(direct, c.ID)
		}
	}
	if len(direct) == len(p.Collectors) {
		return ""
	}
	return strings.Join(direct, ", ")
}

type policySignCmd struct {
	File string `arg:"" help:"policy.yaml."`
	Key  string `help:"Key that signs." required:"" placeholder:"FILE"`
	Out  string `help:"Where the signed policy goes; replaced in one step." required:"" placeholder:"FILE"`

	Bin   time.Duration `help:"The detector's bin, as in its configuration." default:"10s" placeholder:"DURATION"`
	Grace time.Duration `help:"The detector's grace, likewise. Windows may be as long as both together, or a minute." default:"10s" placeholder:"DURATION"`
}

// Run signs a policy. It refuses a version that is not higher than before and a key that is not
// among the signers, because agents would too, and windows that the detector cannot use.
func (p *policySignCmd) Run(out *output) error {
	signed, err := roles.SignPolicyFile(p.File, p.Key, time.Now())
	if err != nil {
		return err
	}
	next, err := policy.Signer(signed)
	if err != nil {
		return err
	}
	policy, err := policy.Open(signed, next)
	if err != nil {
		return err
	}
	if _, err := policy.Next(signed); err != nil {
		return fmt.Errorf("%s: signers: %s is not the private half of any: agents would refuse what it signs next; add its public half", p.File, p.Key)
	}
	if err := p.checkWindow(time.Duration(policy.WindowMS) * time.Millisecond); err != nil {
		return fmt.Errorf("%s: %w", p.File, err)
	}
	if _, old, err := readPolicy(p.Out); err == nil && policy.Version <= old.Version {
		return fmt.Errorf("%s: version: %d does not rise above %d of %s: agents keep the one they have; raise it", p.File, policy.Version, old.Version, p.Out)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("--out: %w (it is not replaced)", err)
	}
	if err := replaceFile(p.Out, signed); err != nil {
		return err
	}
	fmt.Fprintf(out.stdout, "Signed version %d into %s.\n", policy.Version, p.Out)
	if direct := directCollectors(policy); direct != "" {
		fmt.Fprintf(out.stdout, "Note: %s has no relay; agents whose turn it is disclose their addresses to it.\n", direct)
	}
	return nil
}

// checkWindow refuses windows that arrive when their bins have been judged.
func (p *policySignCmd) checkWindow(window time.Duration) error {
	if p.Bin <= 0 || p.Grace <= 0 {
		return errors.New("--bin and --grace must be positive")
	}
	if longest := detector.LongestWindow(p.Bin, p.Grace); window > longest {
		return fmt.Errorf("window: %v is longer than %v, the detector's bin (--bin %v) and grace (--grace %v): most windows would come too late to be judged; "+
			"shorten it, or raise detector.bin or detector.grace and give the same here", window, longest, p.Bin, p.Grace)
	}
	return nil
}

// replaceFile replaces a file atomically: a reader sees either the old bytes or the new ones.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
