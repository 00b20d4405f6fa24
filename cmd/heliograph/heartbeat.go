package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/prober/heartbeat"
)

type heartbeatCmd struct {
	To      string   `arg:"" help:"Base URL of the prober's listener for heartbeats." placeholder:"URL"`
	Vantage string   `help:"The prober's vantage, for which heartbeats are signed." required:"" placeholder:"ID"`
	Rack    string   `help:"Name of the rack." required:"" placeholder:"NAME"`
	Key     string   `help:"File of the private key, PEM (openssl genpkey -algorithm ed25519)." required:"" type:"path" placeholder:"FILE"`
	Bits    string   `help:"File with a 1 for each server that is up and a 0 for each that is not, in order; - for standard input. Read before each heartbeat." default:"-" placeholder:"FILE"`
	CA      string   `help:"File of authorities to trust besides the system's, PEM, for a listener with a certificate of your own." type:"path" placeholder:"FILE"`
	Every   spanFlag `help:"Send one each SPAN, until interrupted; default: one, and end." placeholder:"SPAN"`
}

// sendLimit is how long one heartbeat may take.
const sendLimit = 10 * time.Second

// Run sends heartbeats. One that is not taken ends the command, unless it sends many.
func (h *heartbeatCmd) Run(ctx context.Context, out *output) error {
	file, err := os.ReadFile(h.Key)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	key, err := keyfile.ParseSigningKey(file)
	if err != nil {
		return fmt.Errorf("--key: %s: %w", h.Key, err)
	}
	client, err := h.client()
	if err != nil {
		return err
	}
	if h.Every > 0 && h.Bits == "-" {
		return errors.New("--every: needs --bits FILE, which is read each time")
	}
	for {
		up, err := h.read()
		if err != nil {
			return fmt.Errorf("--bits: %w", err)
		}
		limited, cancel := context.WithTimeout(ctx, sendLimit)
		err = heartbeat.Send(limited, client, h.To, h.Vantage, key, &heartbeat.Beat{Rack: h.Rack, Number: uint64(time.Now().UnixMilli()), Up: up})
		cancel()
		switch {
		case h.Every == 0:
			return err
		case err != nil && ctx.Err() == nil:
			out.log.Warn("heartbeat was not taken", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(h.Every)):
		}
	}
}

// client returns the client to send with.
func (h *heartbeatCmd) client() (*http.Client, error) {
	pool, err := authorities(h.CA)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute}}, nil
}

// read reads the bits. White space between them does not matter.
func (h *heartbeatCmd) read() (*heatmap.Bitset, error) {
	from := io.Reader(os.Stdin)
	if h.Bits != "-" {
		f, err := os.Open(h.Bits)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, 2*heatmap.MaxServers))
	if err != nil {
		return nil, err
	}
	return parseBits(text)
}

func parseBits(text []byte) (*heatmap.Bitset, error) {
	var bits []bool
	for i, b := range text {
		switch b {
		case '0', '1':
			bits = append(bits, b == '1')
		case ' ', '\n', '\r', '\t':
		default:
			return nil, fmt.Errorf("byte %d is %q, want 0 or 1", i, b)
		}
	}
	up, err := heatmap.NewBitset(len(bits))
	if err != nil {
		return nil, err
	}
	for i, b := range bits {
		up.Set(i, b)
	}
	return up, nil
}
