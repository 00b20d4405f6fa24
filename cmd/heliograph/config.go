package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Check a configuration and everything that it names: keys, policy, certificates, tables, receivers, and the servers of NATS and ClickHouse."`
}

type configCheckCmd struct {
	File string   `arg:"" help:"Configuration file." default:"heliograph.yaml" type:"path"`
	Role []string `help:"Roles that run with it on this host: ${enum}. All but relay by default, which has a file of its own, relay.yaml." enum:"collector,detector,prober,relay" placeholder:"ROLE"`
	JSON bool     `name:"json" help:"Print the findings as JSON."`

	Offline bool `help:"Connect to no server of NATS or ClickHouse."`
}

// Run checks a configuration. The exit code is 3 if there is a fault.
func (c *configCheckCmd) Run(ctx context.Context, out *output) error {
	findings, err := c.check(ctx, out)
	if err != nil {
		return &exitError{code: exitUsage, text: err.Error()}
	}
	if err := out.findings(findings, c.JSON); err != nil {
		return err
	}
	if doctor.Worst(findings) == doctor.Bad {
		return &exitError{code: exitUnsound, text: "something would not work: see FAULT above"}
	}
	return nil
}

func (c *configCheckCmd) check(ctx context.Context, out *output) ([]doctor.Finding, error) {
	relay := slices.Contains(c.Role, "relay") || len(c.Role) == 0 && filepath.Base(c.File) == roles.RelayConfigName
	switch {
	case relay && len(c.Role) > 1:
		return nil, errors.New("--role relay stands alone: a relay has a file of its own")
	case relay:
		config, err := roles.LoadRelay(c.File)
		if err != nil {
			return nil, err
		}
		return config.Check(time.Now()), nil
	}
	config, err := roles.Load(c.File)
	if err != nil {
		return nil, err
	}
	findings := config.Check(c.roles(), time.Now())
	if c.Offline {
		return findings, nil
	}
	return append(findings, reach(ctx, out, config, c.roles())...), nil
}

// reach connects to the servers that a configuration names, and says that it does if that takes
// long.
func reach(ctx context.Context, out *output, config *roles.Config, r roles.Roles) (findings []doctor.Finding) {
	text := func() string { return "connecting to NATS and ClickHouse" }
	_ = whileWorking(out.stderr, text, func() error {
		findings = config.Reach(ctx, r)
		return nil
	})
	return findings
}

func (c *configCheckCmd) roles() (r roles.Roles) {
	for _, role := range c.Role {
		switch role {
		case "collector":
			r.Collector = true
		case "detector":
			r.Detector = true
		case "prober":
			r.Prober = true
		}
	}
	if r == (roles.Roles{}) {
		r = roles.Roles{Collector: true, Detector: true, Prober: true}
	}
	return r
}

// finding is a finding in JSON.
type finding struct {
	Severity string `json:"severity"` // ok, unknown, warning, fault
	Subject  string `json:"subject"`
	Text     string `json:"text"`
}

// findings prints findings as a table or as JSON.
func (o *output) findings(all []doctor.Finding, asJSON bool) error {
	if !asJSON {
		return printFindings(o.stdout, all)
	}
	list := make([]finding, len(all))
	for i, f := range all {
		list[i] = finding{f.Severity.Word(), f.Subject, f.Text}
	}
	return o.json(list)
}

// json prints a value as indented JSON.
func (o *output) json(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.stdout, "%s\n", text)
	return err
}
