//go:build js && wasm

package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strconv"
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/wasm/internal/fetchtransport"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

const (
	// greatest age of a kept policy that is used without asking; the agent itself fetches newer
	// ones of its signers
	policyAge    = 24 * time.Hour
	policyTime   = 10 * time.Second
	maxPolicyURL = 4 << 10
)

var errPolicyType = errors.New("policy must be a URL or a Uint8Array")

// policyOf returns the signed policy that the page sent, or fetches it from the URL that the page
// sent. With keep, it keeps a fetched policy.
func policyOf(spool agent.Spool, v js.Value, keep bool) ([]byte, error) {
	url, isText := jsx.Text(v, maxPolicyURL)
	if !isText {
		b, err := jsx.Bytes(v, policy.MaxSize)
		if err != nil {
			return nil, errPolicyType
		}
		return b, nil
	}
	kept, age := keptPolicy(spool, url)
	if kept != nil && age >= 0 && age < policyAge {
		return kept, nil
	}
	fresh, err := fetchPolicy(url)
	switch {
	case err == nil:
		if keep {
			keepPolicy(spool, url, fresh)
		}
		return fresh, nil
	case kept != nil:
		return kept, nil
	default:
		return nil, err
	}
}

// fetchPolicy fetches the policy from the page's server or the browser's cache.
func fetchPolicy(url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), policyTime)
	defer cancel()
	status, b, err := fetchtransport.Get(ctx, url, policy.MaxSize)
	if err != nil {
		return nil, err
	}
	if status != 200 {
		return nil, errors.New("the policy's URL answers with status " + strconv.Itoa(int(status)))
	}
	if _, err := policy.Signer(b); err != nil {
		return nil, errors.New("what the policy's URL answers with is no signed policy: " + err.Error())
	}
	return b, nil
}

// statePolicyFile is the state that keeps the fetched policy. Without it, nothing could be sealed
// in an outage of the page's own server, not even a deletion notice. It has the time of the fetch
// in Unix seconds (8 bytes, big-endian), the URL's SHA-256, and the policy.
const statePolicyFile = "policyfile"

const policyHead = 8 + sha256.Size

func keptPolicy(spool agent.Spool, url string) (policy []byte, age time.Duration) {
	b, err := spool.State(statePolicyFile, func([]byte) []byte { return nil })
	if err != nil || len(b) <= policyHead || [sha256.Size]byte(b[8:policyHead]) != sha256.Sum256([]byte(url)) {
		return nil, 0
	}
	return b[policyHead:], time.Since(time.Unix(int64(binary.BigEndian.Uint64(b)), 0))
}

// keepPolicy stores a policy. If it cannot, the next page fetches it again.
func keepPolicy(spool agent.Spool, url string, policy []byte) {
	sum := sha256.Sum256([]byte(url))
	b := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()))
	b = append(append(b, sum[:]...), policy...)
	_, _ = spool.State(statePolicyFile, func([]byte) []byte { return b })
}
