package engine_test

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	killRounds = flag.Int("killpoints.rounds", 8, "rounds of the test that dies inside RocksDB; a fifth with -short")
	killSeed   = flag.Uint64("killpoints.seed", 0, "its seed, for all but the timing; 0: a new one each time")
)

const (
	// killSites is how many kill points RocksDB 7.8.3, 9.10.0 and 9.11.2 have on Linux: 7 in files written through
	// memory, 1 in files written past the page cache, 14 elsewhere.
	killSites = 22
	// killSitesWanted have to be met by a run of killRoundsFull rounds or more.
	killSitesWanted, killRoundsFull = 15, 300
)

// killSpares are what a round passes over, so that its child comes to points that are passed rarely, and what the odds
// are divided by then. Tables are written anew every few milliseconds, the log always.
var killSpares = []struct {
	spared string
	part   float64
}{
	{"", 1},
	{"", 1},
	{"WritableFileWriter::Append,WritableFileWriter::WriteBuffered,WritableFileWriter::Flush", 10},
	{"WritableFileWriter::Append,WritableFileWriter::WriteBuffered,WritableFileWriter::Flush,NewWritableFile,PosixMmapFile::Append", 1000},
	{"WritableFileWriter,NewWritableFile,PosixMmapFile,PosixWritableFile", 5000},
}

// killOrderOf chooses where the child of round n is to die. In each fifteenth round it does so after a few batches, and has
// the time for it on any machine.
func killOrderOf(r *rand.Rand, n int) killOrder {
	s, most, patience := killSpares[r.IntN(len(killSpares))], 4.0, 500*time.Millisecond
	if n%15 == 0 {
		s, most, patience = killSpares[0], 0.5, 30*time.Second
	}
	odds := 200 * math.Pow(10, most*r.Float64()) / s.part // from 200 to 2,000,000
	how := []string{"writes", "pipelined", "unordered", "mapped", "mapped", "direct"}[r.IntN(6)]
	return killOrder{max(2, int(odds)), s.spared, how, patience}
}

// A process that writes batches over several families dies inside RocksDB: between two steps that change files, wherever
// these are. What it had acknowledged is there afterwards, batches are whole, and there are no holes.
func TestNothingAcknowledgedIsLostWhereverRocksDBIsKilled(t *testing.T) {
	k := newKillPoints(t)
	rounds := *killRounds
	if testing.Short() {
		rounds = max(1, rounds/5)
	}
	r, seed := seededRand(t, "killpoints.seed", *killSeed)
	dir := t.TempDir()
	var life *crashLife
	batches, sites, inside := uint64(0), map[string]int{}, 0
	for n := range rounds {
		if n%crashLives == 0 {
			if life != nil {
				os.RemoveAll(life.dir)
			}
			life = newCrashLife(t, filepath.Join(dir, strconv.Itoa(n)))
		}
		o := killOrderOf(r, n)
		site := k.run(t, life, r.Uint64(), o)
		if site != "" {
			sites[site]++
			inside++
		}
		acked, err := life.verify(r.IntN(2) == 0)
		if err != nil {
			t.Fatalf("seed %d, round %d, killed at %q, %+v: %v", seed, n, site, o, err)
		}
		if n%crashLives == crashLives-1 || n == rounds-1 {
			batches += acked
		}
	}
	t.Logf("%d rounds, %d of them died inside RocksDB, at %d of its %d kill points; %d batches acknowledged\n%s",
		rounds, inside, len(sites), killSites, batches, siteTable(sites))
	if rounds >= killRoundsFull && len(sites) < killSitesWanted {
		t.Errorf("%d kill points were met in %d rounds, want %d", len(sites), rounds, killSitesWanted)
	}
	if inside == 0 {
		t.Error("no child died inside RocksDB: the test shows nothing")
	}
}

// siteTable lists the kill points that were met, and how often.
func siteTable(sites map[string]int) string {
	var b strings.Builder
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		fmt.Fprintf(&b, "%6d  %s\n", sites[site], site)
	}
	return b.String()
}

// Without the write-ahead log, a death inside RocksDB loses what was acknowledged, and verify notices.
func TestTheKillPointsTestNoticesALoss(t *testing.T) {
	k := newKillPoints(t)
	r, seed := seededRand(t, "killpoints.seed", *killSeed)
	for n := range 20 {
		life := newCrashLife(t, filepath.Join(t.TempDir(), strconv.Itoa(n)))
		site := k.run(t, life, r.Uint64(), killOrder{odds: 2000, how: "no log", patience: 5 * time.Second})
		if site == "" || !life.ready {
			continue
		}
		_, err := life.verify(false)
		if err == nil || !strings.Contains(err.Error(), "is lost") {
			t.Fatalf("seed %d: writes without a log died at %s, and verify says %v", seed, site, err)
		}
		t.Logf("killed at %s: %v", site, err)
		return
	}
	t.Fatalf("seed %d: no child died inside RocksDB after it had come to write", seed)
}
