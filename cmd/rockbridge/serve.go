package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
	"github.com/rockbridge-db/rockbridge/server/monitor"
	"github.com/spf13/cobra"
)

// shutdownTime is how long clients may take their last answers.
const shutdownTime = 10 * time.Second

// serveFlags overrule the file.
type serveFlags struct {
	config, dir string
	bind        []string
	port        int
	sync        string
	httpBind    []string
	httpPort    int
	level, log  string
	json        bool
}

func newServeCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Serve a database to clients of Redis",
		Long: `Serve the database in DIR, which is made if it is not there, to clients that speak
Redis's protocol: docs/commands.md lists the commands. It listens on this machine only,
unless told otherwise, without a password, unless one is set.

The file that --config names has lines as Redis's has: passwords, TLS, limits and memory
are set there. A flag that is given counts in place of the file's line. Clients change some
of it by CONFIG SET, for as long as the process lives.

With --http-port there is a web page with live charts, /metrics for Prometheus, /healthz
and /readyz, on this machine only unless --http-bind says otherwise. They show figures,
neither keys nor values, and ask for no password.

SIGTERM, SIGINT and the command SHUTDOWN end it, with exit code 0: commands under way are
answered, for which clients have 10 seconds, and everything is synced. A second signal kills
it, which loses nothing that was acknowledged either. What keeps it from serving is exit
code 1, or 2 if it is the command line.

Where NOTIFY_SOCKET is set, as by systemd with Type=notify, it tells there when it serves and
when it ends. server/deploy has a unit for systemd and the description of a container; docs/server.md
tells how to use them.

--family and --hex mean nothing here.`,
		Example: `  rockbridge serve data.db
  rockbridge serve data.db --port 7000 --appendfsync always
  rockbridge serve data.db --config server/rockbridge.conf
  rockbridge serve data.db --http-port 8080
  rockbridge serve data.db --bind 10.0.0.7 --config with-a-password.conf --dir copies
  redis-cli set greeting hello`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := flags.file(cmd)
			if err != nil {
				return err
			}
			if err := f.OpenLog(cmd.ErrOrStderr()); err != nil {
				return err
			}
			return serve(cmd.Context(), args[0], f)
		},
	}
	cmd.Flags().StringVar(&flags.config, "config", "", "file with the configuration; server/rockbridge.conf has every directive")
	cmd.Flags().StringSliceVar(&flags.bind, "bind", nil, "addresses to listen on, in place of the file's (default 127.0.0.1,::1)")
	cmd.Flags().IntVar(&flags.port, "port", 6379, "port to listen on, in place of the file's; 0: any that is free")
	cmd.Flags().StringVar(&flags.sync, "appendfsync", "everysec", "when changes are on disk: always, everysec or no, in place of the file's")
	cmd.Flags().StringVar(&flags.dir, "dir", "", "folder for the copies that BGSAVE makes, in place of the file's")
	cmd.Flags().IntVar(&flags.httpPort, "http-port", 0, "port of the web page and of /metrics, in place of the file's; 0: any that is free (default none)")
	cmd.Flags().StringSliceVar(&flags.httpBind, "http-bind", nil, "addresses of the web page, in place of the file's (default 127.0.0.1,::1)")
	cmd.Flags().StringVar(&flags.level, "loglevel", "notice", "what is logged: debug, verbose, notice or warning, in place of the file's")
	cmd.Flags().StringVar(&flags.log, "logfile", "", "file that the log is appended to, in place of the file's (default the standard error output)")
	cmd.Flags().BoolVar(&flags.json, "json", false, "log lines are JSON, in place of the file's log-format")
	return cmd
}

// file is the configuration: the file's, and over it the flags that were given.
func (s *serveFlags) file(cmd *cobra.Command) (*server.File, error) {
	f := server.NewFile()
	if s.config != "" {
		r, err := os.Open(s.config)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		if err := f.Read(r); err != nil {
			return nil, fmt.Errorf("%s: %w", s.config, err)
		}
	}
	given := cmd.Flags().Changed
	for name, addresses := range map[string][]string{"bind": s.bind, "http-bind": s.httpBind} {
		if !given(name) {
			continue
		}
		if err := f.Set(name, addresses...); err != nil {
			return nil, usagef("--%v", err)
		}
	}
	for _, p := range []struct {
		name string
		port int
		to   *int
	}{{"port", s.port, &f.Port}, {"http-port", s.httpPort, &f.HTTPPort}} {
		switch {
		case !given(p.name):
		case p.port < 0 || p.port > 65535:
			return nil, usagef("--%s %d is none", p.name, p.port)
		case p.port == 0:
			*p.to = anyPort
		default:
			*p.to = p.port
		}
	}
	if given("loglevel") {
		if err := f.Set("loglevel", s.level); err != nil {
			return nil, err
		}
	}
	if given("logfile") {
		f.LogFile = s.log
	}
	if given("json") {
		f.LogFormat = map[bool]string{true: "json", false: "text"}[s.json]
	}
	if given("appendfsync") {
		f.AppendFsync = s.sync
	}
	if given("dir") {
		f.SaveDir = s.dir
	}
	return f, nil
}

// anyPort stands for a port that the system chooses, where 0 means none.
const anyPort = -1

