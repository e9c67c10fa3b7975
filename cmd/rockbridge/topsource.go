package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// reading is what a process served at one moment.
type reading struct {
	at        time.Time
	databases map[string]engine.Metrics // by the name of their variable
	heap      uint64                    // bytes of Go's heap in use
}

// metricsSource is where readings come from.
type metricsSource struct {
	url     string
	timeout time.Duration
	client  *http.Client
}

func newSource(address string, timeout time.Duration) *metricsSource {
	return &metricsSource{url: address, timeout: timeout, client: &http.Client{}}
}

// metricsURL completes what somebody typed: a scheme and a path may be missing.
func metricsURL(arg string) (string, error) {
	if !strings.Contains(arg, "://") {
		arg = "http://" + arg
	}
	u, err := url.Parse(arg)
	switch {
	case err != nil:
		return "", usagef("URL %q: %v", arg, err)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", usagef("URL %q: neither http nor https", arg)
	case u.Host == "":
		return "", usagef("URL %q names no host", arg)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/debug/vars"
	}
	return u.String(), nil
}

// mostAnswer is how much an answer may be.
const mostAnswer = 64 << 20

// read takes a reading.
func (s *metricsSource) read(ctx context.Context) (*reading, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	body, err := s.fetch(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("%s: no answer within %v", s.url, s.timeout)
	}
	if err != nil {
		return nil, err // it names the URL
	}
	r, err := parseReading(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.url, err)
	}
	return r, nil
}

func (s *metricsSource) fetch(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer+1))
	switch {
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: the server answers %s", s.url, answer.Status)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", s.url, err)
	case len(body) > mostAnswer:
		return nil, fmt.Errorf("%s: the answer is larger than %s", s.url, byteText(mostAnswer))
	}
	return body, nil
}

// parseReading finds the variables that are metrics of a database among all.
func parseReading(body []byte) (*reading, error) {
	var variables map[string]json.RawMessage
	if err := json.Unmarshal(body, &variables); err != nil {
		return nil, fmt.Errorf("the answer is not what package expvar serves: %w", err)
	}
	r := &reading{at: time.Now(), databases: map[string]engine.Metrics{}}
	for name, value := range variables {
		if name == "memstats" {
			var stats struct{ HeapAlloc uint64 }
			if json.Unmarshal(value, &stats) == nil {
				r.heap = stats.HeapAlloc
			}
			continue
		}
		var parts struct{ Memory, Calls, Families, Process json.RawMessage }
		if json.Unmarshal(value, &parts) != nil || parts.Memory == nil || parts.Calls == nil || parts.Families == nil || parts.Process == nil {
			continue // somebody else's variable, or that of a closed database
		}
		var m engine.Metrics
		if err := json.Unmarshal(value, &m); err != nil {
			return nil, fmt.Errorf("variable %q: %w", name, err)
		}
		r.databases[name] = m
	}
	if len(r.databases) == 0 {
		return nil, errors.New("no variable there holds metrics of an open database: vars.Publish publishes them")
	}
	return r, nil
}
