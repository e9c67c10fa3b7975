package server

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Server answers clients that speak Redis's protocol, out of a database. New makes one; Serve may be called for several
// listeners. All methods are safe for concurrent use.
type Server struct {
	db   *engine.DB
	keys *engine.ColumnFamily
	log  *slog.Logger
	conf *settings

	locks   locks
	watches watches
	cursors cursors
	slow    slowLog
	stats   stats
	counts  []commandStats // by command.number
	refusal atomic.Pointer[refusal]
	largest atomic.Int64 // bytes of the largest row that was seen, if above smallRow
	sizes   sizes

	toldFailure atomic.Int64 // nanoseconds since 1970 of the last line about a write that failed
	saves       saves
	expired     expiredKeys
	id          string // of this run

	mu         sync.Mutex
	clients    map[int64]*client
	listeners  map[net.Listener]struct{}
	nextID     int64
	closing    bool
	working    sync.WaitGroup // clients
	stop       context.CancelFunc
	life       context.Context
	background sync.WaitGroup
}

// Options say how to open the database of a Server: the family of keys has to have the filter of expiry. What o leaves open of memtables
// and filters is chosen for single keys at random: small memtables, as their search goes through memory that no cache of the
// processor holds, with filters, as have the tables, whose blocks are not searched but have a table of hashes.
func Options(o engine.Options) *engine.Options {
	o.CompactionFilter = engine.TTLFilter
	if o.WriteBufferSize == 0 {
		o.WriteBufferSize = 8 << 20
	}
	if o.BloomBitsPerKey == 0 {
		o.BloomBitsPerKey = 10
	}
	if o.FamilyOptions.Extra == "" {
		o.FamilyOptions.Extra = "memtable_whole_key_filtering=true;memtable_prefix_bloom_size_ratio=0.05;" +
			"block_based_table_factory={data_block_index_type=kDataBlockBinaryAndHash}"
	}
	return &o
}

// New makes a Server over a database that was opened with Options. It stays the caller's, who closes it after
// Shutdown. An error names the setting that is wrong.
func New(db *engine.DB, c Config) (*Server, error) {
	conf, err := newSettings(c)
	if err != nil {
		return nil, err
	}
	keys, err := db.ColumnFamily("default")
	if err != nil {
		return nil, err
	}
	s := &Server{
		db: db, keys: keys, log: c.Logger, conf: conf, id: newRunID(),
		clients: map[int64]*client{}, listeners: map[net.Listener]struct{}{},
	}
	commands()
	s.counts = make([]commandStats, len(table.all))
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.slow.conf = conf
	s.expired.queue = make(chan []byte, maxExpired)
	s.locks.seed = maphash.MakeSeed()
	s.stats.began = time.Now()
	s.life, s.stop = context.WithCancel(context.Background())
	s.background.Go(s.syncEverySecond)
	s.background.Go(s.measure)
	s.background.Go(s.deleteExpired)
	return s, nil
}

// ErrServerClosed is the answer of Serve after Shutdown.
var ErrServerClosed = errors.New("server: closed")

// Serve takes clients from a listener, which may be one of TLS, until Shutdown, which closes it, and then answers
// ErrServerClosed. Other errors are those of the listener.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		l.Close()
		return ErrServerClosed
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	defer s.forget(l)
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = 0
			s.welcome(conn)
			continue
		}
		if s.life.Err() != nil || errors.Is(err, net.ErrClosed) {
			return ErrServerClosed
		}
		var passing net.Error
		if !errors.As(err, &passing) || !passing.Timeout() && !tooManyFiles(err) {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.log.Warn("no client could be taken", slog.Any("error", err))
		time.Sleep(pause)
	}
}

// welcome begins to serve a client, unless there are too many.
func (s *Server) welcome(conn net.Conn) {
	s.mu.Lock()
	full := len(s.clients) >= s.conf.maxClients()
	if s.closing || full {
		s.mu.Unlock()
		if full {
			s.stats.turned.Add(1)
			s.log.Debug("a client was turned away: there are too many")
			go turnAway(conn) // with TLS it takes as long as the other side wants
			return
		}
		conn.Close()
		return
	}
	s.nextID++
	c := newClient(s, conn, s.nextID)
	s.clients[c.id] = c
	s.working.Add(1)
	s.mu.Unlock()
	s.stats.connections.Add(1)
	s.debug("a client came", c)
	go c.serve()
}

