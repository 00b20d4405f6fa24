package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

const (
	keysFresh   = 10 * time.Minute // for how long an answer is good
	keysRetry   = 5 * time.Second  // between questions, whatever their answers
	keysTimeout = 5 * time.Second
)

// keyCache keeps the collector's key configurations. All clients of a relay get the same ones, so
// that a collector cannot know a client again by keys that it alone was given (RFC 9458, section
// 7). The zero value is ready.
type keyCache struct {
	asking sync.Mutex // held while the collector is asked; taken before mu

	mu     sync.Mutex
	list   []byte    // owned by mu, as is the rest
	signed string    // the collector's word for the list
	asked  time.Time // when the collector was asked last; zero: never
	fresh  time.Time // until when list is good
	err    error     // of the last question
}

// now returns what is good at a time; ask says that the collector is to be asked instead.
func (c *keyCache) now(at time.Time) (list []byte, signed string, err error, ask bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Before(c.fresh) {
		return c.list, c.signed, nil, false
	}
	if since := at.Sub(c.asked); since >= 0 && since < keysRetry {
		if c.err == nil {
			return c.list, c.signed, nil, false
		}
		return nil, "", c.err, false
	}
	return nil, "", nil, true
}

func (c *keyCache) put(at time.Time, list []byte, signed string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.signed, c.asked, c.err, c.fresh = list, signed, at, err, time.Time{}
	if err == nil {
		c.fresh = at.Add(keysFresh)
	}
}

// expire makes the next client's question go to the collector.
func (c *keyCache) expire(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Before(c.fresh) {
		c.fresh = at
	}
}

// gatewayKeys returns the collector's key configurations, from the cache or from the collector.
func (r *Relay) gatewayKeys(ctx context.Context) (list []byte, signed string, err error) {
	if list, signed, err, ask := r.keys.now(time.Now()); !ask {
		return list, signed, err
	}
	r.keys.asking.Lock() // for keysTimeout at most
	defer r.keys.asking.Unlock()
	if list, signed, err, ask := r.keys.now(time.Now()); !ask { // somebody else has asked
		return list, signed, err
	}
	list, signed, err = r.askForKeys(context.WithoutCancel(ctx)) // for all who wait
	r.keys.put(time.Now(), list, signed, err)
	return list, signed, err
}

var errNoKeys = errors.New("the collector does not tell its keys; is it a gateway, and the gateway URL right?")

func (r *Relay) askForKeys(ctx context.Context) (list []byte, signed string, err error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.o.Gateway+protocol.PathObliviousKeys, nil)
	if err != nil {
		return nil, "", err
	}
	req.Header["User-Agent"] = nil
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	list, err = io.ReadAll(io.LimitReader(resp.Body, ohttp.MaxKeys+1))
	if err != nil {
		return nil, "", err
	}
	signed = resp.Header.Get(protocol.HeaderGatewayKeys)
	if resp.StatusCode != http.StatusOK || mediaType(resp.Header.Get("Content-Type")) != ohttp.MediaTypeKeys || len(list) > ohttp.MaxKeys || len(signed) > 512 {
		return nil, "", errNoKeys
	}
	return bytes.Clone(list), signed, nil
}

// serveKeys tells clients the collector's key configurations, with its signature.
func (r *Relay) serveKeys(w http.ResponseWriter, req *http.Request) *httpError {
	list, signed, err := r.gatewayKeys(req.Context())
	if err != nil {
		return &httpError{http.StatusBadGateway, "the collector's keys cannot be had"}
	}
	h := w.Header()
	h.Set("Content-Type", ohttp.MediaTypeKeys)
	h.Set("Cache-Control", "no-cache") // who asks has just heard that what he has is old
	if signed != "" {
		h.Set(protocol.HeaderGatewayKeys, signed)
	}
	_, _ = w.Write(list)
	return nil
}

// Ready says whether the collector can be reached: nil, or why not. A relay is of no use without
// it. It asks every ten minutes while the answer is good, and every five seconds else.
func (r *Relay) Ready(ctx context.Context) error {
	_, _, err := r.gatewayKeys(ctx)
	return err
}
