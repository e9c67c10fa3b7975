package server

import "time"

// transaction is what was queued between MULTI and EXEC.
type transaction struct {
	calls []call
	bytes int
	bad   bool // a command was refused: EXEC will do nothing
}

// add copies the arguments: the buffer that they lie in is filled again.
func (t *transaction) add(cmd *command, args [][]byte) {
	size := 0
	for _, a := range args {
		size += len(a)
	}
	own := make([]byte, 0, size)
	copied := make([][]byte, len(args))
	for i, a := range args {
		from := len(own)
		own = append(own, a...)
		copied[i] = own[from:len(own):len(own)]
	}
	t.bytes += size + 24*len(args)
	t.calls = append(t.calls, call{cmd: cmd, args: copied})
}

func transactionCommands() []*command {
	return []*command{
		{name: "multi", arity: 1, flags: fast | immediate, since: "1.2.0", summary: "Begins a transaction: commands are queued.", run: multi},
		{name: "exec", arity: 1, flags: immediate, since: "1.2.0", summary: "Executes what was queued, all at once.", run: execute},
		{name: "discard", arity: 1, flags: fast | immediate, since: "2.0.0", summary: "Forgets what was queued.", run: discard},
		{name: "watch", arity: -2, flags: fast | immediate, since: "2.2.0", args: "key [key ...]", summary: "Has EXEC do nothing if one of the keys changes before it.", run: watch},
		{name: "unwatch", arity: 1, flags: fast, since: "2.2.0", summary: "Watches no key any more.", run: unwatch},
	}
}

func multi(x *exec, _ [][]byte) error {
	if x.c.queue != nil {
		return failure("ERR MULTI calls can not be nested")
	}
	x.c.queue = &transaction{}
	x.out.ok()
	return nil
}

func discard(x *exec, _ [][]byte) error {
	if x.c.queue == nil {
		return failure("ERR DISCARD without MULTI")
	}
	x.c.endTransaction()
	x.out.ok()
	return nil
}

// endTransaction forgets what was queued and watched.
func (c *client) endTransaction() {
	c.queue = nil
	c.server.watches.drop(c)
	c.spoiled.Store(false)
}

func unwatch(x *exec, _ [][]byte) error {
	x.s.watches.drop(x.c)
	x.c.spoiled.Store(false)
	x.out.ok()
	return nil
}

// watch remembers keys, and until when what they hold does. A key is watched before it is read, so that no change falls in
// between.
func watch(x *exec, args [][]byte) error {
	if x.c.queue != nil {
		return failure("ERR WATCH inside MULTI is not allowed")
	}
	for _, key := range args[1:] {
		s := x.slot(key)
		full := string(s.key)
		x.c.watching = append(x.c.watching, watched{key: full})
		x.s.watches.add(x.c, full)
		if !s.loaded {
			if err := x.loadAtOnce([]int{s.at}); err != nil {
				x.c.endTransaction()
				return err
			}
		}
		if s = &x.slots[s.at]; s.there && s.now.expiry != never {
			x.c.watching[len(x.c.watching)-1].expiry = s.now.expiry
		}
	}
	x.out.ok()
	return nil
}

// execute runs what was queued: over one state, at once for all others, unless something watched has changed.
func execute(x *exec, _ [][]byte) error {
	c := x.c
	t := c.queue
	if t == nil {
		return failure("ERR EXEC without MULTI")
	}
	defer c.endTransaction()
	if t.bad {
		return errExecAbort
	}
	var h held
	read := t.lock(x, &h)
	defer h.unlock()
	x.now = time.Now().UnixMilli()
	if c.spoiled.Load() || c.outlived(x.now) {
		x.out.nullArray()
		return nil
	}
	c.queue = nil // commands are executed now
	if len(read) > 0 {
		_ = x.load(read) // what could not be read, its command reads again, and tells
	}
	x.out.array(len(t.calls))
	db := c.db
	for _, call := range t.calls {
		x.call(call)
		if x.memory() > x.s.conf.maxQuery() {
			c.db = db
			return errTransactionMemory
		}
	}
	x.s.stats.commands.Add(int64(len(t.calls)))
	if err := x.commit(); err != nil {
		c.db = db
		return x.s.writeFailure(err)
	}
	return nil
}

// errTransactionMemory is the answer to EXEC when what its commands read and make exceeds what a client may send: none of them counts.
const errTransactionMemory failure = "EXECABORT Transaction discarded because of: it takes more memory than client-query-buffer-limit allows"

// lock takes the locks of all keys that are named, and of those that are watched, and gives the slots that are to be read.
func (t *transaction) lock(x *exec, h *held) (read []int) {
	l := &x.s.locks
	alone := false
	selected := x.db
	for i := range t.calls {
		call := &t.calls[i]
		alone = alone || call.cmd.is(wide) || call.cmd.is(wideWrite)
		if call.cmd.name == "select" {
			if n, ok := x.s.databaseOf(call.args[1]); ok {
				x.db = n
			}
		}
		read = x.foresee(call, true, h, read)
	}
	x.db = selected
	for _, w := range x.c.watching {
		h.stripes = append(h.stripes, stripe(l.hash([]byte(w.key))))
	}
	if alone {
		h.lockAll(l)
	} else {
		h.lock(l)
	}
	return read
}

// outlived tells whether what a watched key held has expired since.
func (c *client) outlived(now int64) bool {
	for _, w := range c.watching {
		if w.expiry != 0 && w.expiry <= now {
			return true
		}
	}
	return false
}
