package engine_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// crashChild writes until it is killed. Its arguments are the directory, a seed, and how to write.
func crashChild(args []string) {
	f, err := os.OpenFile(filepath.Join(args[0], "acks"), os.O_RDWR, 0)
	must(err)
	seed, err := strconv.ParseUint(args[1], 10, 64)
	must(err)
	o := crashOptions()
	switch args[2] {
	case "pipelined":
		o.PipelinedWrite = true
	case "unordered":
		o.UnorderedWrite = true
	case "mapped":
		o.Extra = "allow_mmap_writes=true"
	case "direct":
		o.DirectWrites = true
	}
	db, err := engine.Open(filepath.Join(args[0], "db"), o)
	must(err)
	acks := crashAcks{f}
	r := rand.New(rand.NewPCG(seed, 0))
	for w := range crashWriters {
		go crashWriter(db, acks, w, rand.New(rand.NewPCG(r.Uint64(), 0)), args[2] == "no log")
	}
	if args[2] != "no log" {
		go crashUpkeep(db, rand.New(rand.NewPCG(r.Uint64(), 0)))
		go crashChurn(db, rand.New(rand.NewPCG(r.Uint64(), 0)))
	}
	time.Sleep(2 * time.Minute) // longer than any parent waits
	fmt.Fprintln(os.Stderr, "nobody killed me")
	os.Exit(1)
}

// crashWriter writes one batch after the other and acknowledges each.
func crashWriter(db *engine.DB, acks crashAcks, w int, r *rand.Rand, noLog bool) {
	families := crashFamiliesOf(db)
	last := uint64(0)
	v, err := db.Get(crashLastKey(w), nil)
	if err == nil {
		last = binary.LittleEndian.Uint64(v)
	} else if err != engine.ErrNotFound {
		must(err)
	}
	b := db.NewBatch()
	for n := last + 1; ; n++ {
		b.Reset()
		fillCrashBatch(b, families, w, n)
		o := &engine.WriteOptions{DisableWAL: noLog}
		if !noLog && r.IntN(10) == 0 {
			o = engine.Sync
		}
		must(db.Write(b, o))
		must(acks.set(1+w, n))
		if n == last+1 {
			must(acks.set(0, 1))
		}
	}
}

// crashUpkeep flushes and compacts in between, so that kills meet these too.
func crashUpkeep(db *engine.DB, r *rand.Rand) {
	for {
		time.Sleep(time.Duration(r.IntN(15)) * time.Millisecond)
		switch families := crashFamiliesOf(db); r.IntN(8) {
		case 0:
			must(db.Compact(nil, nil, nil))
		case 1, 2:
			must(db.Flush())
		case 3:
			must(db.SyncWAL())
		default:
			must(families[r.IntN(len(families))].Flush())
		}
	}
}

// crashChurn creates and drops families; those that a kill left over it drops first.
func crashChurn(db *engine.DB, r *rand.Rand) {
	for _, c := range db.ColumnFamilies() {
		if len(c.Name()) > 7 {
			must(db.DropColumnFamily(c))
		}
	}
	for n := 0; ; n++ {
		c, err := db.CreateColumnFamily(fmt.Sprintf("churned %d", n), nil)
		must(err)
		for range r.IntN(20) {
			must(c.Put(binary.LittleEndian.AppendUint64(nil, r.Uint64()), make([]byte, 100), nil))
		}
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		must(db.DropColumnFamily(c))
	}
}
