// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

// Package cgotrace makes CPU profiles and crashes show what C was doing. Import it for its effect:
//
//	import _ "github.com/rockbridge-db/rockbridge/cgotrace"
//
// Without it a profile ends at runtime.cgocall, which stands for all of RocksDB, and a crash in C
// prints Go's stack only. With it both go on into C: functions with file and line where there is
// debug information, as for rockbridge's own glue, and names where there are only symbols, as in a
// distribution's librocksdb. docs/debugging.md shows it.
//
// It serves every C in the program, not only rockbridge's, and needs nothing else of rockbridge. It
// calls [runtime.SetCgoTraceback], which a program can do once: do not import another package that
// does.
//
// # Where it works
//
// On Linux, amd64 or arm64, when the program is compiled by gcc 12 or later with glibc 2.35 or later
// and the compiler's libbacktrace, which is in Debian's libgcc-12-dev and its successors. Elsewhere,
// and under clang, the package compiles, does nothing, and [Supported] answers false. Where gcc has
// no libbacktrace.a the link ends with "cannot find -lbacktrace": build with -tags rb_nobacktrace,
// under which the package does nothing either.
//
// The program has to keep its symbols: not -ldflags=-s, and not "go test", which links with -s; use
// "go test -c". Static binaries work; see below. The kernel has to run the program itself: one that
// is started through the dynamic linker or an emulator has no names, since /proc/self/exe is another
// file. Tests run on amd64; on arm64 walks were tried under an emulator, names were not.
//
// # What it does, and when
//
// A signal that finds a thread in C makes the runtime ask for the stack there: the signals of a
// profile, and that of a crash. The answer is found by libgcc's unwinder in the signal's handler. It
// takes no lock and allocates nothing: libgcc 12 looks a function's unwinding data up by glibc's
// _dl_find_object, which is made for signal handlers, and the first walk, which resolves symbols and
// initializes the unwinder, is made when the package is initialized. So a signal may come in the
// middle of malloc or of dlopen. A walk looks at no more than 32 frames of C, the innermost, and uses
// 5 KB of the 32 KiB that Go's handlers have.
//
// The unwinder trusts the stack, which may be what crashed. In the handler of a crash it therefore
// runs under a handler of SIGSEGV and SIGBUS of its own, which ends the walk and is taken away again;
// otherwise a fault in it would end the process before Go has printed its own stack.
//
// Names are looked up when a profile ends and while a crash is printed, by libbacktrace, which gets
// its memory from mmap, never from malloc. The first time in a process it reads the symbols and the
// debug information of the program and its libraries.
//
// # What it costs
//
// The rows of a scan, 9 rounds, CPU time over the same program without the import, median (least to
// greatest): 0.98 (0.88 to 1.05), and under a CPU profile 1.01 (0.79 to 1.07) of the other program's
// under a profile: neither can be told from the noise. Reading the symbols the first time took 120 ms
// of CPU time and 25 MB of memory that stay, with RocksDB as a shared library. The figures are of
// "go test -run ^$ -bench Cost -benchtime=1x ./cgotrace".
//
// # What it does not show
//
//   - A crash on a thread that Go did not start, such as RocksDB's for flushes and compactions. The
//     runtime prints nothing then, with this package or without: only the shell's "Segmentation
//     fault". A core dump shows the place; docs/debugging.md says how. A profile shows such threads.
//   - C that calls back into Go: the C frames between two Go frames. rockbridge has none.
//   - Callers of code that has overwritten its own stack: only what the stack still tells, and Go's.
//   - C++ names are printed mangled by a crash; c++filt reads them. go tool pprof does it by itself.
//   - In a program linked by -static, but not by -static-pie, libgcc looks unwinding data up under a
//     lock of its own. A signal that comes while the same thread throws a C++ exception could wait for
//     it for ever.
package cgotrace

// Supported reports whether this build of the program can trace C. If not, importing the package
// has no effect. The answer never changes; it may be asked from any goroutine.
func Supported() bool { return supported }
