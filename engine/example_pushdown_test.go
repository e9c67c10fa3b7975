package engine_test

import (
	"context"
	"fmt"
	"log"

	"github.com/rockbridge-db/rockbridge/engine"
)

// Rows that a filter does not keep never come to Go.
func ExamplePredicate() {
	db, closeDB := opened(nil)
	defer closeDB()
	for _, row := range [][2]string{{"user:1", "Ada, admin"}, {"user:2", "Bob, guest"}, {"user:3", "Eve, admin"}} {
		db.Put([]byte(row[0]), []byte(row[1]), nil)
	}
	admins := engine.And(
		engine.RowValue.HasSuffix([]byte(", admin")),
		engine.Not(engine.RowKey.Is(engine.Equal, []byte("user:1"))),
	)
	rows, done := engine.Scan(db, &engine.IterOptions{Prefix: []byte("user:"), Filter: admins})
	for key, value := range rows {
		fmt.Printf("%s: %s\n", key, value)
	}
	if err := done(); err != nil {
		log.Fatal(err)
	}
	// Output: user:3: Eve, admin
}

func ExampleSizesOf() {
	db, closeDB := opened(nil)
	defer closeDB()
	for i := range 100 {
		db.Put(fmt.Appendf(nil, "key%02d", i), make([]byte, i), nil)
	}
	s, err := engine.SizesOf(context.Background(), db, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("keys:", s.Keys.Count(), "of", s.Keys.Max(), "bytes")
	fmt.Println("values: median", s.Values.Quantile(0.5), "largest", s.Values.Max())
	// Output:
	// keys: 100 of 5 bytes
	// values: median 49 largest 99
}

// Two copies of the same rows have the same checksum, wherever they lie.
func ExampleChecksum() {
	db, closeDB := opened(nil)
	defer closeDB()
	copied, closeCopy := opened(nil)
	defer closeCopy()
	db.Put([]byte("a"), []byte("1"), nil)
	db.Put([]byte("b"), []byte("2"), nil)
	to, _ := copied.ColumnFamily("default")
	if _, _, err := engine.CopyRange(context.Background(), db, nil, to, nil); err != nil {
		log.Fatal(err)
	}
	one, err := engine.Checksum(context.Background(), db, nil)
	if err != nil {
		log.Fatal(err)
	}
	two, err := engine.Checksum(context.Background(), copied, nil)
	fmt.Println(one == two, one.Rows, err)
	// Output: true 2 <nil>
}

func ExamplePrefixStats() {
	db, closeDB := opened(nil)
	defer closeDB()
	for _, key := range []string{"song/1", "song/2", "user/1"} {
		db.Put([]byte(key), []byte("value"), nil)
	}
	stats, done := engine.PrefixStats(context.Background(), db, nil, engine.PrefixUpTo('/'))
	for s := range stats {
		fmt.Printf("%s %d rows, %d bytes\n", s.Prefix, s.Rows, s.KeyBytes+s.ValueBytes)
	}
	if err := done(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// song/ 2 rows, 22 bytes
	// user/ 1 rows, 11 bytes
}

func ExampleFirstKey() {
	db, closeDB := opened(nil)
	defer closeDB()
	for _, key := range []string{"a", "b1", "b2", "c"} {
		db.Put([]byte(key), nil, nil)
	}
	o := &engine.IterOptions{Prefix: []byte("b")}
	first, err := engine.FirstKey(context.Background(), db, o)
	if err != nil {
		log.Fatal(err)
	}
	last, err := engine.LastKey(context.Background(), db, o)
	fmt.Printf("%s %s %v\n", first, last, err)
	// Output: b1 b2 <nil>
}

func ExampleExactSplits() {
	db, closeDB := opened(nil)
	defer closeDB()
	for i := range 1000 {
		db.Put(fmt.Appendf(nil, "%03d", i), []byte("value"), nil)
	}
	keys, err := engine.ExactSplits(context.Background(), db, nil, 4)
	fmt.Printf("%s %v\n", keys, err)
	// Output: [250 500 750] <nil>
}

func ExampleDeleteWhere() {
	db, closeDB := opened(nil)
	defer closeDB()
	for i := range 100 {
		db.Put(fmt.Appendf(nil, "job/%02d", i), fmt.Appendf(nil, "state=%d", i%4), nil)
	}
	c, _ := db.ColumnFamily("default")
	done := &engine.IterOptions{Prefix: []byte("job/"), Filter: engine.RowValue.Is(engine.Equal, []byte("state=3"))}
	deleted, err := engine.DeleteWhere(context.Background(), c, done, engine.Sync)
	fmt.Println(deleted, err)
	// Output: 25 <nil>
}

func ExampleCopyRange() {
	db, closeDB := opened(nil)
	defer closeDB()
	for i := range 100 {
		db.Put(fmt.Appendf(nil, "%02d", i), []byte("value"), nil)
	}
	archive, err := db.CreateColumnFamily("archive", nil)
	if err != nil {
		log.Fatal(err)
	}
	rows, size, err := engine.CopyRange(context.Background(), db, &engine.IterOptions{UpperBound: []byte("50")}, archive, nil)
	fmt.Println(rows, size, err)
	// Output: 50 350 <nil>
}

func ExamplePrefixBytes() {
	db, closeDB := opened(nil)
	defer closeDB()
	for _, key := range []string{"de-ulm", "pe-cusco", "pe-lima"} {
		db.Put([]byte(key), nil, nil)
	}
	country := engine.PrefixBytes(2)
	fmt.Printf("%s\n", country.Of([]byte("pe-lima")))
	stats, done := engine.PrefixStats(context.Background(), db, nil, country)
	for s := range stats {
		fmt.Printf("%s %d\n", s.Prefix, s.Rows)
	}
	fmt.Println(done())
	// Output:
	// pe
	// de 1
	// pe 2
	// <nil>
}
