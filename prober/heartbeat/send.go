package heartbeat

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/auth"
)

// Path is where a prober takes beats.
const Path = "/v1/heartbeats"

// Send sends one beat to the prober at base ("https://prober.example:8420"), whose vantage has the
// given id. A nil client means [http.DefaultClient]. The error says what the prober answered.
func Send(ctx context.Context, client *http.Client, base, vantage string, key ed25519.PrivateKey, b *Beat) error {
	if client == nil {
		client = http.DefaultClient
	}
	body, err := b.Encode()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+Path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	r.Header.Set("Content-Type", MediaType)
	r.Header.Set("Authorization", auth.SignHeartbeat(key, vantage, body, time.Now()))
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNoContent {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 512)) // what there is of an explanation
	return fmt.Errorf("heartbeat: the prober answers %s: %s", answer.Status, strings.TrimSpace(string(text)))
}
