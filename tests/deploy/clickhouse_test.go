package deploy

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/tests/freeport"
	"github.com/heliograph-net/heliograph/tests/source"
)

// TestRegionsInClickHouse starts Debian's server with the files that are there, and opens a
// detector's store in it, over TLS and with the password.
func TestRegionsInClickHouse(t *testing.T) {
	const binary = "/usr/sbin/clickhouse-server"
	if _, err := os.Stat(binary); err != nil {
		t.Fatal("there is no clickhouse-server: run tests/setup.sh")
	}
	certificates, dir := newAuthority(t).issue("clickhouse"), t.TempDir()
	secure, plain := freeport.On(t, "127.0.0.1"), freeport.On(t, "127.0.0.1")
	replace := strings.NewReplacer("/etc/clickhouse-tls", certificates, "/var/lib/clickhouse/", dir+"/data/", "0.0.0.0", "127.0.0.1",
		"<tcp_port_secure>9440<", fmt.Sprintf("<tcp_port_secure>%d<", secure), "<http_port>8123<", fmt.Sprintf("<http_port>%d<", plain))
	for _, name := range []string{"config.xml", "users.xml"} {
		text, err := os.ReadFile(source.Path("deploy/regions/clickhouse/" + name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(replace.Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const password = "of a test"
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(binary, "--config-file="+filepath.Join(dir, "config.xml"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), fmt.Sprintf("HELIOGRAPH_PASSWORD_SHA256=%x", sha256.Sum256([]byte(password))))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("%s", text)
		}
	})
	await(t, "making a database", func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/", plain), strings.NewReader("CREATE DATABASE IF NOT EXISTS heliograph_d1"))
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		return nil
	})
	ca, err := os.ReadFile(certificates + "/ca.crt")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	o := clickhousestore.Options{Address: fmt.Sprintf("127.0.0.1:%d", secure), TLS: &tls.Config{RootCAs: roots}, Database: "heliograph_d1", User: "heliograph",
		Password: password, Journal: filepath.Join(dir, "journal.db")}
	events, err := clickhousestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	if err := events.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*clickhousestore.Options){
		"a wrong password":   func(o *clickhousestore.Options) { o.Password = "wrong" },
		"another's database": func(o *clickhousestore.Options) { o.Database = "default" },
	} {
		o := o
		o.Journal = filepath.Join(t.TempDir(), "journal.db")
		change(&o)
		events, err := clickhousestore.Open(t.Context(), o)
		if err != nil {
			continue
		}
		// version 18.16 hangs up on who may not see the database, as a server that goes away does
		if err := events.Ready(t.Context()); err == nil {
			t.Errorf("the server takes %s", what)
		}
		events.Close()
	}
}
