package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

// How keys are loaded: by as many connections, in pipelines of as many SETs.
const (
	loaders    = 8
	loadBehind = 500
)

// key is the n-th of those that redis-benchmark asks for, of 16 bytes.
func key(n int) string { return fmt.Sprintf("key:%012d", n) }

// load sets keys 0 to n, each to other bytes that do not compress.
func load(ctx context.Context, address string, n, value int) error {
	var all sync.WaitGroup
	failed := make([]error, loaders)
	for id := range loaders {
		all.Go(func() { failed[id] = loadSome(ctx, address, n*id/loaders, n*(id+1)/loaders, value) })
	}
	all.Wait()
	return errors.Join(failed...)
}

func loadSome(ctx context.Context, address string, from, to, value int) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	random := rand.NewChaCha8([32]byte{byte(from), byte(from >> 8), byte(from >> 16), byte(from >> 24)})
	body := make([]byte, value)
	var request []byte
	for from < to && ctx.Err() == nil {
		some := min(to-from, loadBehind)
		request = request[:0]
		for i := range some {
			_, _ = random.Read(body) // it never fails
			request = appendSet(request, key(from+i), body)
		}
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		if err := exchange(c, request, some); err != nil {
			return err
		}
		from += some
	}
	return ctx.Err()
}

func appendSet(b []byte, key string, value []byte) []byte {
	b = fmt.Appendf(b, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$", len(key), key)
	b = append(strconv.AppendInt(b, int64(len(value)), 10), "\r\n"...)
	return append(append(b, value...), "\r\n"...)
}

// exchange sends requests and wants as many times OK. Both sides' buffers hold the answers of a pipeline, so nobody waits for the other.
func exchange(c io.ReadWriter, requests []byte, n int) error {
	if _, err := c.Write(requests); err != nil {
		return err
	}
	const ok = "+OK\r\n"
	answers := make([]byte, n*len(ok))
	read, err := io.ReadFull(c, answers)
	for at := 0; at < read; at += len(ok) {
		if string(answers[at:min(at+len(ok), read)]) != ok[:min(len(ok), read-at)] {
			return fmt.Errorf("an answer to SET is %q", answers[at:min(at+100, read)])
		}
	}
	return err
}
