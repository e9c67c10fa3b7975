package serving

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Binaries are the programs that are run.
type Binaries struct{ Rockbridge, RedisServer, RedisBenchmark string }

// FindRedis finds Redis's programs, which "scripts/setup redis" installs.
func FindRedis() (b Binaries, err error) {
	b.RedisServer, err = exec.LookPath("redis-server")
	if err != nil {
		return b, err
	}
	b.RedisBenchmark, err = exec.LookPath("redis-benchmark")
	return b, err
}

// version is what a program says of itself.
func version(ctx context.Context, program string) string {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(out))
}

// server is one that runs, with a folder of its own.
type server struct {
	name   Name
	port   int
	dir    string
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan error
}

// startTime is how long a server may take to begin, endTime to end.
const (
	startTime = 30 * time.Second
	endTime   = time.Minute
)

// arguments are those of a server's program.
func arguments(name Name, p Plan, d Durability, dir string, port int) []string {
	if name == Redis {
		return []string{
			"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--daemonize", "no", "--loglevel", "warning",
			"--save", "", "--appendonly", "yes", "--appendfsync", string(d),
			"--auto-aof-rewrite-percentage", "0", // a rewrite would fall into whichever run comes next
		}
	}
	return []string{
		"serve", filepath.Join(dir, "db"), "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--appendfsync", string(d),
		"--loglevel", "warning", "--config", filepath.Join(dir, "conf"),
	}
}

// configuration is what rockbridge's file says.
func configuration(p Plan) string {
	return fmt.Sprintf("rocksdb-block-cache %d\nrocksdb-options \"write_buffer_size=%d;max_write_buffer_number=2\"\n", p.Cache, p.Memtable)
}

// start starts a server in a folder, which is made, and waits until it answers.
func start(ctx context.Context, name Name, b Binaries, p Plan, d Durability, dir string) (*server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(configuration(p)), 0o644); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{name: name, port: port, dir: dir, ended: make(chan error, 1)}
	program := map[Name]string{Rockbridge: b.Rockbridge, Redis: b.RedisServer}[name]
	s.cmd = exec.CommandContext(ctx, program, arguments(name, p, d, dir, port)...)
	s.cmd.Env = append(os.Environ(), "MALLOC_ARENA_MAX=2") // as rockbridge's unit for systemd has it; Redis has jemalloc
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.WaitDelay = &s.output, &s.output, time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	for end := time.Now().Add(startTime); ; time.Sleep(10 * time.Millisecond) {
		if s.answers() {
			return s, nil
		}
		select {
		case err := <-s.ended:
			return nil, fmt.Errorf("%s: %w: %s", name, errors.Join(err, errEnded), &s.output)
		default:
		}
		if time.Now().After(end) {
			_ = s.cmd.Process.Kill()
			<-s.ended
			return nil, fmt.Errorf("%s does not answer: %s", name, &s.output)
		}
	}
}

var errEnded = errors.New("it has ended")

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *server) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

func (s *server) answers() bool {
	c, err := net.DialTimeout("tcp", s.address(), time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	answer := make([]byte, len("+PONG\r\n"))
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return false
	}
	_, err = io.ReadFull(c, answer)
	return err == nil && string(answer) == "+PONG\r\n"
}

func (s *server) cpu() (time.Duration, error) { return cpuOf(s.cmd.Process.Pid) }

// stop ends a server in order, and removes its folder.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // of a process that is gone already
	timer := time.AfterFunc(endTime, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	err := <-s.ended
	if err != nil {
		err = fmt.Errorf("%s: its end: %w: %s", s.name, err, &s.output)
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// settle waits until servers work no more on what they were asked before, as compactions and rewrites do, or some seconds.
func settle(servers map[Name]*server) error {
	const step, patience = 50 * time.Millisecond, 100
	for range patience {
		before, err := cpuSum(servers)
		if err != nil {
			return err
		}
		time.Sleep(step)
		after, err := cpuSum(servers)
		if err != nil {
			return err
		}
		if after-before <= tick {
			return nil
		}
	}
	return nil
}

func cpuSum(servers map[Name]*server) (sum time.Duration, err error) {
	for _, s := range servers {
		n, err := s.cpu()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
