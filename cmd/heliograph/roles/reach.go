package roles

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/alerts/natsledger"
	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/collector/inboxes"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/detector/natsfeed"
	"github.com/heliograph-net/heliograph/detector/natsgroup"
	"github.com/heliograph-net/heliograph/internal/natsjs"
)

// reachTimeout is how long a look at one stream, bucket, group or database may take.
const reachTimeout = 30 * time.Second

// Reach connects to the servers of NATS and ClickHouse that a valid configuration names, and says
// of each whether the roles can use it as they would. What names a file that cannot be read is
// passed over, because Check tells of it. It changes nothing but tables of its own in ClickHouse,
// which it drops again. The subject of a finding is file, line and key.
func (c *Config) Reach(ctx context.Context, r Roles) []doctor.Finding {
	var looks []func(k *checker, ctx context.Context)
	if r.Collector {
		looks = append(looks, (*checker).reachInbox)
	}
	if r.Detector {
		looks = append(looks, (*checker).reachStore, (*checker).reachGroup, (*checker).reachLedger)
		for i := range c.Detector.Feeds {
			looks = append(looks, func(k *checker, ctx context.Context) { k.reachFeed(ctx, i) })
		}
	}
	parts := make([]checker, len(looks)) // one each, because they look at the same time
	var group sync.WaitGroup
	for i, look := range looks {
		parts[i].Config = c
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, reachTimeout)
			defer cancel()
			look(&parts[i], ctx)
		})
	}
	group.Wait()
	var all []doctor.Finding
	for i := range parts {
		all = append(all, parts[i].found...)
	}
	return all
}

// reachServers says of each server whether it can be used, and reports whether any can. A part that
// knows several needs one of them.
func (k *checker) reachServers(ctx context.Context, key string, servers []string, credentials, ca, certificate, private string) (any bool) {
	if !readable(credentials, ca, certificate, private) {
		return false
	}
	o := natsjs.Options{Servers: servers, Credentials: credentials, CA: ca, Certificate: certificate, Key: private}
	all := o.See(ctx, "heliograph config check")
	for _, s := range all {
		any = any || s.Err == nil
	}
	for _, s := range all {
		switch {
		case s.Err == nil:
			k.add(doctor.Good, key+".servers", "%s is NATS %s %s", s.URL, s.Version, s.Name)
		case any:
			k.add(doctor.Warning, key+".servers", "%s: %v", s.URL, s.Err)
		default:
			k.add(doctor.Bad, key+".servers", "%s: %v", s.URL, s.Err)
		}
	}
	return any
}

// readable reports whether all files can be read.
func readable(paths ...string) bool {
	for _, path := range paths {
		if path == "" {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return false
		}
		_ = f.Close()
	}
	return true
}

func (k *checker) reachInbox(ctx context.Context) {
	const key = "collector.inbox"
	o, ok := k.Collector.Inbox.Stream(inboxes.Options{Dir: k.dir, MaxBytes: k.Collector.MaxBytes, MaxAge: k.Collector.MaxAge.Duration})
	if !ok || !k.reachServers(ctx, key, o.Servers, o.Credentials, o.CA, o.Certificate, o.Key) {
		return
	}
	l, err := natsinbox.See(ctx, o)
	if err != nil {
		k.bad(key, err)
		return
	}
	switch {
	case l.Doubt == "":
	case o.AssumeDurable:
		k.add(doctor.Warning, key+".assume_durable", "receipts may promise more than stream %s keeps: %s", o.Stream, l.Doubt)
	default:
		k.add(doctor.Bad, key, "stream %s is not known to be durable, and the collector does not start: %s", o.Stream, l.Doubt)
	}
	if l.Found {
		k.add(doctor.Good, key, "stream %s has %d replicas and %d of %d bytes", o.Stream, l.Replicas, l.Bytes, l.MaxBytes)
	} else {
		k.add(doctor.Good, key, "stream %s is not there; the collector makes it with %d replicas", o.Stream, l.Replicas)
	}
	switch {
	case o.Hub == "":
	case l.Hub != nil:
		k.add(doctor.Bad, key+".hub", "%v. Batches are accepted, and held until the hub has them", l.Hub)
	case l.HubDoubt != "":
		k.add(doctor.Warning, key+".hub", "%s", l.HubDoubt)
	default:
		k.add(doctor.Good, key+".hub", "stream %s sources from %s", o.Hub, o.Stream)
	}
}

func (k *checker) reachFeed(ctx context.Context, i int) {
	f, key := &k.Config.Detector.Feeds[i], fmt.Sprintf("detector.feeds[%d].nats", i)
	if f.NATS == nil {
		return
	}
	o := natsFeed(k.Config, f, nil)
	if !k.reachServers(ctx, key, o.Servers, o.Credentials, o.CA, o.Certificate, o.Key) {
		return
	}
	l, err := natsfeed.See(ctx, o)
	if err != nil {
		k.bad(key, err)
		return
	}
	k.add(doctor.Good, key, "stream %s has %d batches of %s, %d bytes", l.Stream, l.Batches, f.ID, l.Bytes)
}

func (k *checker) reachGroup(ctx context.Context) {
	const key = "detector.group"
	if k.Config.Detector.Group == nil {
		return
	}
	o := groupOptions(k.Config, nil, nil)
	if !k.reachServers(ctx, key, o.Servers, o.Credentials, o.CA, o.Certificate, o.Key) {
		return
	}
	l, err := natsgroup.See(ctx, o)
	switch {
	case err != nil:
		k.bad(key, err)
	case len(l.Members) == 0:
		k.add(doctor.Good, key, "no member of %s is there yet", o.ID)
	default:
		k.add(doctor.Good, key, "of %s, members are there: %s", o.ID, strings.Join(l.Members, ", "))
	}
}

func (k *checker) reachLedger(ctx context.Context) {
	const key = "alerts.ledger"
	if k.Alerts.Ledger == nil {
		return
	}
	o := ledgerOptions(k.Config, nil, nil)
	if !k.reachServers(ctx, key, o.Servers, o.Credentials, o.CA, o.Certificate, o.Key) {
		return
	}
	l, err := natsledger.See(ctx, o)
	switch {
	case err != nil:
		k.bad(key, err)
	case l.Found:
		k.add(doctor.Good, key, "bucket %s has %d replicas; faults of %d targets are in it", l.Bucket, l.Replicas, l.Targets)
	default:
		k.add(doctor.Good, key, "bucket %s is not there; the first detector makes it with %d replicas", l.Bucket, l.Replicas)
	}
}

// clockApart is by how much the clock of a database may differ.
const clockApart = 5 * time.Second

func (k *checker) reachStore(ctx context.Context) {
	const key = "detector.store"
	if _, err := k.Config.Detector.Store.Check(k.dir); err != nil {
		return
	}
	l, err := k.Config.Detector.Store.See(ctx, k.dir)
	if l == nil && err == nil {
		return
	}
	if l != nil && l.Server != "" {
		tables := fmt.Sprintf("tables of version %d (this release: %d) with %d rows", l.Tables, l.Known, l.Rows)
		switch {
		case l.Tables == 0:
			tables = "no tables yet, which the detector makes"
		case l.Tables < l.Known:
			tables += ", which the detector upgrades"
		}
		k.add(doctor.Good, key, "%s is ClickHouse %s; database %s has %s", l.Address, l.Server, l.Database, tables)
		if l.Clock.Abs() > clockApart {
			k.add(doctor.Warning, key, "the clock of %s differs by %v from this host's: set both by NTP", l.Address, l.Clock)
		}
	}
	if err != nil {
		k.bad(key, err)
	}
}
