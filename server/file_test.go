package server_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
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
rocksdb-statistics YES
http-port 8080
http-bind 127.0.0.2 ::1
log-format JSON
loglevel Verbose
logfile "/var/log/rock bridge.log"
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Bind) != 2 || f.Port != 7000 || f.RequirePass != "two words" || f.MaxClients != 5 || f.ProtoMaxBulkLen != 2<<20 ||
		f.ClientOutputBufferLimit != 1<<30 || f.Timeout.Seconds() != 30 || f.Engine.Extra != "max_background_jobs=2" ||
		f.HTTPPort != 8080 || len(f.HTTPBind) != 2 || f.LogFormat != "json" || f.LogLevel != "verbose" || f.LogFile != "/var/log/rock bridge.log" {
		t.Errorf("%+v", f)
	}
	if err := f.Read(strings.NewReader("slowlog-log-slower-than 0")); err != nil || f.SlowlogLogSlowerThan <= 0 || f.SlowlogLogSlowerThan.Microseconds() != 0 {
		t.Errorf("all commands in the slow log: %v, %v", f.SlowlogLogSlowerThan, err)
	}
	if err := f.Read(strings.NewReader(`requirepass "a\"b\\\x41\t'"`)); err != nil || f.RequirePass != "a\"b\\A\t'" {
		t.Errorf("quotes: %q, %v", f.RequirePass, err)
	}
	if err := f.Read(strings.NewReader(`requirepass 'it\'s \n'`)); err != nil || f.RequirePass != `it's \n` {
		t.Errorf("single quotes: %q, %v", f.RequirePass, err)
	}
	for line, want := range map[string]string{
		"requirepass": "one argument", "requirepass #secret": "one argument", "requirepass two words": "one argument", `requirepass "x\"`: "unbalanced",
		"bind": "one address", `bind ""`: "one address", `http-bind 127.0.0.1 ''`: "one address", "dir /nosuch/folder": "dir: ", "dir /dev/null": "not a folder",
		strings.Repeat("x", 1<<17): "too long",
		"nosuch 1":                 "unknown directive", "port x": "port: ", "port 70000": "port: ", "maxclients 0": "between", "appendfsync sometimes": "everysec",
		"bind 'x": "unbalanced", "bind 'x'y": "unbalanced", "timeout": "timeout: ", "appendonly no": "unknown", "port 1 2": "one argument", "databases 256": "between",
		"http-port 70000": "http-port: ", "log-format xml": "text, json", "loglevel loud": "debug, verbose, notice, warning", "logfile a b": "one argument",
		"rocksdb-statistics some": "auto, yes, no", "log-format": "log-format: ",
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
	plain.Engine.BlockCacheSize = f.Engine.BlockCacheSize
	if !reflect.DeepEqual(f, plain) {
		t.Errorf("%+v\n%+v", f, plain)
	}
	for _, name := range server.Directives() {
		if !seen[name] {
			t.Errorf("%s is not in the example", name)
		}
	}
}

// RocksDB counts where it is asked to, or where somebody can look.
func TestStatisticsAreCountedForWhoLooks(t *testing.T) {
	for lines, want := range map[string]bool{
		"": false, "http-port 8080": true, "rocksdb-statistics yes": true, "http-port 8080\nrocksdb-statistics no": false, "rocksdb-statistics auto": false,
	} {
		f := server.NewFile()
		if err := f.Read(strings.NewReader(lines)); err != nil {
			t.Fatal(err)
		}
		if o := f.EngineOptions(); (o.Statistics != engine.NoStatistics) != want || o.CompactionFilter != engine.TTLFilter {
			t.Errorf("%q: %v", lines, o.Statistics)
		}
	}
}
