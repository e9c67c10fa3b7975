package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/iterator"
)

// Each is compared with its twins in Go: a loop of Next, and one over chunks, which is as fast as Go gets.

const pushdownRows = 300_000

type pushdownBench struct {
	*testing.B
	db *engine.DB
}

func newPushdownBench(b *testing.B) pushdownBench { return pushdownBench{b, benchDB(b, pushdownRows)} }

func (b pushdownBench) must(rows int, err error) {
	if rows != pushdownRows || err != nil {
		b.Fatal(rows, err)
	}
}

// next calls f for each row, with copies only where a twin needs bytes: it gets the iterator.
func (b pushdownBench) next(o *engine.IterOptions, f func(it *iterator.Iterator)) {
	it, err := b.db.NewIter(o)
	if err != nil {
		b.Fatal(err)
	}
	for it.Next() {
		f(it)
	}
	if err := it.Close(); err != nil {
		b.Fatal(err)
	}
}

func (b pushdownBench) chunks(o *engine.IterOptions, f func(key, value []byte)) {
	it, err := b.db.NewIter(o)
	if err != nil {
		b.Fatal(err)
	}
	var c iterator.Chunk
	for it.NextChunk(&c) {
		for i := range c.Len() {
			f(c.Key(i), c.Value(i))
		}
	}
	if err := it.Close(); err != nil {
		b.Fatal(err)
	}
}

func (b pushdownBench) contest(what string, ways ...way) {
	contest{title: fmt.Sprintf("%s of %d rows, 16/100 bytes, in cache", what, pushdownRows), units: pushdownRows, unit: "row", ways: ways}.run(b.B)
}

func BenchmarkPushdownCount(b *testing.B) {
	p := newPushdownBench(b)
	p.contest("Count",
		way{"C loop, one call", "", func() {
			it := engine.BareIter(p.db)
			defer it.Free()
			c := it.Count(cbridge.MoveFirst, math.MaxInt64)
			p.must(int(c.Rows), c.Err)
		}},
		way{"Count", "1.00", func() {
			rows, _, _, err := engine.Count(nil, p.db, nil)
			p.must(int(rows), err)
		}},
		way{"Next", ">= 1.15", func() {
			rows := 0
			p.next(nil, func(it *iterator.Iterator) { rows++; sink += it.KeyLen() + it.ValueLen() })
			p.must(rows, nil)
		}},
		way{"NextChunk", "", func() {
			rows := 0
			p.chunks(nil, func(key, value []byte) { rows++; sink += len(key) + len(value) })
			p.must(rows, nil)
		}})
}

func BenchmarkPushdownSizes(b *testing.B) {
	p := newPushdownBench(b)
	p.contest("Size histograms",
		way{"SizesOf", "", func() {
			s, err := engine.SizesOf(nil, p.db, nil)
			p.must(int(s.Keys.Count()), err)
		}},
		way{"Next", "", func() {
			var s engine.Sizes
			p.next(nil, func(it *iterator.Iterator) { s.Keys.Add(it.KeyLen()); s.Values.Add(it.ValueLen()) })
			p.must(int(s.Keys.Count()), nil)
		}},
		way{"NextChunk", "", func() {
			var s engine.Sizes
			p.chunks(nil, func(key, value []byte) { s.Keys.Add(len(key)); s.Values.Add(len(value)) })
			p.must(int(s.Keys.Count()), nil)
		}})
}

func BenchmarkPushdownChecksum(b *testing.B) {
	p := newPushdownBench(b)
	p.contest("Checksum",
		way{"Checksum", "", func() {
			c, err := engine.Checksum(nil, p.db, nil)
			p.must(int(c.Rows), err)
		}},
		way{"Next", "", func() {
			var c engine.RangeChecksum
			var key, value []byte
			p.next(nil, func(it *iterator.Iterator) {
				key, value = it.AppendKey(key[:0]), it.AppendValue(value[:0])
				c.Add(key, value)
			})
			p.must(int(c.Rows), nil)
		}},
		way{"NextChunk", "", func() {
			var c engine.RangeChecksum
			p.chunks(nil, c.Add)
			p.must(int(c.Rows), nil)
		}})
}

