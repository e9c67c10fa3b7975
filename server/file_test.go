package server_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/server"
)

func TestConfigurationFilesAreReadAsRedisReadsThem(t *testing.T) {
	f := server.NewFile()
	err := f.Read(strings.NewReader(`
# a comment
bind 127.0.0.1 "::1"   # another
PORT 7000
requirepass 'two words'
maxclients 5
proto-max-bulk-len 2mb
client-output-buffer-limit normal 1gb 0 0
timeout 30
rocksdb-options "max_background_jobs=2"
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Bind) != 2 || f.Port != 7000 || f.RequirePass != "two words" || f.MaxClients != 5 || f.ProtoMaxBulkLen != 2<<20 ||
		f.ClientOutputBufferLimit != 1<<30 || f.Timeout.Seconds() != 30 || f.Engine.Extra != "max_background_jobs=2" {
		t.Errorf("%+v", f)
	}
	if err := f.Read(strings.NewReader("slowlog-log-slower-than 0")); err != nil || f.SlowlogLogSlowerThan <= 0 || f.SlowlogLogSlowerThan.Microseconds() != 0 {
		t.Errorf("all commands in the slow log: %v, %v", f.SlowlogLogSlowerThan, err)
	}
	for line, want := range map[string]string{
		"nosuch 1": "unknown directive", "port x": "port: ", "port 70000": "port: ", "maxclients 0": "between", "appendfsync sometimes": "everysec",
		"bind 'x": "unbalanced", "bind 'x'y": "unbalanced", "timeout": "timeout: ", "appendonly no": "unknown", "port 1 2": "one argument", "databases 256": "between",
	} {
		if err := server.NewFile().Read(strings.NewReader("\n" + line)); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "line 2: ") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// The example names every directive, and says the defaults.
func TestTheExampleFileSaysTheDefaults(t *testing.T) {
	b, err := os.ReadFile("rockbridge.conf")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^# ([a-z][a-z-]+ .+)$`).FindAllStringSubmatch(string(b), -1)
	f, plain := server.NewFile(), server.NewFile()
	seen := map[string]bool{}
	for _, l := range lines {
		name, _, _ := strings.Cut(l[1], " ")
		if !server.KnowsDirective(name) {
			continue
		}
		seen[name] = true
		if strings.HasPrefix(name, "rocksdb-") || strings.HasPrefix(name, "tls-") && name != "tls-port" {
			continue // examples
		}
		if err := f.Read(strings.NewReader(l[1])); err != nil {
			t.Errorf("%s: %v", l[1], err)
		}
	}
	if !reflect.DeepEqual(f.Config, plain.Config) || f.Port != plain.Port || strings.Join(f.Bind, " ") != strings.Join(plain.Bind, " ") {
		t.Errorf("%+v\n%+v", f, plain)
	}
	for _, name := range server.Directives() {
		if !seen[name] {
			t.Errorf("%s is not in the example", name)
		}
	}
}
