package monitor

import (
	"bytes"
	"embed"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// What one client may take: of time, and of memory.
const (
	headTime       = 5 * time.Second
	requestTime    = 10 * time.Second // with its head
	answerLimit    = 15 * time.Second
	idleTime       = 30 * time.Second
	headBytes      = 8 << 10
	maxConnections = 64
	maxScrapes     = 3 // at a time
)

//go:embed page
var files embed.FS

// assets are what the page loads beside its charts, whatever name is asked for.
var assets = map[string]struct{ file, kind string }{
	"/style.css": {"page/style.css", "text/css; charset=utf-8"},
	"/script.js": {"page/script.js", "text/javascript; charset=utf-8"},
	"/icon.svg":  {"page/icon.svg", "image/svg+xml"},
}

func newHTTPServer(m *Monitor) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", m.servePage)
	mux.HandleFunc("GET /figures", m.serveFigures)
	mux.HandleFunc("GET /chart/{name}", m.serveChart)
	for path, a := range assets {
		b, err := files.ReadFile(a.file)
		if err != nil {
			panic(err) // it is embedded
		}
		if path == "/style.css" {
			b = append(b, paletteCSS()...)
		}
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { answer(w, a.kind, b) })
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes, Timeout: requestTime, ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn),
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerProbe(w, m.Alive()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answerProbe(w, m.Ready()) })
	return &http.Server{
		Handler: guarded(ownHost(mux)), ReadHeaderTimeout: headTime, ReadTimeout: requestTime, WriteTimeout: answerLimit, IdleTimeout: idleTime,
		MaxHeaderBytes: headBytes, DisableGeneralOptionsHandler: true,
		ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn),
	}
}

// guarded allows a page of ours to load what is ours, and others to do nothing with it.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// answer sends a whole one. A client that is gone needs none.
func answer(w http.ResponseWriter, kind string, b []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
}

// answerProbe says ok, or why not.
func answerProbe(w http.ResponseWriter, err error) {
	var text bytes.Buffer
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		text.WriteString("no: " + err.Error() + "\n")
	} else {
		text.WriteString("ok\n")
	}
	_, _ = text.WriteTo(w)
}

// limit lets so many connections be open at a time. More wait in the system's queue.
func limit(l net.Listener, n int) net.Listener {
	return &limited{l, make(chan struct{}, n), make(chan struct{}), sync.Once{}}
}

type limited struct {
	net.Listener
	room   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &limitedConn{Conn: c, left: sync.OnceFunc(func() { <-l.room })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	left func()
}

func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.left()
	return err
}
