package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/internal/yamlx"
)

type doctorCmd struct {
	Policy   string   `help:"Signed policy." required:"" placeholder:"FILE"`
	Service  []string `arg:"" optional:"" help:"Names of the service: shop.example, or shop.example:8443."`
	Networks string   `help:"Table of networks (start, end, ASN, country, name), to tell autonomous systems." placeholder:"FILE"`
	CA       string   `name:"ca" help:"PEM file of an authority to trust besides the system's." placeholder:"FILE"`
	Config   string   `help:"Configuration file. The servers of NATS and ClickHouse that it names are looked at, too." placeholder:"FILE"`
	Facts    string   `help:"Judge facts from this YAML file (lists service and collectors) instead of looking." placeholder:"FILE"`
	JSON     bool     `name:"json" help:"Print the findings as JSON."`
}

// Run examines the collectors and prints the findings. The exit code is 0 if nothing is shared with
// the service or broken and everything could be looked up, and 3 otherwise.
func (d *doctorCmd) Run(ctx context.Context, out *output) error {
	signed, policy, err := readPolicy(d.Policy)
	if err != nil {
		return fmt.Errorf("--policy: %w", err)
	}
	var facts struct {
		Service    []doctor.Facts `yaml:"service"`
		Collectors []doctor.Facts `yaml:"collectors"`
	}
	if d.Facts != "" {
		text, err := os.ReadFile(d.Facts)
		if err != nil {
			return fmt.Errorf("--facts: %w", err)
		}
		if err := yamlx.Decode(d.Facts, text, &facts); err != nil {
			return fmt.Errorf("--facts: %w", err)
		}
	} else {
		if len(d.Service) == 0 {
			return errors.New("name the service whose collectors these are: heliograph doctor --policy FILE shop.example")
		}
		look, err := d.looker()
		if err != nil {
			return err
		}
		look.Held = &doctor.Held{Policy: policy, Signed: signed}
		text := func() string { return "looking up names and asking collectors" }
		_ = whileWorking(out.stderr, text, func() error { // what fails is among the facts
			for _, name := range d.Service {
				facts.Service = append(facts.Service, look.Service(ctx, name))
			}
			for _, c := range policy.Collectors {
				facts.Collectors = append(facts.Collectors, look.Collector(ctx, c))
			}
			return nil
		})
	}
	findings := doctor.Judge(facts.Service, facts.Collectors, policy, time.Now())
	if _, err := policy.Next(signed); err != nil {
		findings = append(findings, doctor.Finding{Severity: doctor.Bad, Subject: "policy",
			Text: "is signed by a key that is not among its signers: agents refuse what this key signs next"})
	}
	if d.Config != "" {
		config, err := roles.Load(d.Config)
		if err != nil {
			return &exitError{code: exitUsage, text: err.Error()}
		}
		findings = append(findings, reach(ctx, out, config, roles.Roles{Collector: true, Detector: true})...)
	}
	if err := out.findings(findings, d.JSON); err != nil {
		return err
	}
	switch unsure := func(f doctor.Finding) bool { return f.Severity == doctor.Unsure }; {
	case doctor.Worst(findings) == doctor.Bad:
		return &exitError{code: exitUnsound, text: "the collectors do not stand in a failure domain of their own, or do not work: see FAULT above"}
	case slices.ContainsFunc(findings, unsure):
		return &exitError{code: exitUnsound, text: "not everything could be looked up: see unknown above"}
	}
	return nil
}

func (d *doctorCmd) looker() (*doctor.Looker, error) {
	look := &doctor.Looker{}
	if d.Networks != "" {
		f, err := os.Open(d.Networks)
		if err != nil {
			return nil, fmt.Errorf("--networks: %w", err)
		}
		defer f.Close()
		if look.Networks, err = nettable.Load(f); err != nil {
			return nil, fmt.Errorf("--networks: %s: %w", d.Networks, err)
		}
	}
	var err error
	look.RootCAs, err = authorities(d.CA)
	return look, err
}

// authorities returns the system's authorities and those in a file. If the name is empty, it
// returns nil, which means the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca: %s holds no PEM certificate", file)
	}
	return pool, nil
}

func printFindings(w io.Writer, findings []doctor.Finding) error {
	tw := tabwriter.NewWriter(printer{w}, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", f.Severity, f.Subject, f.Text)
	}
	return tw.Flush()
}
