package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// stallChild has sixteen goroutines write with every combination of options to a database whose writes
// are slowed down and stopped all the time. A write that would have to wait and may not is refused and
// changes nothing; all others are there in the end.
func stallChild(args []string) {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	must(err)
	dir := filepath.Join(args[0], "db")
	o := &engine.Options{
		FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10},
		Families:      map[string]engine.FamilyOptions{"f": {WriteBufferSize: 64 << 10}},
		Extra: "max_background_jobs=2;delayed_write_rate=1000000;level0_file_num_compaction_trigger=2;" +
			"level0_slowdown_writes_trigger=3;level0_stop_writes_trigger=5;max_write_buffer_number=2",
	}
	modes := writeModes[args[2]]
	o.PipelinedWrite, o.UnorderedWrite = modes.PipelinedWrite, modes.UnorderedWrite
	db, err := engine.Open(dir, o)
	must(err)
	families := db.ColumnFamilies()
	r := rand.New(rand.NewPCG(seed, 0))
	end := time.Now().Add(time.Second)
	acked := make([]map[string]int, 16)
	var refused, written atomic.Int64
	var wg sync.WaitGroup
	for w := range acked {
		rnd := rand.New(rand.NewPCG(r.Uint64(), 0))
		acked[w] = map[string]int{}
		wg.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				key, size := fmt.Sprintf("%d/%d", w, n), rnd.IntN(3000)
				if rnd.IntN(50) == 0 {
					size = 200_000
				}
				switch err := stalledWrite(db, families, rnd, []byte(key), make([]byte, size)); {
				case err == nil:
					acked[w][key] = size
					written.Add(1)
				case errors.Is(err, engine.ErrWouldBlock):
					refused.Add(1)
				default:
					must(err)
				}
			}
		})
	}
	wg.Wait()
	for range 2 {
		for _, rows := range acked {
			for key, size := range rows {
				for _, c := range families {
					v, err := c.Get([]byte(key), nil)
					must(err)
					if len(v) != size {
						must(fmt.Errorf("%s is of %d bytes, %d were written", key, len(v), size))
					}
				}
			}
		}
		for _, c := range families {
			n, _, _, err := engine.Count(nil, c, nil)
			must(err)
			if n != written.Load() {
				must(fmt.Errorf("%d rows, %d were acknowledged", n, written.Load()))
			}
		}
		must(db.Close())
		db, err = engine.Open(dir, nil)
		must(err)
		families = db.ColumnFamilies()
	}
	must(db.Close())
	fmt.Println(refused.Load(), written.Load())
}

// stalledWrite puts a row into all the families, with random options.
func stalledWrite(db *engine.DB, families []*engine.ColumnFamily, r *rand.Rand, key, value []byte) error {
	o := &engine.WriteOptions{NoSlowdown: r.IntN(3) == 0, LowPriority: r.IntN(3) == 0}
	switch r.IntN(6) {
	case 0:
		o.Sync = true
	case 1:
		o.DisableWAL = true
	}
	b := db.NewBatch()
	for _, c := range families {
		if err := b.In(c).Put(key, value); err != nil {
			return err
		}
	}
	return db.Write(b, o)
}

func TestWritesOfEveryKindWhileWritesAreStalled(t *testing.T) {
	_, seed := seededRand(t, "close.seed", *closeSeed)
	for mode := range writeModes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			out, err := runChild(t, "stall", t.TempDir(), strconv.FormatUint(seed, 10), mode)
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, out.head())
			}
			t.Logf("refused and written: %s", out.stdout)
		})
	}
}