func BenchmarkPushdownPrefixStats(b *testing.B) {
	p := newPushdownBench(b)
	for name, length := range map[string]int{"256 rows a prefix": 15, "a row a prefix": 16} {
		rule := engine.PrefixBytes(length)
		b.Run(name, func(b *testing.B) {
			p := pushdownBench{b, p.db}
			twin := func(rows *int) func(key, value []byte) {
				var last engine.PrefixStat
				return func(key, value []byte) {
					if x := rule.Of(key); *rows == 0 || !bytes.Equal(x, last.Prefix) {
						last = engine.PrefixStat{Prefix: bytes.Clone(x)}
					}
					last.Rows++
					last.KeyBytes += int64(len(key))
					last.ValueBytes += int64(len(value))
					*rows++
				}
			}
			p.contest("Prefix statistics, "+name,
				way{"PrefixStats", "", func() {
					rows := 0
					stats, done := engine.PrefixStats(nil, p.db, nil, rule)
					for s := range stats {
						rows += int(s.Rows)
					}
					p.must(rows, done())
				}},
				way{"Next", "", func() {
					rows := 0
					f := twin(&rows)
					var key []byte
					p.next(nil, func(it *iterator.Iterator) {
						key = it.AppendKey(key[:0])
						f(key, nil)
						sink += it.ValueLen()
					})
					p.must(rows, nil)
				}},
				way{"NextChunk", "", func() {
					rows := 0
					p.chunks(nil, twin(&rows))
					p.must(rows, nil)
				}})
		})
	}
}

func BenchmarkPushdownEdges(b *testing.B) {
	db := benchDB(b, pushdownRows)
	const calls = 5000
	for name, pushed := range map[string]func(context.Context, engine.Reader, *engine.IterOptions) ([]byte, error){
		"first": engine.FirstKey, "last": engine.LastKey,
	} {
		b.Run(name, func(b *testing.B) {
			ranges := make([]engine.IterOptions, calls)
			for i := range ranges {
				at := i * 7919 % (pushdownRows - 100)
				ranges[i] = engine.IterOptions{LowerBound: benchKey(nil, at), UpperBound: benchKey(nil, at+50)}
			}
			contest{title: "The " + name + " key of a range of 50 rows, in cache", units: calls, unit: "call", ways: []way{
				{"pushed down", "", func() {
					for i := range ranges {
						if k, err := pushed(nil, db, &ranges[i]); len(k) != 16 || err != nil {
							b.Fatal(k, err)
						}
					}
				}},
				{"iterator", "", func() {
					for i := range ranges {
						it, err := db.NewIter(&ranges[i])
						if err != nil {
							b.Fatal(err)
						}
						if name == "first" {
							it.First()
						} else {
							it.Last()
						}
						k := it.Key()
						if err := it.Close(); len(k) != 16 || err != nil {
							b.Fatal(k, err)
						}
					}
				}},
			}}.run(b)
		})
	}
}

func BenchmarkPushdownSplits(b *testing.B) {
	p := newPushdownBench(b)
	const parts, row = 16, 116
	p.contest("16 exact splits",
		way{"ExactSplits", "", func() {
			keys, err := engine.ExactSplits(nil, p.db, nil, parts)
			if len(keys) != parts-1 || err != nil {
				b.Fatal(len(keys), err)
			}
		}},
		way{"Next", "", func() {
			var keys [][]byte
			total, passed := 0, 0
			p.next(nil, func(it *iterator.Iterator) { total += it.KeyLen() + it.ValueLen() })
			p.next(nil, func(it *iterator.Iterator) {
				if passed*parts >= (len(keys)+1)*total && len(keys) < parts-1 {
					keys = append(keys, it.Key())
				}
				passed += it.KeyLen() + it.ValueLen()
			})
			if len(keys) != parts-1 || total != row*pushdownRows {
				b.Fatal(len(keys), total)
			}
		}},
		way{"NextChunk", "", func() {
			var keys [][]byte
			total, passed := 0, 0
			p.chunks(nil, func(key, value []byte) { total += len(key) + len(value) })
			p.chunks(nil, func(key, value []byte) {
				if passed*parts >= (len(keys)+1)*total && len(keys) < parts-1 {
					keys = append(keys, bytes.Clone(key))
				}
				passed += len(key) + len(value)
			})
			if len(keys) != parts-1 {
				b.Fatal(len(keys))
			}
		}})
}

