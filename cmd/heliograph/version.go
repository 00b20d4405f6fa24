package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release that this source belongs to.
const version = "0.1.0"

type versionCmd struct{}

// Run prints version, revision (if the build has it) and toolchain.
func (versionCmd) Run(out *output) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " (" + s.Value[:min(12, len(s.Value))] + ")"
			}
		}
	}
	_, err := fmt.Fprintf(out.stdout, "heliograph %s%s %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
