package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release that this source belongs to.
const version = "0.2.0-dev"

type versionCmd struct{ jsonFlag }

// Run prints the version.
func (v *versionCmd) Run(out *output) error {
	if v.JSON {
		return out.json(struct {
			Version  string `json:"version"`
			Revision string `json:"revision,omitempty"`
			Go       string `json:"go"`
			OS       string `json:"os"`
			Arch     string `json:"arch"`
		}{version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH})
	}
	_, err := fmt.Fprintln(out.stdout, versionText())
	return err
}

// versionText is version, revision (if the build has it) and toolchain.
func versionText() string {
	of := ""
	if r := revision(); r != "" {
		of = " (" + r + ")"
	}
	return fmt.Sprintf("heliograph %s%s %s %s/%s", version, of, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// revision returns the beginning of the revision's hash, or "" if the build does not know it.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return ""
}
