// Package clickhousetest starts ClickHouse servers for tests, each a process of its own on free
// ports of the loopback address, with its own directory. Start with [Start].
package clickhousetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Password is that of the user default, and of the user reader, who may not write.
const Password = "only for tests"

// patience is how long a server may take to start.
const patience = 2 * time.Minute

// Server is a server that can be killed and started again.
type Server struct {
	dir     string
	address string
	process *exec.Cmd
}

// binary returns the server of Debian's package clickhouse-server, or "".
func binary() string {
	if path, err := exec.LookPath("clickhouse-server"); err == nil {
		return path
	}
	const path = "/usr/sbin/clickhouse-server"
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// Installed reports whether there is a server on this machine.
func Installed() bool { return binary() != "" }

// Start starts a server. It is killed at the end of the test.
func Start(t testing.TB) *Server {
	t.Helper()
	if !Installed() {
		t.Fatal("there is no clickhouse-server: run tests/setup.sh")
	}
	s := &Server{dir: t.TempDir()}
	ports := freePorts(t, 2)
	s.address = fmt.Sprintf("127.0.0.1:%d", ports[0])
	for name, text := range map[string]string{
		"config.xml": fmt.Sprintf(config, s.dir, ports[0], ports[1]),
		"users.xml":  fmt.Sprintf(users, Password),
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.Kill)
	s.Restart(t)
	return s
}

const config = `<?xml version="1.0"?>
<yandex>
	<logger><level>warning</level><log>%[1]s/log</log><errorlog>%[1]s/errors</errorlog></logger>
	<listen_host>127.0.0.1</listen_host>
	<tcp_port>%[2]d</tcp_port>
	<http_port>%[3]d</http_port>
	<path>%[1]s/data/</path>
	<tmp_path>%[1]s/tmp/</tmp_path>
	<users_config>users.xml</users_config>
	<default_profile>default</default_profile>
	<default_database>default</default_database>
	<mark_cache_size>67108864</mark_cache_size>
</yandex>
`

const users = `<?xml version="1.0"?>
<yandex>
	<profiles>
		<default><max_memory_usage>4000000000</max_memory_usage></default>
		<readonly><readonly>2</readonly></readonly>
	</profiles>
	<users>
		<default>
			<password>%[1]s</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
		</default>
		<reader>
			<password>%[1]s</password><networks><ip>127.0.0.1</ip></networks><profile>readonly</profile><quota>default</quota>
		</reader>
	</users>
	<quotas><default/></quotas>
</yandex>
`

// freePorts returns ports that nothing listens on.
func freePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Address returns the host and port of the native protocol.
func (s *Server) Address() string { return s.address }

// Dir returns the directory with everything of the server.
func (s *Server) Dir() string { return s.dir }

// Kill ends the server with SIGKILL, if it runs.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// Restart starts the server, which must not run, and waits until it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.process = exec.Command(binary(), "--config-file="+filepath.Join(s.dir, "config.xml"))
	s.process.Dir = s.dir
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	conn := s.connect(t)
	defer conn.Close()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := conn.Ping(context.Background())
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the server does not answer: %v", err)
		}
	}
}

func (s *Server) connect(t testing.TB) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{s.address}, Auth: clickhouse.Auth{Password: Password}})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// databases numbers the databases of all servers.
var databases atomic.Int64

// Database makes an empty database and returns its name.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	conn := s.connect(t)
	defer conn.Close()
	name := fmt.Sprintf("test%d", databases.Add(1))
	if err := conn.Exec(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return name
}
