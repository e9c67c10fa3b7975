/* nthfault.c: a file system whose n-th call fails. Preloaded (LD_PRELOAD) into a process under
 * test, it stands before the C library's file calls and counts those on files in the folder that
 * NTHFAULT_DIR names. The file that NTHFAULT names holds the words below, 64 bits each in the
 * machine's order: a test sets the first ones before the process begins, and reads the counts. Go's
 * own file calls do not come by here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#undef fread_unlocked

/* What is counted; nthfault_test.go has the same list. */
enum kind {
  NONE,
  WRITE, /* write, pwrite */
  SYNC,  /* fsync, fdatasync: no sync is made, since no power is cut */
  NAME,  /* rename, link, unlink, mkdir, rmdir */
  OPEN,
  READ, /* pread, fread */
  SIZE, /* ftruncate, fallocate */
  KINDS
};

/* The words. The calls of FAIL_KIND fail whose number, from 1 on, is one of the FAIL_COUNT from
 * FAIL_FROM on. */
enum {
  FAIL_KIND,
  FAIL_FROM,
  FAIL_COUNT,
  FAIL_ERRNO,
  TORN, /* a write that fails leaves half of its bytes */
  DROP, /* a sync that fails takes what was not synced before */
  FAILED,
  COUNTS,
  WORDS = COUNTS + KINDS
};

static _Atomic uint64_t none[WORDS];
static _Atomic uint64_t *words = none;
static char folder[4096];

__attribute__((constructor)) static void nthfault_begin(void) {
  const char *name = getenv("NTHFAULT"), *dir = getenv("NTHFAULT_DIR");
  int fd = name && dir && strlen(dir) < sizeof folder ? open(name, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) {
    return;
  }
  void *p = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p != MAP_FAILED) {
    words = p;
    memcpy(folder, dir, strlen(dir) + 1);
  }
  close(fd);
}

static int nthfault_ours(const char *path) {
  size_t n = strlen(folder);
  return n > 0 && strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

/* Whether a descriptor is open for a file of ours. RocksDB's LOG is not: what is written there is
 * no data. */
static int nthfault_holds(int fd) {
  char link[40], path[4096];
  if (words == none) {
    return 0;
  }
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t got = readlink(link, path, sizeof path - 1);
  if (got <= 0) {
    return 0;
  }
  path[got] = 0;
  const char *base = strrchr(path, '/');
  return nthfault_ours(path) && !(base && strncmp(base, "/LOG", 4) == 0);
}

/* Counts a call; -1 if it is to fail, with errno set. */
static int nthfault_call(enum kind kind) {
  uint64_t n = ++words[COUNTS + kind], from = words[FAIL_FROM];
  if (words[FAIL_KIND] != (uint64_t)kind || n < from || n - from >= words[FAIL_COUNT]) {
    return 0;
  }
  words[FAILED]++;
  errno = (int)words[FAIL_ERRNO];
  return -1;
}

static int nthfault_on(enum kind kind, int fd) {
  return nthfault_holds(fd) ? nthfault_call(kind) : 0;
}

static int nthfault_at(enum kind kind, const char *path) {
  return words != none && nthfault_ours(path) ? nthfault_call(kind) : 0;
}

/* How much of each file was synced. */
static pthread_mutex_t syncing = PTHREAD_MUTEX_INITIALIZER;
static struct {
  dev_t dev;
  ino_t ino;
  off_t size;
} synced[4096];

/* Notes that a file is synced as it is, or, if the sync fails, takes from it what was not. */
static void nthfault_synced(int fd, int fails) {
  struct stat s;
  if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
    return;
  }
  int kept = errno;
  pthread_mutex_lock(&syncing);
  size_t i = 0, room = sizeof synced / sizeof synced[0];
  while (i < room && synced[i].ino != 0 &&
         (synced[i].ino != s.st_ino || synced[i].dev != s.st_dev)) {
    i++;
  }
  if (i == room) {
    abort();
  }
  synced[i].dev = s.st_dev;
  synced[i].ino = s.st_ino;
  if (!fails) {
    synced[i].size = s.st_size;
  } else if (words[DROP] && synced[i].size < s.st_size && ftruncate(fd, synced[i].size) != 0) {
    abort();
  }
  pthread_mutex_unlock(&syncing);
  errno = kept;
}

