package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
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
	s.byCode.reset()
}

// codes count errors by the word that they begin with: there are few, as none comes from a client.
type codes struct {
	mu   sync.Mutex
	seen map[string]int64
}

func (c *codes) add(f failure) {
	code, _, _ := strings.Cut(string(f), " ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int64{}
	}
	c.seen[code]++
}

func (c *codes) all() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.seen)
}

func (c *codes) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = nil
}

// failed counts an answer that is an error.
func (s *stats) failed(f failure) {
	s.errors.Add(1)
	s.byCode.add(f)
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
			s.stats.rateIn.note(s.stats.in.Load())
			s.stats.rateOut.note(s.stats.out.Load())
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
		{"Errorstats", infoErrors, false},
		{"Latencystats", infoLatencies, true},
		{"Cluster", infoCluster, false},
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
	text := lines("used_memory", total, "used_memory_human", human(total), "used_memory_go", m.HeapAlloc, "used_memory_rocksdb", c)
	if resident := kilobytes("/proc/self/status", "VmRSS"); resident > 0 {
		text += lines("used_memory_rss", resident, "used_memory_rss_human", human(resident),
			"mem_fragmentation_ratio", fmt.Sprintf("%.2f", float64(resident)/float64(max(total, 1))))
	}
	if all := kilobytes("/proc/meminfo", "MemTotal"); all > 0 {
		text += lines("total_system_memory", all, "total_system_memory_human", human(all))
	}
	return text + lines("maxmemory", 0, "maxmemory_human", human(0), "maxmemory_policy", "noeviction")
}

// kilobytes is the number of bytes in a line of a file of Linux; 0 where there is none.
func kilobytes(path, name string) (n int64) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			_, _ = fmt.Sscan(rest, &n) // or it stays 0
		}
	}
	return n << 10
}

// human is a number of bytes as Redis writes it for people.
func human(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%dB", n)
	}
	f, unit := float64(n), 0
	for ; f >= 1<<10 && unit < 4; unit++ {
		f /= 1 << 10
	}
	return fmt.Sprintf("%.2f%c", f, " KMGT"[unit])
}

func infoPersistence(s *Server) string {
	v := s.saves.all()
	status := map[bool]string{false: "ok", true: "err"}
	health := s.db.Health()
	last := v.last
	if last.IsZero() { // as Redis does
		last = s.stats.began
	}
	took := int64(-1)
	if v.took > 0 {
		took = int64(v.took.Seconds())
	}
	return lines("loading", 0, "rdb_bgsave_in_progress", map[bool]int{true: 1}[v.running], "rdb_last_save_time", last.Unix(),
		"rdb_last_bgsave_status", status[v.failed], "rdb_last_bgsave_time_sec", took, "rdb_saves", v.done, "aof_enabled", 1,
		"aof_rewrite_in_progress", 0, "aof_rewrite_scheduled", 0, "aof_last_write_status", status[health != nil])
}

func infoStats(s *Server) string {
	t := &s.stats
	return lines("total_connections_received", t.connections.Load(), "total_commands_processed", t.commands.Load(),
		"instantaneous_ops_per_sec", t.rate.perSecond(), "instantaneous_input_kbps", kbps(&t.rateIn), "instantaneous_output_kbps", kbps(&t.rateOut),
		"total_net_input_bytes", t.in.Load(), "total_net_output_bytes", t.out.Load(),
		"rejected_connections", t.turned.Load(), "expired_keys", t.deleted.Load(), "evicted_keys", 0, "evicted_clients", 0, "client_output_buffer_limit_disconnections", t.dropped.Load(),
		"keyspace_hits", t.hits.Load(), "keyspace_misses", t.misses.Load(), "total_error_replies", t.errors.Load())
}

func infoReplication(*Server) string {
	return lines("role", "master", "connected_slaves", 0, "master_failover_state", "no-failover", "repl_backlog_active", 0)
}

func infoCluster(*Server) string { return lines("cluster_enabled", 0) }

func kbps(r *rate) string { return fmt.Sprintf("%.2f", float64(r.perSecond())/1024) }

func infoErrors(s *Server) string {
	var b strings.Builder
	codes := s.stats.byCode.all()
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(&b, "errorstat_%s:count=%d\r\n", code, codes[code])
	}
	return b.String()
}

func infoLatencies(s *Server) string {
	var b strings.Builder
	for i, c := range table.all {
		var l Latencies
		if s.counts[i].latency.addTo(&l); l.Count() == 0 {
			continue
		}
		us := func(q float64) float64 { return float64(l.Quantile(q)) / 1000 }
		fmt.Fprintf(&b, "latency_percentiles_usec_%s:p50=%.3f,p99=%.3f,p99.9=%.3f\r\n", c.name, us(0.5), us(0.99), us(0.999))
	}
	return b.String()
}

func infoCPU(*Server) string {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	seconds := func(t syscall.Timeval) string { return fmt.Sprintf("%d.%06d", t.Sec, t.Usec) }
	var children syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children)
	return lines("used_cpu_sys", seconds(u.Stime), "used_cpu_user", seconds(u.Utime),
		"used_cpu_sys_children", seconds(children.Stime), "used_cpu_user_children", seconds(children.Utime))
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
