package monitor

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/rockbridge-db/rockbridge/engine"
	metrics "github.com/rockbridge-db/rockbridge/metrics/prometheus"
	"github.com/rockbridge-db/rockbridge/server"
)

// Options say how a Monitor behaves. The zero value will do.
type Options struct {
	Name   string        // of the database, the label db of the engine's metrics; empty: "default"
	Every  time.Duration // between samples, and at least between two looks of the page: 0 is a second
	Logger *slog.Logger  // nil: nothing is logged
}

// Samples is how many a Monitor keeps: ten minutes of them, if there is one each second.
const Samples = 600

// Monitor shows one server. It may begin before there is one, and go on after the server has ended: then it tells so. New makes
// one, Shutdown ends it. All methods are safe for concurrent use.
type Monitor struct {
	every    time.Duration
	name     string
	log      *slog.Logger
	registry *prom.Registry
	ring     ring
	charts   drawings
	http     *http.Server
	life     context.Context
	stop     context.CancelFunc
	working  sync.WaitGroup

	mu     sync.Mutex
	server *server.Server // nil: there is none yet
	db     *engine.DB
	asked  time.Time // when both answers were had
	ready  error
	health error
}

// New makes a Monitor without a server: that it is starting is what it tells.
func New(o Options) *Monitor {
	m := &Monitor{every: o.Every, name: o.Name, log: o.Logger, registry: prom.NewRegistry()}
	if m.every <= 0 {
		m.every = time.Second
	}
	if m.name == "" {
		m.name = "default"
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.life, m.stop = context.WithCancel(context.Background())
	m.http = newHTTPServer(m)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		metrics.NewProcessCollector(), collector{m})
	return m
}

// errWatching is the answer to a second Watch.
var errWatching = errors.New("monitor: there is a server already")

// Watch shows a server and its database from now on, and samples them until Shutdown. It keeps both in memory, but opens and closes
// nothing. An error says that it watches one already.
func (m *Monitor) Watch(s *server.Server, db *engine.DB) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.server != nil {
		return errWatching
	}
	if err := m.registry.Register(metrics.NewCollector(m.name, db)); err != nil {
		return err
	}
	m.server, m.db, m.asked = s, db, time.Time{}
	sampler := newSampler(m, s, db)
	m.working.Go(sampler.run)
	return nil
}

// watched is the server; nil if there is none yet.
func (m *Monitor) watched() *server.Server {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.server
}

// errStarting is why nobody should come yet.
var errStarting = errors.New("starting: the database is being opened")

// answerTime is how long an answer of the database is given again: each costs it an empty write.
const answerTime = 250 * time.Millisecond

// state asks whether the server is ready, and what the database says of its health.
func (m *Monitor) state() (ready, health error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.server == nil {
		return errStarting, nil
	}
	if time.Since(m.asked) > answerTime {
		m.ready, m.health = m.server.Ready(), m.db.Health()
		m.asked = time.Now()
	}
	return m.ready, m.health
}

// Ready is nil while clients should come: see server.Server.Ready. /readyz gives its text.
func (m *Monitor) Ready() error {
	ready, _ := m.state()
	return ready
}

// Alive is nil unless only a new start helps: when the database takes no writes any more. It is nil while the server starts and ends, and
// while a disk is full, from which RocksDB recovers. /healthz gives its text.
func (m *Monitor) Alive() error {
	_, health := m.state()
	if errors.Is(health, engine.ErrClosed) || errors.Is(health, engine.ErrNoSpace) {
		return nil
	}
	return health
}

// Serve answers over HTTP until Shutdown, which closes the listener, and then gives http.ErrServerClosed. Other errors are those
// of the listener.
func (m *Monitor) Serve(l net.Listener) error { return m.http.Serve(limit(l, maxConnections)) }

// Handler answers as Serve does, for who has an HTTP server already. What Serve bounds of time and of connections is left to that.
func (m *Monitor) Handler() http.Handler { return m.http.Handler }

// Shutdown ends sampling, and Serve once requests under way are answered, or cut when ctx ends, whose error it then gives. The
// server is not touched.
func (m *Monitor) Shutdown(ctx context.Context) error {
	m.stop()
	err := m.http.Shutdown(ctx)
	if err != nil {
		m.http.Close()
	}
	m.working.Wait()
	return err
}