func BenchmarkPushdownFilter(b *testing.B) {
	p := newPushdownBench(b)
	for name, filter := range map[string]*engine.Predicate{
		"0.4% by the last byte of the key": engine.RowKey.HasSuffix([]byte{7}),
		"0.4% by a byte of the value":      engine.RowValue.At(50, engine.Equal, []byte{7}),
		"0.15% by a search in the value":   engine.RowValue.Contains([]byte{7, 7}),
		"all, by three tests":              engine.And(engine.RowKey.HasPrefix([]byte("row")), engine.RowKey.Length(16, 16), engine.RowValue.Length(1, -1)),
	} {
		b.Run(name, func(b *testing.B) {
			p := pushdownBench{b, p.db}
			want := -1
			same := func(rows int) {
				if want < 0 {
					want = rows
				}
				if rows != want || rows == 0 {
					b.Fatal(rows, want)
				}
			}
			p.contest("Filter that keeps "+name,
				way{"Filter and Next", "", func() {
					rows := 0
					p.next(&engine.IterOptions{Filter: filter}, func(it *iterator.Iterator) { rows++ })
					same(rows)
				}},
				way{"Filter and NextChunk", "", func() {
					rows := 0
					p.chunks(&engine.IterOptions{Filter: filter}, func(key, value []byte) { rows++ })
					same(rows)
				}},
				way{"Filter and Count", "", func() {
					rows, _, _, err := engine.Count(nil, p.db, &engine.IterOptions{Filter: filter})
					if err != nil {
						b.Fatal(err)
					}
					same(int(rows))
				}},
				way{"Next and Match", "", func() {
					rows := 0
					var key, value []byte
					p.next(nil, func(it *iterator.Iterator) {
						key, value = it.AppendKey(key[:0]), it.AppendValue(value[:0])
						if filter.Match(key, value) {
							rows++
						}
					})
					same(rows)
				}},
				way{"NextChunk and Match", "", func() {
					rows := 0
					p.chunks(nil, func(key, value []byte) {
						if filter.Match(key, value) {
							rows++
						}
					})
					same(rows)
				}})
		})
	}
}

// BenchmarkPushdownWrites fills a family and empties it again, by turns in C and in Go.
func BenchmarkPushdownWrites(b *testing.B) {
	p := newPushdownBench(b)
	to, err := p.db.CreateColumnFamily("copy", &engine.FamilyOptions{Compression: engine.NoCompression})
	if err != nil {
		b.Fatal(err)
	}
	noLog := &engine.WriteOptions{DisableWAL: true}
	write := func(batch *engine.Batch, least int) {
		if batch.Count() > least {
			if err := p.db.Write(batch, noLog); err != nil {
				b.Fatal(err)
			}
			batch.Reset()
		}
	}
	p.contest("Copies and deletions",
		way{"CopyRange", "", func() {
			rows, _, err := engine.CopyRange(nil, p.db, nil, to, noLog)
			p.must(int(rows), err)
		}},
		way{"DeleteWhere", "", func() {
			rows, err := engine.DeleteWhere(nil, to, nil, noLog)
			p.must(int(rows), err)
		}},
		way{"NextChunk and Put", "", func() {
			batch := p.db.NewBatch()
			p.chunks(nil, func(key, value []byte) {
				batch.In(to).Put(key, value)
				write(batch, 4096)
			})
			write(batch, 0)
		}},
		way{"NextChunk and Delete", "", func() {
			batch, rows := p.db.NewBatch(), 0
			it, err := to.NewIter(&engine.IterOptions{KeysOnly: true})
			if err != nil {
				b.Fatal(err)
			}
			var c iterator.Chunk
			for it.NextChunk(&c) {
				for i := range c.Len() {
					batch.In(to).Delete(c.Key(i))
					write(batch, 4096)
					rows++
				}
			}
			write(batch, 0)
			p.must(rows, it.Close())
		}})
}
