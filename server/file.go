package server

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/engine"
)

// File is what a configuration file says: lines of a directive and its arguments, as in Redis's, whose names and units it has
// wherever it can. "#" begins a comment; an argument with blanks stands in quotes.
type File struct {
	Config

	Bind    []string // bind: 127.0.0.1 and ::1 unless others are named
	Port    int      // port: 6379; 0: none without TLS
	TLSPort int      // tls-port: 0, none

	TLSCertFile, TLSKeyFile string // tls-cert-file, tls-key-file
	TLSCACertFile           string // tls-ca-cert-file: by whom clients must be certified; empty: they need not be

	HTTPBind []string // http-bind: 127.0.0.1 and ::1 unless others are named
	HTTPPort int      // http-port: 0, none
	HTTPTLS  bool     // http-tls: the page and /metrics by the certificates of tls-cert-file, and to clients of tls-ca-cert-file only

	LogFormat string // log-format: "text" or "json"
	LogFile   string // logfile; empty: the standard error output

	Engine     engine.Options // rocksdb-block-cache, rocksdb-options
	Statistics string         // rocksdb-statistics: "yes", "no", or "auto", which is yes with an http-port: see EngineOptions
}

// NewFile is what an empty file says.
func NewFile() *File {
	f := &File{Bind: loopback(), Port: 6379, HTTPBind: loopback(), LogFormat: "text", Statistics: "auto"}
	defaults(&f.Config)
	return f
}

func loopback() []string { return []string{"127.0.0.1", "::1"} }

// fileDirectives are those that CONFIG does not know.
var fileDirectives = map[string]func(*File, []string) error{
	"bind": func(f *File, a []string) error { return setAddresses(&f.Bind, a) },
	"port": func(f *File, a []string) error { return setPort(&f.Port, a) },

	"http-bind": func(f *File, a []string) error { return setAddresses(&f.HTTPBind, a) },
	"http-port": func(f *File, a []string) error { return setPort(&f.HTTPPort, a) },

	"http-tls": func(f *File, a []string) error {
		word := "no"
		err := setOneOf(&word, a, "yes", "no")
		f.HTTPTLS = word == "yes"
		return err
	},

	"log-format": func(f *File, a []string) error { return setOneOf(&f.LogFormat, a, "text", "json") },
	"logfile":    func(f *File, a []string) error { return setOne(&f.LogFile, a) },

	"tls-port":         func(f *File, a []string) error { return setPort(&f.TLSPort, a) },
	"tls-cert-file":    func(f *File, a []string) error { return setOne(&f.TLSCertFile, a) },
	"tls-key-file":     func(f *File, a []string) error { return setOne(&f.TLSKeyFile, a) },
	"tls-ca-cert-file": func(f *File, a []string) error { return setOne(&f.TLSCACertFile, a) },

	"rocksdb-block-cache": func(f *File, a []string) error {
		if len(a) != 1 {
			return errOneArgument
		}
		n, err := parseMemory(a[0])
		f.Engine.BlockCacheSize = int64(n)
		return err
	},
	"rocksdb-options":    func(f *File, a []string) error { return setOne(&f.Engine.Extra, a) },
	"rocksdb-statistics": func(f *File, a []string) error { return setOneOf(&f.Statistics, a, "auto", "yes", "no") },
}

var errOneArgument = errors.New("it takes one argument")

func setOne(at *string, a []string) error {
	if len(a) != 1 {
		return errOneArgument
	}
	*at = a[0]
	return nil
}

func setOneOf(at *string, a []string, values ...string) error {
	if len(a) != 1 || !slices.Contains(values, strings.ToLower(a[0])) {
		return fmt.Errorf("it takes one of: %s", strings.Join(values, ", "))
	}
	*at = strings.ToLower(a[0])
	return nil
}

// setAddresses refuses an empty address: to the system it means all of them, which nobody asks for by a quote too few.
func setAddresses(at *[]string, a []string) error {
	if len(a) == 0 || slices.Contains(a, "") {
		return errors.New("it takes one address or more")
	}
	*at = a
	return nil
}

func setPort(at *int, a []string) error {
	if len(a) != 1 {
		return errOneArgument
	}
	n, err := strconv.ParseUint(a[0], 10, 16)
	*at = int(n)
	return err
}

// Read adds what a configuration file says. An error names the line.
func (f *File) Read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		words, err := splitLine(lines.Text())
		if err == nil && len(words) > 0 {
			err = f.Set(words[0], words[1:]...)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: it is too long", n)
	}
	return lines.Err()
}

// Set takes one directive, as a line of a file has it. An error says which it is.
func (f *File) Set(name string, args ...string) error {
	name = strings.ToLower(name)
	if set := fileDirectives[name]; set != nil {
		if err := set(f, args); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	at := slices.IndexFunc(directives, func(d directive) bool { return d.name == name })
	if at < 0 || directives[at].set == nil {
		return fmt.Errorf("unknown directive %q", name)
	}
	d := directives[at]
	if len(args) != 1 && name != "client-output-buffer-limit" { // a password of two words, or of none, is a mistake
		return fmt.Errorf("%s: %w", name, errOneArgument)
	}
	if err := d.set(&f.Config, strings.Join(args, " ")); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if d.check != nil {
		if why := d.check(&f.Config); why != "" {
			return fmt.Errorf("%s: %s", name, why)
		}
	}
	return nil
}

// splitLine takes a line apart, without its comment.
func splitLine(line string) (words []string, err error) {
	for rest := skipBlank(line); rest != "" && rest[0] != '#'; rest = skipBlank(rest) {
		var word []byte
		if word, rest, err = nextWord(rest); err != nil {
			return nil, err
		}
		words = append(words, string(word))
	}
	return words, nil
}

// EngineOptions are those to open the database with. Statistics are the cheapest that the linked RocksDB has.
func (f *File) EngineOptions() *engine.Options {
	o := f.Engine
	if f.Statistics == "yes" || f.Statistics == "auto" && f.HTTPPort != 0 {
		o.Statistics = engine.UsualStatistics
		if engine.Supports(engine.StatisticsLevels) {
			o.Statistics = engine.TickerStatistics
		}
	}
	return Options(o)
}

// LoadTLS reads the files that the directives of TLS name; nil if nothing asks for it.
func (f *File) LoadTLS() (*tls.Config, error) {
	if f.TLSPort == 0 && !f.HTTPTLS {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(f.TLSCertFile, f.TLSKeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls-cert-file, tls-key-file: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if f.TLSCACertFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(f.TLSCACertFile)
	if err != nil {
		return nil, fmt.Errorf("tls-ca-cert-file: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls-ca-cert-file: %s holds no certificate", f.TLSCACertFile)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}
