//go:build ignore

// Program ycsbtrace draws the operations of one of YCSB's workloads with go-ycsb's core workload and writes them into a
// file, which all peers do. So none of go-ycsb's own cost is in what is measured, and everybody does the same.
//
// It is built apart from the rest, with a go.mod of its own in bench/mod: see launch.Trace. The constraint keeps what it
// requires out of the module's own go.mod.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/magiconair/properties"
	"github.com/pingcap/go-ycsb/pkg/measurement"
	_ "github.com/pingcap/go-ycsb/pkg/workload" // registers the core workload
	"github.com/pingcap/go-ycsb/pkg/ycsb"

	"github.com/rockbridge-db/rockbridge/bench/works"
)

// workloads are YCSB's published proportions and distributions. The files that come with go-ycsb ask for uniform keys
// and for scans of one row.
var workloads = map[string]map[string]string{
	"a": {"readproportion": "0.5", "updateproportion": "0.5", "requestdistribution": "zipfian"},
	"b": {"readproportion": "0.95", "updateproportion": "0.05", "requestdistribution": "zipfian"},
	"c": {"readproportion": "1", "updateproportion": "0", "requestdistribution": "zipfian"},
	"d": {"readproportion": "0.95", "updateproportion": "0", "insertproportion": "0.05", "requestdistribution": "latest"},
	"e": {
		"readproportion": "0", "updateproportion": "0", "scanproportion": "0.95", "insertproportion": "0.05",
		"requestdistribution": "zipfian", "maxscanlength": "100", "scanlengthdistribution": "uniform",
	},
	"f": {"readproportion": "0.5", "updateproportion": "0", "readmodifywriteproportion": "0.5", "requestdistribution": "zipfian"},
}

// keyBytes are "user" and a number, filled up with zeros.
const keyBytes = 24

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ycsbtrace:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 || workloads[args[0]] == nil {
		return fmt.Errorf("usage: ycsbtrace a|b|c|d|e|f FILE RECORDS OPERATIONS")
	}
	records, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	operations, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	p := properties.NewProperties()
	for key, value := range workloads[args[0]] {
		p.MustSet(key, value)
	}
	p.MustSet("recordcount", args[2])
	p.MustSet("operationcount", args[3])
	p.MustSet("zeropadding", strconv.Itoa(keyBytes-len("user")))
	p.MustSet("fieldcount", "1")
	p.MustSet("fieldlength", "1") // peers have values of their own
	t, err := draw(p, records, operations)
	if err != nil {
		return err
	}
	return works.WriteTrace(args[1], t)
}

func draw(p *properties.Properties, records, operations int) (*works.Trace, error) {
	measurement.InitMeasure(p)
	w, err := ycsb.GetWorkloadCreator("core").Create(p)
	if err != nil {
		return nil, err
	}
	ctx := w.InitThread(context.Background(), 0, 1)
	load := &recorder{}
	for range records {
		if err := w.DoInsert(ctx, load); err != nil {
			return nil, err
		}
	}
	work := &recorder{}
	for range operations {
		work.begin()
		if err := w.DoTransaction(ctx, work); err != nil {
			return nil, err
		}
	}
	return &works.Trace{KeyBytes: keyBytes, Loaded: load.keys, Kinds: work.kinds, Keys: work.keys, Lengths: work.lengths}, nil
}

// recorder is a database that notes what it is asked for.
type recorder struct {
	kinds   []byte
	keys    []byte
	lengths []uint16
	first   bool // of the calls of an operation
}

func (r *recorder) begin() { r.first = true }

func (r *recorder) note(kind byte, key string, length int) error {
	if len(key) != keyBytes {
		return fmt.Errorf("a key of %d bytes", len(key))
	}
	if !r.first && len(r.kinds) > 0 && kind == works.OpUpdate && r.kinds[len(r.kinds)-1] == works.OpRead {
		r.kinds[len(r.kinds)-1] = works.OpReadModifyWrite // a read and an update of the same operation
		return nil
	}
	r.first = false
	r.kinds = append(r.kinds, kind)
	r.keys = append(r.keys, key...)
	r.lengths = append(r.lengths, uint16(length))
	return nil
}

func (r *recorder) Read(_ context.Context, _, key string, _ []string) (map[string][]byte, error) {
	return nil, r.note(works.OpRead, key, 0)
}

func (r *recorder) Scan(_ context.Context, _, key string, n int, _ []string) ([]map[string][]byte, error) {
	return nil, r.note(works.OpScan, key, n)
}

func (r *recorder) Update(_ context.Context, _, key string, _ map[string][]byte) error {
	return r.note(works.OpUpdate, key, 0)
}

func (r *recorder) Insert(_ context.Context, _, key string, _ map[string][]byte) error {
	return r.note(works.OpInsert, key, 0)
}

func (r *recorder) Delete(context.Context, string, string) error { return fmt.Errorf("a deletion") }

func (r *recorder) Close() error { return nil }

func (r *recorder) InitThread(ctx context.Context, _, _ int) context.Context { return ctx }

func (r *recorder) CleanupThread(context.Context) {}
