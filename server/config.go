package server

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how a Server behaves. The zero value will do; its fields have the names and the defaults of Redis's
// configuration where it has them. What CONFIG SET can change is marked.
type Config struct {
	RequirePass string        // requirepass, changeable: what AUTH asks for; empty: nothing
	Databases   int           // databases: 16, at most 255
	MaxClients  int           // maxclients, changeable: 10,000
	Timeout     time.Duration // timeout, changeable: an idle client is dropped after it; 0: never
	AppendFsync string        // appendfsync, changeable: "always", "everysec", which is the default, or "no"

	AppendFsyncInterval time.Duration // appendfsync-interval, changeable: how often "everysec" syncs, from 1 ms to a minute: 1 s

	ProtoMaxBulkLen         int           // proto-max-bulk-len, changeable: bytes of an argument, and of a string: 512 MiB
	ClientQueryBufferLimit  int           // client-query-buffer-limit, changeable: bytes of a command, and of a transaction: 1 GiB
	ClientOutputBufferLimit int           // client-output-buffer-limit normal, changeable: bytes of answers that wait: 256 MiB
	OutputTimeout           time.Duration // output-timeout, changeable: a client that takes no answers is dropped after it: 60 s

	SlowlogLogSlowerThan time.Duration // slowlog-log-slower-than, changeable: 0 is 10 ms; below 0: nothing is slow
	SlowlogMaxLen        int           // slowlog-max-len, changeable: 128

	SaveDir            string // dir: where BGSAVE puts its copies; empty: it is refused
	EnableDebugCommand bool   // enable-debug-command: DEBUG SLEEP is there

	LogLevel string         // loglevel, changeable: "debug", "verbose", "notice", which is the default, or "warning"
	Level    *slog.LevelVar // set to what LogLevel says, by New and by CONFIG SET; nil: nobody is told

	// Shutdown is what SHUTDOWN calls, on a goroutine of its own; nil: it is refused.
	Shutdown func()
	Logger   *slog.Logger // nil: nothing is logged. No key and no value ever is
}

// syncMode is a value of appendfsync.
type syncMode string

const (
	syncAlways      syncMode = "always"
	syncEverySecond syncMode = "everysec"
	syncNever       syncMode = "no"
)

// settings are a Config that CONFIG SET changes. Reading one is a load from memory.
type settings struct {
	mu  sync.Mutex
	now atomic.Pointer[Config]
}

func newSettings(c Config) (*settings, error) {
	defaults(&c)
	for _, d := range directives {
		if d.check == nil {
			continue
		}
		if why := d.check(&c); why != "" {
			return nil, fmt.Errorf("server: %s: %s", d.name, why)
		}
	}
	c.tellLevel()
	s := &settings{}
	s.now.Store(&c)
	return s, nil
}

func defaults(c *Config) {
	orInt := func(n *int, to int) {
		if *n == 0 {
			*n = to
		}
	}
	orInt(&c.Databases, 16)
	orInt(&c.MaxClients, 10_000)
	orInt(&c.ProtoMaxBulkLen, 512<<20)
	orInt(&c.ClientQueryBufferLimit, 1<<30)
	orInt(&c.ClientOutputBufferLimit, 256<<20)
	orInt(&c.SlowlogMaxLen, 128)
	if c.OutputTimeout == 0 {
		c.OutputTimeout = time.Minute
	}
	if c.SlowlogLogSlowerThan == 0 {
		c.SlowlogLogSlowerThan = 10 * time.Millisecond
	}
	if c.LogLevel == "" {
		c.LogLevel = "notice"
	}
	if c.AppendFsync == "" {
		c.AppendFsync = string(syncEverySecond)
	}
	if c.AppendFsyncInterval == 0 {
		c.AppendFsyncInterval = time.Second
	}
}

func (s *settings) password() string        { return s.now.Load().RequirePass }
func (s *settings) databases() int          { return s.now.Load().Databases }
func (s *settings) maxClients() int         { return s.now.Load().MaxClients }
func (s *settings) idle() time.Duration     { return s.now.Load().Timeout }
func (s *settings) sync() syncMode          { return syncMode(s.now.Load().AppendFsync) }
func (s *settings) interval() time.Duration { return s.now.Load().AppendFsyncInterval }
func (s *settings) maxBulk() int            { return s.now.Load().ProtoMaxBulkLen }
func (s *settings) maxQuery() int           { return s.now.Load().ClientQueryBufferLimit }
func (s *settings) maxOutput() int          { return s.now.Load().ClientOutputBufferLimit }
func (s *settings) patience() time.Duration { return s.now.Load().OutputTimeout }

// directive is a setting under the name that Redis knows it by.
type directive struct {
	name  string
	get   func(*Config) string
	set   func(*Config, string) error // nil: it is as it is
	fixed bool                        // CONFIG SET does not change it
	check func(*Config) string        // what is wrong with the value
}