/* Defines what stands before a call of the C library: its own function is looked up at the first
 * call. */
#define REAL(result, name, ...)                                                                    \
  static result (*_Atomic real)(__VA_ARGS__);                                                      \
  if (real == NULL) {                                                                              \
    real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name);                                        \
  }

ssize_t write(int fd, const void *buf, size_t n) {
  REAL(ssize_t, write, int, const void *, size_t)
  if (nthfault_on(WRITE, fd) == 0) {
    return real(fd, buf, n);
  }
  int code = errno;
  if (words[TORN] && n > 1 && real(fd, buf, n / 2) < 0) {
    abort();
  }
  errno = code;
  return -1;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
  return nthfault_on(WRITE, fd) != 0 ? -1 : real(fd, buf, n, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)
  return nthfault_on(WRITE, fd) != 0 ? -1 : real(fd, buf, n, at);
}

static int nthfault_sync(int fd, int (*real)(int)) {
  if (!nthfault_holds(fd)) {
    return real(fd);
  }
  int failed = nthfault_call(SYNC);
  nthfault_synced(fd, failed);
  return failed;
}

int fsync(int fd) {
  REAL(int, fsync, int)
  return nthfault_sync(fd, real);
}

int fdatasync(int fd) {
  REAL(int, fdatasync, int)
  return nthfault_sync(fd, real);
}

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *)
  return nthfault_at(NAME, to) != 0 ? -1 : real(from, to);
}

int link(const char *from, const char *to) {
  REAL(int, link, const char *, const char *)
  return nthfault_at(NAME, to) != 0 ? -1 : real(from, to);
}

int unlink(const char *path) {
  REAL(int, unlink, const char *)
  return nthfault_at(NAME, path) != 0 ? -1 : real(path);
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t)
  return nthfault_at(NAME, path) != 0 ? -1 : real(path, mode);
}

int rmdir(const char *path) {
  REAL(int, rmdir, const char *)
  return nthfault_at(NAME, path) != 0 ? -1 : real(path);
}

static mode_t nthfault_mode(int flags, va_list args) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  REAL(int, open, const char *, int, ...)
  va_list args;
  va_start(args, flags);
  mode_t mode = nthfault_mode(flags, args);
  va_end(args);
  return nthfault_at(OPEN, path) != 0 ? -1 : real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  REAL(int, open64, const char *, int, ...)
  va_list args;
  va_start(args, flags);
  mode_t mode = nthfault_mode(flags, args);
  va_end(args);
  return nthfault_at(OPEN, path) != 0 ? -1 : real(path, flags, mode);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at) {
  REAL(ssize_t, pread, int, void *, size_t, off_t)
  return nthfault_on(READ, fd) != 0 ? -1 : real(fd, buf, n, at);
}

ssize_t pread64(int fd, void *buf, size_t n, off64_t at) {
  REAL(ssize_t, pread64, int, void *, size_t, off64_t)
  return nthfault_on(READ, fd) != 0 ? -1 : real(fd, buf, n, at);
}

/* One that fails gives nothing, and is not at the end. */
size_t fread_unlocked(void *buf, size_t size, size_t n, FILE *f) {
  REAL(size_t, fread_unlocked, void *, size_t, size_t, FILE *)
  return nthfault_on(READ, fileno(f)) != 0 ? 0 : real(buf, size, n, f);
}

int ftruncate(int fd, off_t size) {
  REAL(int, ftruncate, int, off_t)
  return nthfault_on(SIZE, fd) != 0 ? -1 : real(fd, size);
}

int ftruncate64(int fd, off64_t size) {
  REAL(int, ftruncate64, int, off64_t)
  return nthfault_on(SIZE, fd) != 0 ? -1 : real(fd, size);
}

int fallocate(int fd, int mode, off_t at, off_t n) {
  REAL(int, fallocate, int, int, off_t, off_t)
  return nthfault_on(SIZE, fd) != 0 ? -1 : real(fd, mode, at, n);
}

int fallocate64(int fd, int mode, off64_t at, off64_t n) {
  REAL(int, fallocate64, int, int, off64_t, off64_t)
  return nthfault_on(SIZE, fd) != 0 ? -1 : real(fd, mode, at, n);
}
