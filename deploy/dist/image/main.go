// Command image writes a container image of Heliograph as an OCI image layout: the binary, and
// directories for data and for temporary files, under a user who may do nothing else. It needs no
// daemon. The same binaries give the same bytes.
//
//	image -version 0.2.0 -created 1790000000 -out DIR amd64=PATH arm64=PATH
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	user = 65532 // "nonroot" of other small images; not in any file, because the image has none
	data = "/var/lib/heliograph"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run() error {
	version := flag.String("version", "", "version of the release")
	created := flag.Int64("created", 0, "time of the release, in seconds since 1970")
	out := flag.String("out", "", "directory of the layout")
	flag.Parse()
	at := time.Unix(*created, 0).UTC()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arg := range flag.Args() {
		arch, binary, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("%q is not ARCH=PATH", arg)
		}
		img, err := image(arch, binary, *version, at)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	path, err := layout.Write(*out, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": *version}))
}

// image makes the image of one architecture.
func image(arch, binary, version string, at time.Time) (v1.Image, error) {
	files, err := layer(binary, at)
	if err != nil {
		return nil, err
	}
	content, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.Append(img, mutate.Addendum{Layer: content, History: v1.History{Created: v1.Time{Time: at}, CreatedBy: "heliograph " + version}}); err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, &v1.ConfigFile{
		Architecture: arch, OS: "linux", Created: v1.Time{Time: at},
		RootFS:  must(img.ConfigFile()).RootFS,
		History: must(img.ConfigFile()).History,
		Config: v1.Config{
			User: fmt.Sprintf("%d:%d", user, user), Entrypoint: []string{"/heliograph"}, Cmd: []string{"--help"}, WorkingDir: data,
			Env:         []string{"PATH=/", "TMPDIR=/tmp", "HOME=" + data},
			Volumes:     map[string]struct{}{data: {}},
			StopSignal:  "SIGTERM",
			Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "/heliograph", "health"}, Interval: 30 * time.Second, Timeout: 5 * time.Second, Retries: 3},
			Labels: map[string]string{"org.opencontainers.image.title": "heliograph", "org.opencontainers.image.version": version,
				"org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.source": "https://github.com/heliograph-net/heliograph"},
		},
	})
}

func must(c *v1.ConfigFile, err error) *v1.ConfigFile {
	if err != nil {
		panic(err) // an image in memory has a configuration
	}
	return c
}

// layer returns the files of the image, as an uncompressed tar archive. Data directories belong to
// the user: an empty volume takes the owner of what it covers.
func layer(binary string, at time.Time) ([]byte, error) {
	text, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "heliograph", Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg},
		{Name: "tmp/", Mode: 0o1777, Typeflag: tar.TypeDir},
		{Name: "var/", Mode: 0o755, Typeflag: tar.TypeDir},
		{Name: "var/lib/", Mode: 0o755, Typeflag: tar.TypeDir},
		{Name: data[1:] + "/", Mode: 0o700, Typeflag: tar.TypeDir, Uid: user, Gid: user},
	} {
		h.ModTime, h.Format = at, tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write(text); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