// turnAway tells a client that there are too many.
func turnAway(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	conn.Write([]byte("-" + string(errMaxClients) + "\r\n"))
}

func (s *Server) forget(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// debug logs what concerns a client.
func (s *Server) debug(what string, c *client) {
	if s.log.Enabled(s.life, slog.LevelDebug) {
		s.log.Debug(what, slog.Int64("client", c.id), slog.String("address", c.conn.RemoteAddr().String()))
	}
}

// left forgets a client.
func (s *Server) left(c *client) {
	s.debug("a client left", c)
	s.watches.drop(c)
	s.mu.Lock()
	delete(s.clients, c.id)
	s.mu.Unlock()
	s.working.Done()
}

// Shutdown takes no more clients, lets commands under way come to their end and be answered, ends all connections, and
// syncs what was written to disk. What was acknowledged is not lost. When ctx ends first, connections are cut, and
// its error is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for l := range s.listeners {
		l.Close()
	}
	for _, c := range s.clients {
		c.leave()
	}
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() { s.working.Wait(); close(gone) }()
	var cut error
	select {
	case <-gone:
	case <-ctx.Done():
		cut = ctx.Err()
		s.mu.Lock()
		for _, c := range s.clients {
			c.conn.Close()
		}
		s.mu.Unlock()
		<-gone
	}
	s.stop()
	s.background.Wait()
	return errors.Join(cut, s.db.SyncWAL())
}

// write commits, as durably as the configuration says.
func (s *Server) write(b *engine.Batch) error {
	o := unsynced
	if s.conf.sync() == syncAlways {
		o = synced
	}
	err := s.db.Write(b, o)
	s.noteWrite(err)
	return err
}

// Commits wait for those of other clients that are ready.
var (
	unsynced = &engine.WriteOptions{Gather: true}
	synced   = &engine.WriteOptions{Gather: true, Sync: true}
)

// writeFailure is what a client is told of a write that failed: clients know the word from a Redis whose file of changes
// cannot be written.
func (s *Server) writeFailure(err error) failure {
	s.stats.refused.Add(1)
	s.tellFailure(err)
	why := cleanError("MISCONF Errors writing to the AOF file: " + err.Error())
	s.stats.failed(why)
	return why
}

// tellFailure tells the log of a write that failed, once a second: all do while the disk is full, which the log may be on.
func (s *Server) tellFailure(err error) {
	now, last := time.Now().UnixNano(), s.toldFailure.Load()
	if last != 0 && now-last < int64(time.Second) || !s.toldFailure.CompareAndSwap(last, now) {
		return
	}
	s.log.Error("a write failed", slog.Any("error", err), slog.Int64("so_far", s.stats.refused.Load()))
}

// syncLog syncs what was written; false if it could not.
func (s *Server) syncLog() bool {
	err := s.db.SyncWAL()
	if err != nil && !errors.Is(err, engine.ErrClosed) {
		s.log.Error("the log could not be synced", slog.Any("error", err))
	}
	return err == nil
}

// syncEverySecond is what "appendfsync everysec" means, or as often as appendfsync-interval says, if there was a write. A change of
// that counts within a second.
func (s *Server) syncEverySecond() {
	last, synced := time.Now(), s.db.LatestSequence()
	timer := time.NewTimer(min(s.conf.interval(), time.Second))
	defer timer.Stop()
	for {
		select {
		case <-s.life.Done():
			return
		case <-timer.C:
		}
		if time.Since(last) >= s.conf.interval() {
			last = time.Now()
			if now := s.db.LatestSequence(); now != synced && s.conf.sync() == syncEverySecond && s.syncLog() {
				synced = now
			}
		}
		timer.Reset(max(time.Millisecond, min(s.conf.interval()-time.Since(last), time.Second)))
	}
}
