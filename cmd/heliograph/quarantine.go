package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

type quarantineCmd struct {
	List  quarantineListCmd  `cmd:"" help:"Show what is in quarantine, why, and which key it is sealed to."`
	Retry quarantineRetryCmd `cmd:"" help:"Try everything in quarantine again with the configuration's open_keys."`
}

type quarantineListCmd struct {
	configFlag
	JSON bool `name:"json" help:"Print JSON, a line for each batch."`
}

// openQuarantine opens the quarantine of a configuration.
func openQuarantine(ctx context.Context, config string, out *output) (*roles.Quarantine, error) {
	c, err := roles.Load(config)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (--config names the detector's configuration)", err)
	}
	if err != nil {
		return nil, err
	}
	return roles.OpenQuarantine(ctx, c, out.log)
}

// listed is what is shown of a batch in quarantine.
type listed struct {
	Batch    string    `json:"batch"`
	Feed     string    `json:"feed"`
	Received time.Time `json:"received"`
	Reason   string    `json:"reason"`
	Key      string    `json:"key,omitempty"` // id of the key that it is sealed to
	Bytes    int       `json:"bytes"`
	Detail   string    `json:"detail"`
}

func newListed(h *detector.Held) listed {
	l := listed{h.ID.String(), h.Feed, h.Received.UTC(), h.Reason, "", len(h.Segment), h.Detail}
	if info, err := seal.ParseSegment(h.Segment); err == nil {
		l.Key = hex.EncodeToString(info.Key[:])
	}
	return l
}

// Run prints what is in quarantine.
func (q *quarantineListCmd) Run(ctx context.Context, out *output) (err error) {
	quarantine, err := openQuarantine(ctx, q.Config, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, quarantine.Close()) }()
	if q.JSON {
		lines := json.NewEncoder(out.stdout)
		return quarantine.Each(ctx, func(h *detector.Held) error { return lines.Encode(newListed(h)) })
	}
	table := tabwriter.NewWriter(printer{out.stdout}, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BATCH\tFEED\tRECEIVED\tREASON\tKEY\tBYTES")
	n := 0
	err = quarantine.Each(ctx, func(h *detector.Held) error {
		l := newListed(h)
		n++
		_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\n", l.Batch, l.Feed, l.Received.Format(time.RFC3339), l.Reason, l.Key, l.Bytes)
		return err
	})
	if n == 0 && err == nil {
		_, err = fmt.Fprintln(out.stdout, "Nothing is in quarantine.")
		return err
	}
	return errors.Join(err, table.Flush())
}

type quarantineRetryCmd struct {
	configFlag
	jsonFlag
}

// Run tries everything in quarantine again.
func (q *quarantineRetryCmd) Run(ctx context.Context, out *output) (err error) {
	quarantine, err := openQuarantine(ctx, q.Config, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, quarantine.Close()) }()
	var released, kept int
	err = whileWorking(out.stderr, func() string { return "trying what is in quarantine" }, func() (err error) {
		released, kept, err = quarantine.Retry(ctx)
		return err
	})
	if q.JSON && err == nil {
		return out.json(struct {
			Released int `json:"released"`
			Kept     int `json:"kept"`
		}{released, kept})
	}
	fmt.Fprintf(out.stdout, "%d batches opened and were stored, %d stay in quarantine.\n", released, kept)
	return err
}
