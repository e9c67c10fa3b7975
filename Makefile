# Everything here only calls go, the C compilers and the scripts beside it: plain "go build ./...",
# "go test ./..." and "go test -bench . ./..." work without make once RocksDB is installed.

# Further flags of go test.
FLAGS ?=
# Packages of all modules that tests are run of, if not every one: "./engine ./iterator".
export PACKAGES
# Rounds of "make crash", "make killpoints" and "make powercut".
N ?= 1000
# Rounds of the test that closes a database under its users, in "make race" and "make asan".
RACE_ROUNDS ?= 2000
ASAN_ROUNDS ?= 200
CLOSE = '^TestCloseUnderItsUsers$$'
# Changed bits of "make flips", and cycles of "make fulldisk" on each disk.
PLACES ?= 5000
CYCLES ?= 30
# Operations in each of the N lists of "make metamorphic", and under how many of the sets of options each goes, in turn: 0
# is all of them.
OPS ?= 10000
SETS ?= 6
# What stands on the C++ part, or does otherwise with it. Most of its time is compiling.
CXXTESTS = 'CXX|Event|Resume|DamagedFile|Features|Budget|Refreshed|AStallIs|FamilyFiles|CompactFiles|Pause|Entit|Columns|DefaultColumn|Trace|Recorded|Replay|CacheOfRows|TheirConditions|ConditionsOnTables|TablesAreKnown|RateLimit|PerfTells'
# What "make mutants" is asked for beyond its defaults: go run ./scripts/mutants --help.
MUTANTS ?=
# How long each fuzz test of "make fuzz" runs, in Go and in C: 30s, 10m.
FUZZTIME ?= 30s
# What the long forms of single tests do: operations of "make model", batches of "make batches", rounds of "make closes",
# panics of "make panics", operations of "make memory", and for how long "make signals" sends signals.
MODEL_OPS ?= 10000000
BATCHES ?= 1000000
PANICS ?= 100000
CLOSES ?= 50000
FAILURES ?= 1000
MEMORY_OPS ?= 3000000
SIGNALS ?= 1m
# Histories of each kind of transaction in "make serial".
SERIAL ?= 5000
# How long "make soak" runs.
SOAK ?= 2h
# Debian suites whose RocksDB "make compat" tests against, and its flags: -o leaves out a suite that cannot be had.
SUITES ?= bookworm trixie sid
COMPAT ?=
# What "make bench-commits" is asked for beyond its defaults: bench/cmd/commits --help.
COMMITS ?=
# What "make bench-server" is asked for beyond its defaults: bench/cmd/server --help.
SERVER ?=
# What "make bench-peers" and "make bench-full" are asked for beyond their defaults: bench/cmd/peers --help.
PEERS ?=
# What "make headers" compiles against: folders named after versions, each with rocksdb/c.h.
HEADERS ?= $(wildcard .build/headers/*)

# Which RocksDB is linked, unless ROCKBRIDGE_LIBRARY names one (docs/release-library.md): what is used here or measured
# links the best that "make rocksdb" and "make rocksdb-pgo" left on this machine; what is tested or given away links the
# distribution's, whose assertions see more.
BEST = scripts/library --default best
SYSTEM = scripts/library --default system
GOTEST = $(SYSTEM) scripts/gotest

.PHONY: help setup setup-tools setup-check setup-cover demo build test bench bench-commits bench-peers bench-full bench-server race asan \
	cgocheck2 check-c cover cover-c mutants lint fmt compat headers docs crash powercut faults flips fulldisk metamorphic \
	fuzz soak ci clean setup-static static cross-arm64 setup-debug setup-cxx cxx-test cxx-static churn debug-test rocksdb rocksdb-pgo \
	library killpoints model batches closes panics signals memory lengths serial

help:
	@echo 'make demo       set up, build, load testdata and compare three ways of scanning it'
	@echo 'make test       set up and run every test of every module'
	@echo
	@echo 'make setup      install the C compiler and RocksDB if they are missing'
	@echo 'make build      the command line, bin/rockbridge'
	@echo 'make setup-debug  install gdb and build delve, which the tests of cgotrace script'
	@echo 'make debug-test the short tests in the build that catches misuse, -tags rbdebug'
	@echo 'make bench      the benchmarks'
	@echo 'make rocksdb    RocksDB without assertions, into a folder that builds and benchmarks then find: VERSION=7.8.3'
	@echo 'make rocksdb-pgo  the same, optimised by a profile of the benchmarks'
	@echo 'make library    says which RocksDB builds and benchmarks link; ROCKBRIDGE_LIBRARY=system names another'
	@echo 'make bench-commits  commits against grocksdb, Pebble and bbolt, into docs/benchmarks: COMMITS="-rounds 3"'
	@echo 'make bench-peers  all works against C loops and other engines, into docs/benchmarks: PEERS="-rounds 3 -scale 0.2"'
	@echo 'make bench-full   the same also with larger values, and with data of 4 times the cache'
	@echo 'make bench-server  rockbridge serve beside redis-server, into docs/benchmarks, about 20 minutes: SERVER="-rounds 3 -keys 1000000"'
	@echo 'make race       the tests under the race detector'
	@echo 'make asan       the tests under AddressSanitizer, C leaks included'
	@echo 'make cgocheck2  the tests with every store of a Go pointer into C memory checked'
	@echo 'make check-c    strict warnings for the C glue; its unit tests under sanitizers and valgrind, its fuzz corpora'
	@echo 'make cxx-test   the tests of what the build tag rb_cxx adds: one file of C++'
	@echo 'make cxx-static   that tag beside rb_static: minutes'
	@echo 'make cover      coverage of the C glue, which has a floor, and of the Go packages, by file'
	@echo 'make cover-c    the same of the C glue only'
	@echo 'make mutants    changes that break the C glue: each must be noticed by a test. MUTANTS="-run merge"'
	@echo 'make lint       formatters in checking mode, linters; changes nothing'
	@echo 'make fmt        format Go and C'
	@echo 'make compat     the tests against other Debians, databases from each to each: SUITES="trixie sid"'
	@echo 'make headers    compile the C glue against other c.h: HEADERS="DIR/9.0 DIR/11.8"'
	@echo 'make static     the command line as a fully static program, dist/rockbridge-static'
	@echo 'make cross-arm64  the command line for linux/arm64, and the tests with -short under an emulator: about an hour'
	@echo 'make docs       write the tables of docs/versions.md and docs/commands.md anew'
	@echo 'make churn      memory held after a churn, by allocator'
	@echo 'make crash      kill -9 rounds: N=1000'
	@echo 'make powercut   power cuts on ext4 and XFS, as root: N=1000, about a second each'
	@echo 'make faults     the n-th call of the file system fails, once and for good, for every n: about half an hour'
	@echo 'make flips      changed bits of every file: PLACES=5000, some minutes'
	@echo 'make fulldisk   disks that are filled and freed, as root: CYCLES=30 on each, about half an hour'
	@echo 'make metamorphic  random lists of operations under many options, read in many ways: N=200 lists, OPS=10000 each,'
	@echo '                SETS=6 of the options in turn; then a million calls on iterators in any state. Hours'
	@echo 'make killpoints  deaths inside RocksDB: N=300 takes seven minutes'
	@echo 'make model      random operations against a model: MODEL_OPS=10000000 takes hours'
	@echo 'make batches    mutated batches: BATCHES=1000000 takes some minutes'
	@echo 'make closes     a database is closed under its users: CLOSES=50000 takes hours'
	@echo 'make panics     operators in Go that panic: PANICS=100000, comparators that begin to fail: FAILURES=1000'
	@echo 'make signals    calls under signals: SIGNALS=1m'
	@echo 'make serial     histories of transactions, checked by porcupine: SERIAL=5000 of each kind take minutes'
	@echo 'make memory     work under a limit of memory, as root: MEMORY_OPS=3000000 takes an hour or more'
	@echo 'make lengths    the largest key and the largest value: some 15 GiB of memory'
	@echo 'make fuzz       every fuzz test in Go, and in C under sanitizers, FUZZTIME=30s each'
	@echo 'make soak       the random tests with new seeds for two hours, and a report in docs/soak: SOAK=2h'
	@echo 'make ci         all that continuous integration runs'
	@echo 'make clean      remove bin, dist and .build'
	@echo
	@echo 'FLAGS goes to go test: make race FLAGS="-short -run Iterator"'

setup:
	@scripts/setup build

setup-tools:
	@scripts/setup build tools redis

setup-debug:
	@scripts/setup build debug
	@scripts/gotools delve

setup-check:
	@scripts/setup build check

setup-cover:
	@scripts/setup build check cover

rocksdb: setup-static
	@scripts/rocksdb release

rocksdb-pgo: setup-static
	@scripts/rocksdb pgo

library:
	@$(BEST)

build: setup
	cd cmd/rockbridge && ../../$(BEST) go build -o ../../bin/rockbridge .

setup-static:
	@scripts/setup build static

static: setup-static
	@$(SYSTEM) scripts/static dist/rockbridge-static $(FLAGS)

cross-arm64: setup
	@FLAGS="$(FLAGS)" scripts/cross arm64

demo: build
	bin/rockbridge demo

test: setup-tools
	$(GOTEST) -timeout 30m $(FLAGS)

debug-test: setup-tools
	$(GOTEST) -tags rbdebug -short -timeout 30m $(FLAGS)

bench: setup
	$(BEST) go test -run '^$$' -bench . -timeout 0 $(FLAGS) ./...

bench-commits: setup
	cd bench && ../$(BEST) go run ./cmd/commits $(COMMITS)

bench-peers: setup
	cd bench && ../$(BEST) go run ./cmd/peers $(PEERS)

bench-full: setup
	cd bench && ../$(BEST) go run ./cmd/peers -full $(PEERS)

bench-server: setup
	@scripts/setup redis
	cd bench && ../$(BEST) go run ./cmd/server $(SERVER)

# The benchmarks' own module runs its loop only: building its peers anew for a detector would find nothing of ours, nor would what
# speaks to a browser.
race asan cgocheck2: export SKIP_MODULES = ./bench ./migrate ./server/browsertest
race: setup
	$(GOTEST) -race -timeout 30m $(FLAGS)
	$(if $(PACKAGES),,$(SYSTEM) go test -race ./bench/workload ./bench/works ./bench/program)
	$(SYSTEM) go test -race -timeout 0 -run $(CLOSE) ./engine -close.rounds=$(RACE_ROUNDS)

asan: export LSAN_OPTIONS = suppressions=$(CURDIR)/scripts/lsan.supp:print_suppressions=0
asan: setup
	$(GOTEST) -asan -timeout 30m $(FLAGS)
	$(SYSTEM) go test -asan -timeout 0 -run $(CLOSE) ./engine -close.rounds=$(ASAN_ROUNDS)

cgocheck2: setup
	GOEXPERIMENT=cgocheck2 $(GOTEST) -timeout 30m $(FLAGS)

check-c: setup-check
	scripts/check-c

setup-cxx:
	@scripts/setup build static

cxx-test: setup-cxx
	$(SYSTEM) go test -tags rb_cxx -short -run $(CXXTESTS) $(FLAGS) ./cbridge ./engine

cxx-static: setup-static
	$(SYSTEM) go test -v -timeout 30m -run TheCXXPartIsLinked $(FLAGS) . -builds.cxx

cover: setup-cover
	scripts/cover -short $(FLAGS)

cover-c: setup-cover
	scripts/cover -c

mutants: setup-check
	$(SYSTEM) go run ./scripts/mutants $(MUTANTS)

lint: setup-check
	scripts/lint

fmt: setup-check
	scripts/gotools
	find . -name '.?*' -prune -o -name '*.go' -print | xargs .build/bin/gofumpt -w
	find cbridge cgobench cgotrace -name '*.[ch]' -o -name '*.cc' | xargs $$(scripts/llvm clang-format) -i

compat: setup-tools
	@scripts/compat-all $(COMPAT) -f "$(FLAGS)" $(SUITES)

headers: setup-check
	@scripts/headers $(HEADERS)

docs: setup
	go generate .
	cd server && ../$(SYSTEM) go test -count=1 -run TheDocumentListsEveryCommand . -commands.write

churn: setup
	scripts/setup jemalloc
	$(SYSTEM) go run ./scripts/churn $(FLAGS)

crash: setup
	$(SYSTEM) go test -count=1 -timeout 0 -run Crash $(FLAGS) ./engine -crash.rounds=$(N)

powercut: setup-tools
	$(SYSTEM) go test -count=1 -timeout 0 -v -run PowerCut $(FLAGS) ./engine -power.rounds=$(N)

faults: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run 'WhicheverCall|NthFailure' $(FLAGS) ./engine -fault.runs=0

flips: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run 'ChangedBit|InSeveralFiles' $(FLAGS) ./engine -flip.places=$(PLACES) -seams.step=64

fulldisk: setup-tools
	$(SYSTEM) go test -count=1 -timeout 0 -v -run 'FullAgain|TurnsReadOnly|FullDiskTest|ReadOnlyDiskTest' $(FLAGS) ./engine -full.cycles=$(CYCLES)

killpoints: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run 'WhereverRocksDBIsKilled|KillPointsTest' $(FLAGS) ./engine -killpoints.rounds=$(N)

model: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run '^TestTheDatabaseDoesAsItsModel$$|ModelNotices' $(FLAGS) ./engine -model.ops=$(MODEL_OPS)

batches: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run '^TestMutatedBatchesAreRefusedOrAppliedWhole$$|ABadBatchRuins' $(FLAGS) ./engine -batch.mutations=$(BATCHES)

closes: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run $(CLOSE) $(FLAGS) ./engine -close.rounds=$(CLOSES)

panics: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run '^TestPanickingOperatorsEndNothing$$' $(FLAGS) ./engine -panics=$(PANICS)
	$(SYSTEM) go test -count=1 -timeout 0 -v -run '^TestADatabaseOpensWhenever' $(FLAGS) ./engine -comparator.failures=$(FAILURES)

signals: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run '^TestSignalsDisturbNothing$$' $(FLAGS) ./engine -signals.for=$(SIGNALS)

serial: setup
	cd serial && ../$(SYSTEM) go test -count=1 -timeout 0 -v $(FLAGS) . -serial.histories=$(SERIAL)

memory: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run 'GrowsBy|MemoryLimit' $(FLAGS) ./engine -memory.ops=$(MEMORY_OPS)

lengths: setup
	$(SYSTEM) go test -count=1 -timeout 0 -v -run 'NoLengthIsCut|LargestKeyAndValue' $(FLAGS) ./engine -lengths.value=3221225472

metamorphic: N = 200
metamorphic: setup-tools
	$(SYSTEM) go test -count=1 -timeout 0 -v -run '^TestEveryWayOfReading|MetamorphicTest' $(FLAGS) ./engine -meta.seeds=$(N) \
		-meta.ops=$(OPS) -meta.sets=$(SETS)
	$(SYSTEM) go test -count=1 -timeout 0 -v -run '^TestAnyCallInAnyState|TestOfAnyCalls' $(FLAGS) ./iterator -iter.calls=1000000

fuzz: setup-check
	scripts/fuzz-c $(FUZZTIME)
	scripts/fuzz $(FUZZTIME)

soak: setup
	$(SYSTEM) go run ./scripts/soak -time $(SOAK) $(FLAGS)

ci:
	.ci/run

clean:
	rm -rf bin dist .build
