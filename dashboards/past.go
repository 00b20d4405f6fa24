package dashboards

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"weak"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/internal/httpx"
)

// Past is the history of the servers' heat map. *history.Log implements it.
type Past interface {
	At(at time.Time) (heatmap.Snapshot, error)
	Bounds() (first, last time.Time, ok bool, err error)
}

const (
	maxGroupPath = 4 * (heatmap.MaxLabel + 1)
	momentForms  = "a time such as 2026-11-29T18:00:00Z, or a span before now such as 90m"
)

var (
	atParam    = param{"at", "now", momentForms}
	groupParam = param{"group", "all", "names of a region, data centre, cluster and row joined by /, of which the last may be left out; without regions the first is a data centre"}
	orderNames = []string{"rows", "hilbert"}
)

// moment reads a time. It returns the zero time if the parameter is absent.
func (p *params) moment(name string) time.Time {
	v := p.values.Get(name)
	if v == "" {
		return time.Time{}
	}
	if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
		return at
	}
	if span, err := api.ParseSpan(v); err == nil && span >= 0 {
		return time.Now().Add(-span)
	}
	p.fail(name, "must be "+momentForms)
	return time.Time{}
}

// snapshot returns the map at the moment that a parameter names, or the present one.
func (d *Dashboard) snapshot(p *params, name string) (s heatmap.Snapshot, at time.Time, err error) {
	if at = p.moment(name); p.err != nil {
		return s, at, p.err
	}
	if at.IsZero() {
		s = d.o.Servers.Snapshot()
		return s, s.Changed, nil
	}
	if d.o.Past == nil {
		return s, at, &paramError{name: name, must: "cannot be used: no history of the heat map is kept here"}
	}
	s, err = d.o.Past.At(at)
	if errors.Is(err, history.ErrNoFrame) {
		return s, at, &paramError{name: name, must: "is before the first frame of the heat map's history"}
	}
	return s, s.Changed, err
}

// keptSince returns the time of the first frame of the past, or the zero time.
func (d *Dashboard) keptSince() (time.Time, error) {
	if d.o.Past == nil {
		return time.Time{}, nil
	}
	first, _, _, err := d.o.Past.Bounds()
	return first, err
}

// tag returns the ETag of the snapshot's bits.
func (d *Dashboard) tag(s heatmap.Snapshot, p *params) string {
	if p.values.Get("at") != "" {
		return "at-" + strconv.FormatInt(s.Changed.UnixMilli(), 10)
	}
	return d.summary(s).States
}

// oldTopology gives a tag to the topology of the past that was asked for last. So who goes through
// the past is sent its groups only when they change. It does not keep the topology in memory.
type oldTopology struct {
	mu     sync.Mutex // guards what follows
	of     weak.Pointer[heatmap.Topology]
	number int
}

func (o *oldTopology) tag(t *heatmap.Topology) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := weak.Make(t); p != o.of {
		o.of = p
		o.number++
	}
	return strconv.Itoa(o.number)
}

// topologyTag returns the tag of a topology of the past, which is often the present one.
func (d *Dashboard) topologyTag(t *heatmap.Topology) string {
	if now := d.o.Servers.Snapshot(); now.Topology == t {
		return d.summary(now).Topology
	}
	return d.boot + "-past-" + d.old.tag(t)
}

// picture has the parameters of a picture.
type picture struct {
	now, before heatmap.Snapshot
	from, to    time.Time // from is zero unless the picture is a difference
	options     heatmap.PNGOptions
	etag        string
}

func (d *Dashboard) picture(p *params) (c picture, err error) {
	c.options.Width = p.integer("width", 0, heatmap.MinWidth, heatmap.MaxWidth)
	group := p.text("group", maxGroupPath)
	if p.oneOf("order", orderNames[0], orderNames...) == orderNames[1] {
		c.options.Order = heatmap.Hilbert
	}
	if c.now, c.to, err = d.snapshot(p, "at"); err != nil {
		return c, err
	}
	c.etag = d.tag(c.now, p)
	if p.values.Get("from") != "" {
		if c.before, c.from, err = d.snapshot(p, "from"); err != nil {
			return c, err
		}
		c.etag += "-" + strconv.FormatInt(c.from.UnixMilli(), 10)
	}
	c.now, err = partOf(c.now, group)
	c.etag += fmt.Sprintf("-%d-%d-%x", c.options.Width, c.options.Order, group)
	return c, err
}

// partOf returns a snapshot for the group that a parameter names, or for all servers.
func partOf(s heatmap.Snapshot, group string) (heatmap.Snapshot, error) {
	if group == "" {
		return s, nil
	}
	part, err := s.Part(strings.Split(group, "/")...)
	if errors.Is(err, heatmap.ErrNoGroup) {
		return s, &paramError{name: "group", must: "is not a group of the servers at that time"}
	}
	return part, err
}

func (d *Dashboard) getServersPNG(w http.ResponseWriter, r *http.Request, p *params) error {
	c, err := d.picture(p)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if c.from.IsZero() {
		err = heatmap.RenderPNG(&body, c.now, c.options)
	} else {
		var change *heatmap.Difference
		if change, err = heatmap.Compare(c.before, c.now); err == nil {
			err = heatmap.RenderDifferencePNG(&body, change, c.from, c.to, c.options)
		}
	}
	return serveTagged(w, r, "image/png", c.etag, body.Bytes(), err)
}

func (d *Dashboard) getServersSVG(w http.ResponseWriter, r *http.Request, p *params) error {
	c, err := d.picture(p)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	err = heatmap.RenderSVG(&body, c.now, c.options)
	if errors.Is(err, heatmap.ErrLength) {
		return &paramError{name: "group", must: fmt.Sprintf("must name a part of at most %d servers; use servers.png for more", heatmap.MaxSVG)}
	}
	return serveTagged(w, r, "image/svg+xml", c.etag, body.Bytes(), err)
}

// serveTagged answers with a body, unless err is not nil.
func serveTagged(w http.ResponseWriter, r *http.Request, media, etag string, body []byte, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("ETag", `"`+etag+`"`)
	httpx.ServeWhole(w, r, body)
	return nil
}
