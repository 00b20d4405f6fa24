package main

import (
	"cmp"
	"fmt"
	"path/filepath"

	"github.com/heliograph-net/heliograph/cmd/heliograph/bundle"
)

type bundleCmd struct {
	Collector bundleCollectorCmd `cmd:"" help:"Make the archive of a collector's host; a new one is entered into the policy."`
	Detector  bundleDetectorCmd  `cmd:"" help:"Make the archive of the detector's host."`
	Prober    bundleProberCmd    `cmd:"" help:"Make the archive of a prober's host."`
	Relay     bundleRelayCmd     `cmd:"" help:"Make the archive of a relay's host."`
}

// bundleFlags are the flags that all kinds of bundles share.
type bundleFlags struct {
	Name string `arg:"" help:"Name of the host: a collector's id in the policy, a prober's vantage."`
	Data string `help:"The operator's directory, as heliograph init has made it." required:"" type:"path" placeholder:"DIR"`
	Out  string `help:"Where the archive goes. Default: heliograph-NAME.tar.gz here." type:"path" placeholder:"FILE"`
	jsonFlag
}

func (f *bundleFlags) operator() bundle.Operator { return bundle.Operator{Dir: f.Data} }

// save writes a bundle and lists what is in it.
func (f *bundleFlags) save(out *output, b *bundle.Bundle, err error, then string) error {
	if err != nil {
		return err
	}
	name := cmp.Or(f.Out, "heliograph-"+b.Name+".tar.gz")
	if err := b.Save(name); err != nil {
		return err
	}
	if f.JSON {
		return out.json(newBundled(name, b))
	}
	fmt.Fprintf(out.stdout, "Made %s:\n", name)
	for _, file := range b.Files {
		fmt.Fprintf(out.stdout, "  %-28s %s\n", file.Name, file.Why)
	}
	_, err = fmt.Fprintf(out.stdout, "\nSTART.txt in it has the commands to start it.%s\n", then)
	return err
}

// bundled is an archive in JSON.
type bundled struct {
	Archive string        `json:"archive"`
	Files   []bundledFile `json:"files"`
}

type bundledFile struct {
	Name   string `json:"name"`
	Secret bool   `json:"secret"`
	Why    string `json:"why"`
}

func newBundled(name string, b *bundle.Bundle) bundled {
	all := bundled{Archive: name}
	for _, f := range b.Files {
		all.Files = append(all.Files, bundledFile{f.Name, f.Mode&0o077 == 0, f.Why})
	}
	return all
}

type bundleCollectorCmd struct {
	bundleFlags
	URL string `name:"url" help:"Where agents will find it: https://c2.example.net. For a new collector, or one that moves." placeholder:"URL"`
}

// Run makes a collector's archive.
func (c *bundleCollectorCmd) Run(out *output) error {
	b, err := c.operator().Collector(c.Name, c.URL)
	then := ""
	if c.URL != "" {
		then = " Give the other collectors the new policy, and the detector and the probers new archives."
	}
	return c.save(out, b, err, then)
}

type bundleDetectorCmd struct{ bundleFlags }

// Run makes the detector's archive.
func (d *bundleDetectorCmd) Run(out *output) error {
	b, err := d.operator().Detector(d.Name)
	return d.save(out, b, err, "")
}

type bundleProberCmd struct {
	bundleFlags
	ASN uint32 `name:"asn" help:"Its autonomous system: what is down for all is down from several." placeholder:"NUMBER"`
}

// Run makes a prober's archive.
func (p *bundleProberCmd) Run(out *output) error {
	b, err := p.operator().Prober(p.Name, p.ASN)
	return p.save(out, b, err, " The detector believes it once it has a new archive, too.")
}

type bundleRelayCmd struct {
	bundleFlags
	Collector string `help:"Id of the collector behind it." required:"" placeholder:"ID"`
	URL       string `name:"url" help:"Where agents will find it: https://r1.example.com. It is entered into the policy: agents reach the collector through it alone. Without it the policy stays as it is." placeholder:"URL"`
}

// Run makes a relay's archive.
func (r *bundleRelayCmd) Run(out *output) error {
	b, err := r.operator().Relay(r.Name, r.Collector, r.URL)
	then := " Its key is in the archive alone. Give the collector a new archive first, then start the relay, then give the others the new policy."
	if r.URL == "" {
		then = " Its key is in the archive alone. Give the collector a new archive, and name the relay in policy.yaml if it is not there."
	}
	return r.save(out, b, err, then)
}

type unpackCmd struct {
	jsonFlag
	Archive string `arg:"" help:"What heliograph bundle has made." type:"path" placeholder:"FILE"`
	Dir     string `arg:"" help:"Directory of the host's configuration; made if it is missing." type:"path" placeholder:"DIR"`
}

// Run unpacks an archive.
func (u *unpackCmd) Run(out *output) error {
	names, err := bundle.Unpack(u.Archive, u.Dir)
	if u.JSON && err == nil {
		return out.json(names)
	}
	for _, name := range names {
		fmt.Fprintln(out.stdout, filepath.Join(u.Dir, name))
	}
	return err
}