// maxString is the largest string that any setting allows: Redis's.
const maxString = 512 << 20

var directives = []directive{
	{
		name: "appendfsync", get: func(c *Config) string { return c.AppendFsync },
		set: func(c *Config, v string) error { c.AppendFsync = strings.ToLower(v); return nil },
		check: func(c *Config) string {
			return unless(slices.Contains([]syncMode{syncAlways, syncEverySecond, syncNever}, syncMode(c.AppendFsync)),
				"argument(s) must be one of the following: everysec, always, no")
		},
	},
	milliseconds("appendfsync-interval", func(c *Config) *time.Duration { return &c.AppendFsyncInterval }, 1, 60_000),
	{name: "appendonly", get: constant("yes")},
	{name: "client-output-buffer-limit", get: func(c *Config) string {
		return "normal " + strconv.Itoa(c.ClientOutputBufferLimit) + " 0 0 slave 0 0 0 pubsub 0 0 0"
	}, set: setOutputLimit, check: between64(func(c *Config) int { return c.ClientOutputBufferLimit }, 64<<10, 1<<40)},
	sized("client-query-buffer-limit", func(c *Config) *int { return &c.ClientQueryBufferLimit }, 1<<20, 1<<40),
	counted("databases", func(c *Config) *int { return &c.Databases }, 1, maxDatabases, false),
	{
		name: "dir", get: func(c *Config) string { return c.SaveDir }, fixed: true,
		set:   func(c *Config, v string) error { c.SaveDir = v; return nil },
		check: checkSaveDir,
	},
	{
		name: "enable-debug-command", get: func(c *Config) string { return map[bool]string{true: "yes", false: "no"}[c.EnableDebugCommand] }, fixed: true,
		set: setYesNo(func(c *Config) *bool { return &c.EnableDebugCommand }),
	},
	{
		name: "loglevel", get: func(c *Config) string { return c.LogLevel },
		set: func(c *Config, v string) error { c.LogLevel = strings.ToLower(v); return nil },
		check: func(c *Config) string {
			_, ok := logLevels[c.LogLevel]
			return unless(ok, "argument(s) must be one of the following: debug, verbose, notice, warning")
		},
	},
	counted("maxclients", func(c *Config) *int { return &c.MaxClients }, 1, 1<<20, true),
	{name: "maxmemory", get: constant("0")},
	{name: "maxmemory-policy", get: constant("noeviction")},
	seconds("output-timeout", func(c *Config) *time.Duration { return &c.OutputTimeout }, 1),
	sized("proto-max-bulk-len", func(c *Config) *int { return &c.ProtoMaxBulkLen }, 1<<20, maxString),
	{
		name: "requirepass", get: func(c *Config) string { return c.RequirePass },
		set:   func(c *Config, v string) error { c.RequirePass = v; return nil },
		check: func(c *Config) string { return unless(len(c.RequirePass) <= 512, "it is longer than 512 bytes") },
	},
	{name: "save", get: constant("")},
	{
		name: "slowlog-log-slower-than", get: func(c *Config) string { return strconv.FormatInt(c.SlowlogLogSlowerThan.Microseconds(), 10) },
		set: func(c *Config, v string) error {
			n, err := parseNumber(v)
			c.SlowlogLogSlowerThan = time.Duration(n) * time.Microsecond
			if n == 0 {
				c.SlowlogLogSlowerThan = 1 // the zero value is the default, and nothing is faster
			}
			return err
		},
	},
	counted("slowlog-max-len", func(c *Config) *int { return &c.SlowlogMaxLen }, 1, 1<<20, true),
	seconds("timeout", func(c *Config) *time.Duration { return &c.Timeout }, 0),
}

