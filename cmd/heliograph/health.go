package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"
)

// healthTimeout is how long a process may take to say how it is.
const healthTimeout = 4 * time.Second

type healthCmd struct {
	URL string `arg:"" name:"url" optional:"" help:"Where the process says how it is." default:"http://127.0.0.1:8419/health/ready" placeholder:"URL"`
}

// Run prints what a process says about itself. It is what a container's health check calls: the
// image has no shell and no curl.
func (h *healthCmd) Run(ctx context.Context, out *output) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil || req.URL.Host == "" {
		return &exitError{code: exitUsage, text: fmt.Sprintf("%q is not a URL such as http://127.0.0.1:8419/health/ready", h.URL)}
	}
	resp, err := http.DefaultClient.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w (nothing runs there: operations.listen says where a process answers; a relay does on port 8421)", err)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	const most = 64 << 10
	if _, err := io.Copy(out.stdout, io.LimitReader(resp.Body, most)); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return &exitError{code: exitUnsound, text: fmt.Sprintf("%s answered %s", h.URL, resp.Status)}
	}
	return nil
}
