package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/server"
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

SIGTERM and SIGINT end it: commands under way are answered, and everything is synced.
A second signal kills it, which loses nothing that was acknowledged either.`,
		Example: `  rockbridge serve data.db
  rockbridge serve data.db --port 7000 --appendfsync always
  rockbridge serve data.db --config server/rockbridge.conf
  redis-cli set greeting hello`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := flags.file(cmd)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), args[0], f, flags.logger(cmd.ErrOrStderr()))
		},
	}
	cmd.Flags().StringVar(&flags.config, "config", "", "file with the configuration; server/rockbridge.conf has every directive")
	cmd.Flags().StringSliceVar(&flags.bind, "bind", nil, "addresses to listen on, in place of the file's (default 127.0.0.1,::1)")
	cmd.Flags().IntVar(&flags.port, "port", 6379, "port to listen on, in place of the file's; 0: any that is free")
	cmd.Flags().StringVar(&flags.sync, "appendfsync", "everysec", "when changes are on disk: always, everysec or no, in place of the file's")
	cmd.Flags().StringVar(&flags.dir, "dir", "", "folder for the copies that BGSAVE makes, in place of the file's")
	cmd.Flags().BoolVar(&flags.json, "json", false, "log lines are JSON")
	return cmd
}

func (s *serveFlags) logger(w io.Writer) *slog.Logger {
	if s.json {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
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
	if given("bind") {
		f.Bind = s.bind
	}
	if given("port") {
		if s.port < 0 || s.port > 65535 {
			return nil, usagef("--port %d is none", s.port)
		}
		f.Port = s.port
	}
	if given("appendfsync") {
		f.AppendFsync = s.sync
	}
	if given("dir") {
		f.SaveDir = s.dir
	}
	if given("port") && s.port == 0 {
		f.Port = anyPort
	}
	return f, nil
}

// anyPort stands for a port that the system chooses, where 0 means none.
const anyPort = -1

// serve opens the database and serves it until ctx ends, or a client says SHUTDOWN.
func serve(ctx context.Context, dir string, f *server.File, log *slog.Logger) (err error) {
	f.Logger = log
	f.Engine.Logger = log
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f.Shutdown = stop
	certificates, err := f.LoadTLS()
	if err != nil {
		return err
	}
	db, err := engine.Open(dir, server.Options(f.Engine))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := server.New(db, f.Config)
	if err != nil {
		return err
	}
	listeners, err := listen(f, certificates)
	if err != nil {
		return errors.Join(err, s.Shutdown(context.Background()))
	}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		log.Info("listening", slog.String("address", l.Addr().String()), slog.String("database", dir), slog.String("rocksdb", engine.Version()))
		go func() { ended <- s.Serve(l) }()
	}
	select {
	case <-ctx.Done():
		log.Info("shutting down")
	case err = <-ended:
	}
	last, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	return errors.Join(err, s.Shutdown(last))
}

// listen listens on all addresses. One of the two of this machine may be missing, as where there is no IPv6.
func listen(f *server.File, certificates *tls.Config) (list []net.Listener, err error) {
	var failed error
	try := func(host string, port int, c *tls.Config) {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(max(port, 0))))
		if err != nil {
			failed = errors.Join(failed, err)
			return
		}
		if c != nil {
			l = tls.NewListener(l, c)
		}
		list = append(list, l)
	}
	for _, host := range f.Bind {
		if f.Port != 0 {
			try(host, f.Port, nil)
		}
		if f.TLSPort != 0 {
			try(host, f.TLSPort, certificates)
		}
	}
	if len(list) == 0 && failed == nil {
		failed = usagef("there is nothing to listen on: no address, or no port")
	}
	loopback := len(f.Bind) == 2 && f.Bind[0] == "127.0.0.1" && f.Bind[1] == "::1"
	if failed != nil && (len(list) == 0 || !loopback) {
		for _, l := range list {
			l.Close()
		}
		return nil, failed
	}
	return list, nil
}