// serve opens the database and serves it until ctx ends, or a client says SHUTDOWN.
func serve(ctx context.Context, dir string, f *server.File) (err error) {
	log := f.Logger
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f.Shutdown = stop
	certificates, err := f.LoadTLS()
	if err != nil {
		return err
	}
	var watch *monitor.Monitor
	if f.HTTPPort != 0 { // before the database is opened, which may take its time
		watch = monitor.New(monitor.Options{Name: filepath.Base(dir), Logger: log})
		defer func() { err = errors.Join(err, endWatch(watch)) }()
		if err := showHTTP(f, watch, certificates, log); err != nil {
			return err
		}
	}
	db, err := engine.Open(dir, f.EngineOptions())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := server.New(db, f.Config)
	if err != nil {
		return err
	}
	listeners, err := listenAll(f, certificates)
	if err != nil {
		return errors.Join(err, s.Shutdown(context.Background()))
	}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		log.Info("listening", slog.String("address", l.Addr().String()), slog.String("database", dir), slog.String("rocksdb", engine.Version()))
		if f.RequirePass == "" && f.TLSCACertFile == "" && !local(l.Addr()) {
			log.Warn("whoever reaches this address may read and write: there is no password", slog.String("address", l.Addr().String()))
		}
		go func() { ended <- s.Serve(l) }()
	}
	if watch != nil {
		err = watch.Watch(s, db)
	}
	tell := func(state string) {
		if err := notify(state); err != nil {
			log.Warn("the service manager is not told", slog.String("state", state), slog.Any("error", err))
		}
	}
	if err == nil {
		tell("READY=1")
		select {
		case <-ctx.Done():
			log.Info("shutting down")
		case err = <-ended:
		}
		tell("STOPPING=1")
	}
	last, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return errors.Join(err, s.Shutdown(last))
}

// showHTTP begins to answer over HTTP.
func showHTTP(f *server.File, m *monitor.Monitor, certificates *tls.Config, log *slog.Logger) error {
	scheme := "https"
	if !f.HTTPTLS {
		scheme, certificates = "http", nil
	}
	listeners, err := listen(f.HTTPBind, func(host string) (list []net.Listener, err error) {
		return listenTo(list, host, f.HTTPPort, certificates)
	})
	if err != nil {
		return err
	}
	for _, l := range listeners {
		log.Info("showing", slog.String("url", scheme+"://"+l.Addr().String()+"/"))
		if !local(l.Addr()) && (certificates == nil || certificates.ClientCAs == nil) {
			log.Warn("the web page and /metrics are open beyond this machine, and ask for no password", slog.String("address", l.Addr().String()))
		}
		go func() {
			if err := m.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				log.Error("the web page has ended", slog.Any("error", err))
			}
		}()
	}
	return nil
}

// local tells whether only this machine reaches an address.
func local(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return !ok || t.IP.IsLoopback()
}

// endWatch lets answers under way be taken for a second.
func endWatch(m *monitor.Monitor) error {
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := m.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// listenAll listens for clients of Redis.
func listenAll(f *server.File, certificates *tls.Config) ([]net.Listener, error) {
	return listen(f.Bind, func(host string) (list []net.Listener, err error) {
		if f.Port != 0 {
			list, err = listenTo(list, host, f.Port, nil)
		}
		if f.TLSPort != 0 && err == nil {
			list, err = listenTo(list, host, f.TLSPort, certificates)
		}
		return list, err
	})
}

func listenTo(list []net.Listener, host string, port int, c *tls.Config) ([]net.Listener, error) {
	switch host { // Redis's words for all addresses of a kind
	case "*":
		host = "0.0.0.0"
	case "::*":
		host = "::"
	}
	l, err := net.Listen(networkOf(host), net.JoinHostPort(host, strconv.Itoa(max(port, 0))))
	if err != nil {
		return list, err
	}
	if c != nil {
		l = tls.NewListener(l, c)
	}
	return append(list, l), nil
}

// networkOf has 0.0.0.0 and :: mean the addresses of their kind alone, as they do to Redis: net takes both for all of both.
func networkOf(host string) string {
	switch ip := net.ParseIP(host); {
	case ip == nil:
		return "tcp"
	case ip.To4() != nil:
		return "tcp4"
	}
	return "tcp6"
}

// listen listens on all addresses. One that has a minus before it, as in Redis's file, need not be there, and neither need one of the two of
// this machine, as where there is no IPv6.
func listen(hosts []string, to func(host string) ([]net.Listener, error)) (list []net.Listener, err error) {
	var failed error
	for _, host := range hosts {
		name, optional := strings.CutPrefix(host, "-")
		some, err := to(name)
		list = append(list, some...)
		if optional && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
			continue
		}
		failed = errors.Join(failed, err)
	}
	if len(list) == 0 && failed == nil {
		failed = usagef("there is nothing to listen on: no address, or no port")
	}
	loopback := len(hosts) == 2 && hosts[0] == "127.0.0.1" && hosts[1] == "::1"
	if failed != nil && (len(list) == 0 || !loopback) {
		for _, l := range list {
			l.Close()
		}
		return nil, failed
	}
	return list, nil
}
