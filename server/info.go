package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// newRunID is the name of this run, as Redis makes it.
func newRunID() string {
	var b [20]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// tooManyFiles tells of an error that passes when clients leave.
func tooManyFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

func (s *stats) reset() {
	for _, n := range []*atomic.Int64{
		&s.commands, &s.connections, &s.turned, &s.hits, &s.misses, &s.expired, &s.deleted, &s.in, &s.out, &s.errors, &s.dropped, &s.idle,
		&s.segments, &s.together, &s.refused,
	} {
		n.Store(0)
	}
}

// rate is how many commands a second come, over the last seconds.
type rate struct {
	mu     sync.Mutex
	counts [rateSeconds]int64
	filled int
}

const rateSeconds = 8

func (r *rate) note(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	copy(r.counts[1:], r.counts[:])
	r.counts[0] = n
	r.filled = min(r.filled+1, rateSeconds)
}

func (r *rate) perSecond() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.filled < 2 {
		return 0
	}
	return max(r.counts[0]-r.counts[r.filled-1], 0) / int64(r.filled-1)
}

// measure notes the number of commands each second.
func (s *Server) measure() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-tick.C:
			s.stats.rate.note(s.stats.commands.Load())
		}
	}
}

// sizes are the numbers of keys by database, as long as nothing is written.
type sizes struct {
	mu    sync.Mutex
	known map[int]size
}

type size struct {
	keys, timed int64
	sequence    uint64
	at          time.Time
	took        time.Duration
}

// count counts the living keys of a database, in C. The last count is given again until something is written, or a second has
// passed in which keys may have expired.
func (s *Server) count(ctx context.Context, db int, stale func(size) bool) (size, error) {
	s.sizes.mu.Lock()
	defer s.sizes.mu.Unlock()
	n, ok := s.sizes.known[db]
	if ok && !stale(n) {
		return n, nil
	}
	began := time.Now()
	n = size{sequence: s.db.LatestSequence(), at: began}
	o := &engine.IterOptions{Prefix: []byte{byte(db)}, Filter: living(began.UnixMilli())}
	var err error
	if n.keys, _, _, err = engine.Count(ctx, s.keys, o); err != nil {
		return size{}, err
	}
	o.Filter = engine.And(o.Filter, engine.RowValue.At(0, engine.NotEqual, make([]byte, secondsSize)))
	if n.timed, _, _, err = engine.Count(ctx, s.keys, o); err != nil {
		return size{}, err
	}
	n.took = time.Since(began)
	if s.sizes.known == nil {
		s.sizes.known = map[int]size{}
	}
	s.sizes.known[db] = n
	return n, nil
}

func dbSize(x *exec, _ [][]byte) error {
	if len(x.flushed) > 0 || len(x.changed(nil, nil)) > 0 {
		n := int64(0)
		err := x.each(nil, nil, func([]byte, kind) bool { n++; return true })
		x.out.number(n)
		return err
	}
	n, err := x.s.count(x.s.life, x.db, func(n size) bool {
		return n.sequence != x.s.db.LatestSequence() || n.timed > 0
	})
	if err != nil {
		return err
	}
	x.out.number(n.keys)
	return nil
}

// infoSections are in the order of Redis.
func infoSections() []infoSection {
	return []infoSection{
		{"Server", infoServer, false},
		{"Clients", infoClients, false},
		{"Memory", infoMemory, false},
		{"Persistence", infoPersistence, false},
		{"Stats", infoStats, false},
		{"Replication", infoReplication, false},
		{"CPU", infoCPU, false},
		{"Commandstats", infoCommands, true},
		{"RocksDB", infoRocksDB, false},
		{"Keyspace", infoKeyspace, false},
	}
}

// infoSection is a part of INFO.
type infoSection struct {
	name string
	text func(*Server) string
	more bool // only if asked for
}

func info(x *exec, a [][]byte) error {
	var wanted []string
	for _, b := range a[1:] {
		wanted = append(wanted, strings.ToLower(string(b)))
	}
	all := slices.Contains(wanted, "all") || slices.Contains(wanted, "everything")
	usual := len(wanted) == 0 || slices.Contains(wanted, "default")
	var parts []string
	for _, s := range infoSections() {
		if all || usual && !s.more || slices.Contains(wanted, strings.ToLower(s.name)) {
			parts = append(parts, "# "+s.name+"\r\n"+s.text(x.s))
		}
	}
	x.out.verbatim(strings.Join(parts, "\r\n"))
	return nil
}

