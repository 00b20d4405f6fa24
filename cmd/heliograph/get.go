package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

type getCmd struct {
	Policy  string        `help:"Signed policy; without one nothing is reported." placeholder:"FILE"`
	Spool   string        `help:"Directory for reports that could not be delivered yet. Default: one per policy signer below the user's cache directory." type:"path" placeholder:"DIR"`
	Consent string        `help:"off, counts or diagnostics. Off withdraws what was allowed before: it deletes the spool, and the operator is told to delete what was sent. Without this flag nothing is reported, and nothing changes." placeholder:"LEVEL"`
	CA      string        `name:"ca" help:"PEM file of an authority that the collectors' certificates may come from, besides the system's." placeholder:"FILE"`
	Timeout time.Duration `help:"For one request." default:"30s"`
	Deliver time.Duration `help:"How long to try to deliver before leaving reports to the next run." default:"10s"`
	URLs    []string      `arg:"" name:"url" help:"What to fetch."`
}

// Run fetches the URLs in turn and writes their bodies to stdout. It tries once to deliver reports
// before it returns.
func (g *getCmd) Run(ctx context.Context, out *output) (err error) {
	transport := http.RoundTripper(http.DefaultTransport)
	a, err := g.agent()
	if err != nil {
		return err
	}
	if a != nil {
		transport = httpagent.Wrap(a, transport)
		defer func() { // even if requests failed
			wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.Deliver)
			defer cancel()
			if remain, ok := errors.AsType[*agent.RemainError](a.Shutdown(wait)); ok {
				fmt.Fprintln(out.stderr, "heliograph:", undelivered(remain))
			}
		}()
	}
	client := &http.Client{Transport: transport, Timeout: g.Timeout}
	failed := false
	for _, url := range g.URLs {
		if err := fetch(ctx, client, url, out); err != nil {
			fmt.Fprintln(out.stderr, "heliograph:", err)
			failed = true
		}
	}
	if failed {
		return &exitError{code: exitFailed}
	}
	return nil
}

// agent starts the agent that the flags ask for. It returns nil if they ask for none.
func (g *getCmd) agent() (*agent.Agent, error) {
	level := report.Off
	if g.Consent != "" {
		var err error
		if level, err = report.ParseConsent(g.Consent); err != nil {
			return nil, fmt.Errorf("--consent: %w", err)
		}
	}
	switch {
	case g.Policy == "" && level != report.Off:
		return nil, errors.New("--consent needs --policy: it says whom the reports are for")
	case g.Policy == "":
		return nil, nil
	case g.Consent == "":
		_, _, err := readPolicy(g.Policy)
		if err != nil {
			return nil, fmt.Errorf("--policy: %w", err)
		}
		return nil, nil
	default:
		return g.startAgent(level)
	}
}

// undelivered says what remains and why.
func undelivered(remain *agent.RemainError) string {
	s := fmt.Sprintf("%d report(s) could not be delivered yet; the next run tries again", remain.Segments)
	if remain.Unstored > 0 {
		s = fmt.Sprintf("%d report(s) could be neither delivered nor stored, and are lost", remain.Unstored)
	}
	if remain.Cause != nil {
		s += " (" + strings.ReplaceAll(remain.Cause.Error(), "\n", "; ") + ")"
	}
	return s
}

func (g *getCmd) startAgent(level report.Consent) (*agent.Agent, error) {
	signed, _, err := readPolicy(g.Policy)
	if err != nil {
		return nil, fmt.Errorf("--policy: %w", err)
	}
	dir := g.Spool
	if dir == "" {
		if dir, err = defaultSpool(signed); err != nil {
			return nil, err
		}
	}
	spool, err := diskspool.Open(dir, diskspool.Options{})
	if err != nil {
		return nil, fmt.Errorf("--spool: %w", err)
	}
	authorities, err := authorities(g.CA)
	if err != nil {
		return nil, err
	}
	return agent.New(agent.Options{App: "heliograph-get", Version: version, Policy: signed, Consent: level, Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{RootCAs: authorities})})
}

// defaultSpool returns a separate directory for every signer, because reports sealed for one
// operator are useless to another.
func defaultSpool(signed []byte) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("--spool: there is no cache directory for it (%w); name one", err)
	}
	signer, err := policy.Signer(signed)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(signer)
	return filepath.Join(cache, "heliograph", "spool-"+hex.EncodeToString(sum[:4])), nil
}

func fetch(ctx context.Context, client *http.Client, url string, out *output) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil || req.URL.Host == "" {
		return fmt.Errorf("%q is not a URL such as https://shop.example/", url)
	}
	req.Header.Set("User-Agent", "heliograph-get/"+version)
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", httpagent.Classify(ctx, err), err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(out.stdout, resp.Body); err != nil {
		return fmt.Errorf("%s: reading the answer of %s: %w", httpagent.Classify(ctx, err), url, err)
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s: %s answered %s", report.HTTPError, url, resp.Status)
	}
	return nil
}
