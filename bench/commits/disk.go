package commits

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rockbridge-db/rockbridge/bench/program"
)

// Disk is what fdatasync costs on a file system after a write of a commit's size.
type Disk struct {
	Growing, Written Latency // at the end of a file; inside a file whose blocks were written before
}

// Latency is a distribution in short.
type Latency struct{ P50, P99 time.Duration }

const (
	probeTime  = 300 * time.Millisecond
	probeWrite = 150
	probeFile  = 4 << 20
)

// ProbeDisk measures the file system of dir.
func ProbeDisk(dir string) (d Disk, err error) {
	for _, p := range []struct {
		size int
		to   *Latency
	}{{0, &d.Growing}, {probeFile, &d.Written}} {
		if *p.to, err = probe(dir, p.size); err != nil {
			return d, err
		}
	}
	return d, nil
}

// probe writes over the first size bytes, again and again, or with 0 on and on.
func probe(dir string, size int) (l Latency, err error) {
	f, err := os.CreateTemp(dir, "probe")
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, size)); err != nil {
		return l, err
	}
	if err := f.Sync(); err != nil {
		return l, err
	}
	var times program.Histogram
	buf := make([]byte, probeWrite)
	at := 0
	for end := time.Now().Add(probeTime); time.Now().Before(end); {
		if _, err := f.WriteAt(buf, int64(at)); err != nil {
			return l, err
		}
		if at += probeWrite; size > 0 {
			at %= size - probeWrite
		}
		begin := time.Now()
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return l, err
		}
		times.Add(time.Since(begin))
	}
	return Latency{times.Percentile(50), times.Percentile(99)}, nil
}
