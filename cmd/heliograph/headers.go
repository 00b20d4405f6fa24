package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/nel"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

type headersCmd struct {
	Path              string        `arg:"" help:"Data directory, or signed policy: which collectors there are."`
	SuccessFraction   float64       `help:"Fraction of the requests that succeed to report." default:"0.05" placeholder:"0.05"`
	FailureFraction   float64       `help:"Fraction of the requests that fail to report." default:"1" placeholder:"1"`
	MaxAge            time.Duration `help:"How long browsers remember." default:"720h" placeholder:"720h"`
	IncludeSubdomains bool          `help:"Report failures to resolve subdomains, too."`
	Group             string        `help:"Name of the group of endpoints." default:"nel" placeholder:"NAME"`
	Reports           bool          `help:"Ask for crash, deprecation, intervention and CSP reports, too."`
	Remove            bool          `help:"Make browsers forget what was asked before."`
	Format            string        `help:"text, nginx, caddy or go." default:"text" placeholder:"FORMAT"`
}

// Run prints the headers, and advice about them to standard error.
func (h *headersCmd) Run(out *output) error {
	file, err := h.policyFile()
	if err != nil {
		return err
	}
	_, policy, err := readPolicy(file)
	if err != nil {
		return err
	}
	o := nel.Options{Group: h.Group, MaxAge: h.MaxAge, SuccessFraction: h.SuccessFraction, FailureFraction: h.FailureFraction,
		IncludeSubdomains: h.IncludeSubdomains, Reports: h.Reports, Remove: h.Remove}
	headers, err := nel.Headers(policy.Collectors, o)
	if err != nil {
		return err
	}
	text, err := nel.Format(h.Format, headers, nel.Directives(policy.Collectors, o))
	if err != nil {
		return err
	}
	for _, advice := range nel.Advice(policy.Collectors, o) {
		fmt.Fprintln(out.stderr, "heliograph: warning:", advice)
	}
	_, err = fmt.Fprint(out.stdout, text)
	return err
}

// policyFile returns the path of the signed policy for Path.
func (h *headersCmd) policyFile() (string, error) {
	info, err := os.Stat(h.Path)
	if err != nil || !info.IsDir() {
		return h.Path, err
	}
	c, err := roles.Load(filepath.Join(h.Path, roles.ConfigName))
	if err != nil {
		return "", err
	}
	return c.File(c.Collector.Policy), nil
}