func lines(pairs ...any) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%v:%v\r\n", pairs[i], pairs[i+1])
	}
	return b.String()
}

func infoServer(s *Server) string {
	up := time.Since(s.stats.began)
	return lines("redis_version", redisVersion, "redis_mode", "standalone", "os", runtime.GOOS+" "+runtime.GOARCH, "arch_bits", 64,
		"go_version", runtime.Version(), "rocksdb_version", engine.Version(), "process_id", os.Getpid(), "run_id", s.id,
		"tcp_port", s.port(), "server_time_usec", time.Now().UnixMicro(), "uptime_in_seconds", int(up.Seconds()), "uptime_in_days", int(up.Hours()/24))
}

// port is that of the first listener.
func (s *Server) port() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.listeners {
		if p, ok := portOf(l.Addr()); ok {
			return p
		}
	}
	return 0
}

func infoClients(s *Server) string {
	all, watching, multi := s.countClients()
	return lines("connected_clients", all, "maxclients", s.conf.maxClients(), "blocked_clients", 0,
		"clients_watching", watching, "clients_in_transaction", multi)
}

func infoMemory(s *Server) string {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c := int64(0)
	if e, err := s.db.Metrics(); err == nil {
		c = int64(e.Memory.BlockCache + e.Memory.Memtables + e.Memory.TableReaders)
	}
	total := c + int64(m.HeapAlloc)
	return lines("used_memory", total, "used_memory_go", m.HeapAlloc, "used_memory_rocksdb", c, "maxmemory", 0, "maxmemory_policy", "noeviction")
}

func infoPersistence(s *Server) string {
	running, last, failed := s.saves.state()
	status := map[bool]string{false: "ok", true: "err"}
	health := s.db.Health()
	return lines("loading", 0, "rdb_bgsave_in_progress", map[bool]int{true: 1}[running], "rdb_last_save_time", last.Unix(),
		"rdb_last_bgsave_status", status[failed], "aof_enabled", 1, "aof_last_write_status", status[health != nil])
}

func infoStats(s *Server) string {
	t := &s.stats
	return lines("total_connections_received", t.connections.Load(), "total_commands_processed", t.commands.Load(),
		"instantaneous_ops_per_sec", t.rate.perSecond(), "total_net_input_bytes", t.in.Load(), "total_net_output_bytes", t.out.Load(),
		"rejected_connections", t.turned.Load(), "expired_keys", t.deleted.Load(), "client_output_buffer_limit_disconnections", t.dropped.Load(),
		"keyspace_hits", t.hits.Load(), "keyspace_misses", t.misses.Load(), "total_error_replies", t.errors.Load())
}

func infoReplication(*Server) string {
	return lines("role", "master", "connected_slaves", 0)
}

func infoCPU(*Server) string {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	seconds := func(t syscall.Timeval) string { return fmt.Sprintf("%d.%06d", t.Sec, t.Usec) }
	return lines("used_cpu_sys", seconds(u.Stime), "used_cpu_user", seconds(u.Utime))
}

func infoCommands(s *Server) string {
	var b strings.Builder
	for i, c := range table.all {
		count := &s.counts[i]
		n := count.calls.Load()
		if n == 0 {
			continue
		}
		us := count.nanos.Load() / 1000
		fmt.Fprintf(&b, "cmdstat_%s:calls=%d,usec=%d,usec_per_call=%.2f,failed_calls=%d\r\n", c.name, n, us, float64(us)/float64(n), count.failed.Load())
	}
	return b.String()
}

// infoKeyspace counts anew what the last count is too old for: so that counting takes a twentieth of the time at most.
func infoKeyspace(s *Server) string {
	var b strings.Builder
	for db := range s.conf.databases() {
		n, err := s.count(s.life, db, func(n size) bool {
			return n.sequence != s.db.LatestSequence() && time.Since(n.at) > max(20*n.took, 100*time.Millisecond)
		})
		if err == nil && n.keys > 0 {
			fmt.Fprintf(&b, "db%d:keys=%d,expires=%d,avg_ttl=0\r\n", db, n.keys, n.timed)
		}
	}
	return b.String()
}
