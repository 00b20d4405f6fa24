package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
)

type heatmapCmd struct {
	apiFlag
	File    string   `arg:"" optional:"" help:"Bitset as /api/v1/servers.bits gives it (- is standard input), or a list of things and their states (.csv). Default: ask the dashboard."`
	Servers int      `help:"Number of servers in a bitset. Default: 8 for each byte." placeholder:"N"`
	History string   `help:"Directory of a heat map's history to read instead." placeholder:"DIR" type:"existingdir"`
	Demo    int      `help:"Draw an invented fleet of so many servers." placeholder:"N"`
	Down    float64  `help:"Share of the invented fleet that is down." default:"0.01" placeholder:"SHARE"`
	At      string   `help:"When: a time such as 2026-11-29T18:00:00Z, or how long ago, such as 90m. Default: now." placeholder:"TIME"`
	From    string   `help:"Draw what changed since then, as a PNG or a list. With a file: since an earlier file." placeholder:"TIME"`
	Group   []string `sep:"/" help:"Draw only this region/data centre/cluster/row; the last ones may be left out." placeholder:"NAMES"`

	PNG    string `name:"png" help:"Write a PNG there instead of text to standard output." placeholder:"FILE"`
	SVG    string `name:"svg" help:"Write an SVG there, of up to ${max_svg} servers." placeholder:"FILE"`
	Bits   string `help:"Write the bitset there, 1 for up." placeholder:"FILE"`
	Title  string `help:"Title of the picture." placeholder:"TEXT"`
	Width  int    `help:"Pixels of the picture's width (${min_width} to ${max_width}); of text, columns." placeholder:"N"`
	Order  string `help:"Order of the squares in a picture: rows, or hilbert." enum:"rows,hilbert" default:"rows"`
	Style  string `help:"Of text: blocks, halfblocks (two rows in a line) or emoji." enum:"blocks,halfblocks,emoji" default:"blocks"`
	JSON   bool   `name:"json" help:"Print counts, and the names of what is down or has changed, as JSON."`
	Colour *bool  `help:"ANSI colours, also in a file or a pipe; never with NO_COLOR in the environment. Default: on a terminal." negatable:""`
}

// Run renders a heat map, or what changed between two.
func (h *heatmapCmd) Run(ctx context.Context, out *output) error {
	s, err := h.snapshot(ctx, h.At)
	if err != nil {
		return err
	}
	var before heatmap.Snapshot
	if h.From != "" {
		if before, err = h.earlier(ctx); err != nil {
			return err
		}
	}
	if len(h.Group) > 0 {
		if s, err = s.Part(h.Group...); err != nil {
			return fmt.Errorf("--group: %w", err)
		}
	}
	if h.Bits != "" {
		up, err := s.Up.Range(s.Span())
		if err != nil {
			return err
		}
		if err := os.WriteFile(h.Bits, up.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if h.From != "" {
		return h.difference(before, s, out)
	}
	if h.JSON {
		return out.json(newShownMap(s))
	}
	return h.draw(s, out.stdout)
}

// draw writes the pictures that were asked for, or text if nothing was.
func (h *heatmapCmd) draw(s heatmap.Snapshot, stdout io.Writer) error {
	if h.PNG != "" {
		if err := create(h.PNG, func(w io.Writer) error { return heatmap.RenderPNG(w, s, h.picture()) }); err != nil {
			return err
		}
	}
	if h.SVG != "" {
		if err := create(h.SVG, func(w io.Writer) error { return heatmap.RenderSVG(w, s, h.picture()) }); err != nil {
			return err
		}
	}
	if h.PNG != "" || h.SVG != "" || h.Bits != "" {
		return nil
	}
	style := map[string]heatmap.TextStyle{"blocks": heatmap.Blocks, "halfblocks": heatmap.HalfBlocks, "emoji": heatmap.Emoji}[h.Style]
	return heatmap.RenderText(stdout, s, heatmap.TextOptions{Columns: h.Width, Colour: coloured(stdout, h.Colour), Style: style})
}

func (h *heatmapCmd) picture() heatmap.PNGOptions {
	o := heatmap.PNGOptions{Width: h.Width, Title: h.Title}
	if h.Order == "hilbert" {
		o.Order = heatmap.Hilbert
	}
	return o
}

// difference draws what changed, or lists it.
func (h *heatmapCmd) difference(before, after heatmap.Snapshot, out *output) error {
	stdout := out.stdout
	d, err := heatmap.Compare(before, after)
	if err != nil {
		return err
	}
	if h.PNG != "" {
		return create(h.PNG, func(w io.Writer) error {
			return heatmap.RenderDifferencePNG(w, d, before.Changed, after.Changed, h.picture())
		})
	}
	if h.JSON {
		return out.json(newShownDifference(d, after))
	}
	first, n := after.Span()
	fmt.Fprintf(stdout, "%d failed, %d recovered, %d still down", d.Failed.CountRange(first, n), d.Recovered.CountRange(first, n), d.StillDown.CountRange(first, n))
	if n == after.Up.Len() {
		fmt.Fprintf(stdout, ", %d added, %d removed", d.Added, d.Removed)
	}
	fmt.Fprintln(stdout)
	for _, set := range []struct {
		sign string
		bits *heatmap.Bitset
	}{{"- ", d.Failed}, {"+ ", d.Recovered}} {
		for i := range set.bits.All() {
			if i < first || i >= first+n {
				continue
			}
			if _, err := fmt.Fprintln(stdout, set.sign+nameOf(d.Topology, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// nameOf returns the name of a server and where it stands.
func nameOf(t *heatmap.Topology, i int) string {
	if t == nil {
		return fmt.Sprint(i)
	}
	s := t.Server(i)
	var path []string
	for _, label := range []string{s.Region, s.DataCentre, s.Cluster, s.Row, s.Name} {
		if label != "" {
			path = append(path, label)
		}
	}
	return strings.Join(path, "/")
}

// create writes a file.
func create(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// momentOf parses a time, or a duration, which means that long ago. "" is the zero time.
func momentOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	span, err := api.ParseSpan(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-11-29T18:00:00Z nor a span such as 90m", text)
	}
	return time.Now().Add(-span), nil
}