// checkSaveDir looks for the folder at the start, as Redis does: who learns of it by the first BGSAVE has no copy then.
func checkSaveDir(c *Config) string {
	if c.SaveDir == "" {
		return ""
	}
	switch info, err := os.Stat(c.SaveDir); {
	case err != nil:
		return err.Error()
	case !info.IsDir():
		return c.SaveDir + " is not a folder"
	}
	return ""
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

func constant(v string) func(*Config) string { return func(*Config) string { return v } }

func between64(get func(*Config) int, low, high int) func(*Config) string {
	return func(c *Config) string {
		return unless(get(c) >= low && get(c) <= high, fmt.Sprintf("argument must be between %d and %d inclusive", low, high))
	}
}

// counted is a directive that is a number.
func counted(name string, at func(*Config) *int, low, high int, changeable bool) directive {
	return directive{
		name: name, fixed: !changeable,
		get:   func(c *Config) string { return strconv.Itoa(*at(c)) },
		set:   func(c *Config, v string) (err error) { *at(c), err = parseNumber(v); return err },
		check: between64(func(c *Config) int { return *at(c) }, low, high),
	}
}

// sized is a directive that is a number of bytes, with a unit or without.
func sized(name string, at func(*Config) *int, low, high int) directive {
	d := counted(name, at, low, high, true)
	d.set = func(c *Config, v string) (err error) { *at(c), err = parseMemory(v); return err }
	return d
}

// parseNumber reads one that stays within what any of the directives may be.
func parseNumber(v string) (int, error) {
	n, err := strconv.ParseInt(v, 10, 40)
	if err != nil {
		return 0, errors.New("argument couldn't be parsed into an integer")
	}
	return int(n), nil
}

func seconds(name string, at func(*Config) *time.Duration, low int) directive {
	return directive{
		name: name,
		get:  func(c *Config) string { return strconv.FormatInt(int64(*at(c)/time.Second), 10) },
		set: func(c *Config, v string) error {
			n, err := parseNumber(v)
			*at(c) = time.Duration(n) * time.Second
			return err
		},
		check: between64(func(c *Config) int { return int(*at(c) / time.Second) }, low, 1<<31),
	}
}

// milliseconds is a directive that is a time.
func milliseconds(name string, at func(*Config) *time.Duration, low, high int) directive {
	return directive{
		name: name,
		get:  func(c *Config) string { return strconv.FormatInt(at(c).Milliseconds(), 10) },
		set: func(c *Config, v string) error {
			n, err := parseNumber(v)
			*at(c) = time.Duration(n) * time.Millisecond
			return err
		},
		check: between64(func(c *Config) int { return int(at(c).Milliseconds()) }, low, high),
	}
}

func setYesNo(at func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) error {
		*at(c) = strings.EqualFold(v, "yes")
		if !*at(c) && !strings.EqualFold(v, "no") {
			return fmt.Errorf("argument must be 'yes' or 'no'")
		}
		return nil
	}
}

func setOutputLimit(c *Config, v string) (err error) {
	words := strings.Fields(v)
	if len(words) != 4 || words[0] != "normal" {
		return fmt.Errorf("only \"normal hard 0 0\" is known")
	}
	c.ClientOutputBufferLimit, err = parseMemory(words[1])
	return err
}

// parseMemory reads a number of bytes with one of Redis's units.
func parseMemory(v string) (int, error) {
	v = strings.ToLower(v)
	factor := 1
	for _, u := range []struct {
		name string
		size int
	}{{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"b", 1}} {
		if rest, ok := strings.CutSuffix(v, u.name); ok {
			v, factor = rest, u.size
			break
		}
	}
	n, err := strconv.ParseInt(v, 10, 42)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("argument must be a memory value")
	}
	return int(n) * factor, nil
}

// change sets directives, all or none: names are looked at before values, as Redis does.
func (s *settings) change(pairs [][]byte) failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	named, why := directivesOf(pairs)
	if why != "" {
		return why
	}
	c := *s.now.Load()
	for i, d := range named {
		why := ""
		if err := d.set(&c, string(pairs[2*i+1])); err != nil {
			why = err.Error()
		} else if d.check != nil {
			why = d.check(&c)
		}
		if why != "" {
			return notSet([]byte(d.name), why)
		}
	}
	c.tellLevel()
	s.now.Store(&c)
	return ""
}

// directivesOf are those that pairs of names and values name, if all can be set.
func directivesOf(pairs [][]byte) (named []directive, why failure) {
	for i := 0; i+1 < len(pairs); i += 2 {
		name := strings.ToLower(string(pairs[i]))
		same := func(d directive) bool { return d.name == name }
		at := slices.IndexFunc(directives, same)
		switch {
		case at < 0:
			return nil, cleanError("ERR Unknown option or number of arguments for CONFIG SET - '" + cutText(pairs[i], 128) + "'")
		case directives[at].set == nil || directives[at].fixed:
			return nil, notSet(pairs[i], "can't set immutable config")
		case slices.ContainsFunc(named, same):
			return nil, notSet(pairs[i], "duplicate parameter")
		}
		named = append(named, directives[at])
	}
	return named, ""
}

func notSet(name []byte, why string) failure {
	return cleanError("ERR CONFIG SET failed (possibly related to argument '" + cutText(name, 128) + "') - " + why)
}

// like are the directives whose names match one of the patterns, each once, and their values. As Redis does, one that is named has the
// letters that it was named by.
func (s *settings) like(patterns [][]byte) (pairs []string) {
	c := s.now.Load()
	for _, d := range directives {
		for _, p := range patterns {
			name := d.name
			if !bytes.ContainsAny(p, "[*?") && strings.EqualFold(string(p), d.name) {
				name = string(p)
			} else if !globMatches(bytes.ToLower(p), []byte(d.name)) {
				continue
			}
			pairs = append(pairs, name, d.get(c))
			break
		}
	}
	return pairs
}
