package main

import "time"

// binary is a test program, go test -c with flags, or a script that runs tests.
type binary struct {
	pkg    string
	flags  string // of the build, as in "-race"
	env    string // of the runs
	script string // in the place of all others
}

var (
	engine      = binary{pkg: "engine"}
	engineRace  = binary{pkg: "engine", flags: "-race"}
	engineASan  = binary{pkg: "engine", flags: "-asan", env: "LSAN_OPTIONS=suppressions=scripts/lsan.supp:print_suppressions=0"}
	engineDebug = binary{pkg: "engine", flags: "-tags=rbdebug"}
	walks       = binary{pkg: "iterator"}
	walksDebug  = binary{pkg: "iterator", flags: "-tags=rbdebug"}
	fuzz        = binary{script: "scripts/fuzz"}
)

// programme is one kind of run, repeated with new seeds until its share of the time is over.
type programme struct {
	name   string
	binary binary
	args   []string
	each   string // what one run is
	root   bool   // it needs root, and says so if it has it not
	share  int    // of the time of its lane, in parts
	lane   int    // 0: mostly waits; 1: mostly works
}

// programmes are all that a soak runs. The mixed loads take the whole time, the others share it on another processor.
func programmes(whole time.Duration) []programme {
	half := (whole / 2).Round(time.Second).String()
	each := max(min(whole/120, time.Minute), time.Second).Round(time.Second).String()
	return []programme{
		{"mixed load", engine, []string{"-test.run=^TestAMixedLoad", "-soak.time=" + half, "-soak.fault=60s"}, half + " with a fault a minute", false, 1, 0},
		{"mixed load, its controls", engine, []string{"-test.run=^TestTheMixedLoad"}, "a planted fault of each kind", false, 1, 1},
		{"kill -9", engine, []string{"-test.run=Crash", "-crash.rounds=200"}, "200 kills", false, 3, 1},
		{"deaths inside RocksDB", engine, []string{"-test.run=WhereverRocksDBIsKilled|KillPointsTest", "-killpoints.rounds=60"}, "60 deaths", false, 2, 1},
		{"power cuts", engine, []string{"-test.run=PowerCut", "-power.rounds=40"}, "40 cuts", true, 2, 1},
		{"a failing file system", engine, []string{"-test.run=^TestWhicheverCallFails|NthFailureTest", "-fault.runs=300"}, "300 failures", false, 2, 1},
		{"changed bits", engine, []string{"-test.run=^TestAChangedBit|ChangedBitTest", "-flip.places=1000"}, "1,000 places", false, 2, 1},
		{"full disks", engine, []string{"-test.run=^TestADiskThat|FullDiskTest|ReadOnlyDiskTest", "-full.cycles=5"}, "5 cycles on each disk", true, 2, 1},
		{"metamorphic", engine, []string{"-test.run=^TestEveryWayOfReading|MetamorphicTest", "-meta.ops=2000"}, "a list of 2,000 operations under 32 option sets", false, 4, 1},
		{"close under users, race detector", engineRace, []string{"-test.run=^TestCloseUnderItsUsers$", "-close.rounds=500"}, "500 closes", false, 2, 1},
		{"close under users, AddressSanitizer", engineASan, []string{"-test.run=^TestCloseUnderItsUsers$", "-close.rounds=100"}, "100 closes", false, 2, 1},
		{"close of a database at work", engine, []string{"-test.run=^TestCloseOfADatabaseAtWork$", "-work.rounds=200"}, "200 closes", false, 1, 1},
		{"model", engine, []string{"-test.run=^TestTheDatabaseDoesAsItsModel$|ModelNotices", "-model.ops=200000"}, "200,000 operations", false, 3, 1},
		{"model, debug build", engineDebug, []string{"-test.run=^TestTheDatabaseDoesAsItsModel$", "-model.ops=20000"}, "20,000 operations", false, 1, 1},
		{"iterators against a model", walks, []string{"-test.run=Random|Model|AnyCall", "-iter.calls=200000"}, "the random tests of iterators", false, 1, 1},
		{"damaged chunks, debug build", walksDebug, []string{"-test.run=^TestADamagedWindow", "-window.damages=1000000"}, "1,000,000 damaged windows", false, 1, 1},
		{"misuse of rows, debug build", walksDebug, []string{"-test.run=Caught"}, "51,000 stale reads, and other misuse: all must be caught", false, 1, 1},
		{"misuse, debug build", engineDebug, []string{"-test.run=Caught|Meet$"}, "each misuse 1,000 times: all must be caught", false, 1, 1},
		{"rightful use, debug build", engineDebug, []string{"-test.run=^TestRowsThatAreReadRightly", "-soak.rows=10000000"}, "10,000,000 rows: nothing may be caught", false, 1, 1},
		{"fuzz tests in Go", fuzz, []string{each}, each + " each", false, 5, 1},
		{"signals", engine, []string{"-test.run=^TestSignals", "-signals.for=30s"}, "30 s of signals", false, 1, 1},
		{"operators that panic", engine, []string{"-test.run=^TestPanickingOperators", "-panics=50000"}, "50,000 panics", false, 1, 1},
		{"batches from outside", engine, []string{"-test.run=^TestMutatedBatches|ABadBatchRuins", "-batch.mutations=200000"}, "200,000 mutations", false, 1, 1},
		{"damaged logs and manifests", engine, []string{"-test.run=^TestADamaged|^TestEveryChangedBit"}, "their tables once", false, 1, 1},
		{"bulk loads", engine, []string{"-test.run=^TestBulkLoadsAgainstAModel$", "-load.rounds=60"}, "60 loads", false, 1, 1},
		{"repair", engine, []string{"-test.run=Repair", "-repair.rounds=60"}, "60 databases", false, 1, 1},
		{"the short tests, race detector", engineRace, []string{"-test.short"}, "all of engine", false, 2, 1},
	}
}
