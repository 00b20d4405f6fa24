package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release that this source belongs to.
const version = "0.2.0-dev"

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(out *output) error {
	_, err := fmt.Fprintln(out.stdout, versionText())
	return err
}

// versionText is version, revision (if the build has it) and toolchain.
func versionText() string {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = " (" + s.Value[:min(12, len(s.Value))] + ")"
			}
		}
	}
	return fmt.Sprintf("heliograph %s%s %s %s/%s", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
