/* slowdisk.c: a disk that is slow, full or broken when told so. Preloaded (LD_PRELOAD) into a
 * process under test, it stands before the C library's file calls. The file that SLOWDISK names
 * holds the words below, 64 bits each in the machine's order: a test writes the first ones at any
 * time, and reads the counts. Without SLOWDISK, and for files that are not of a database, each call
 * goes through unchanged. Go's own file calls do not come by here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The words; slowdisk_test.go has the same list. Delays are in microseconds; one that is taken back
 * ends those that wait. A sync of a log fails if its number, from 1 on, is one of the
 * SYNC_FAIL_COUNT from SYNC_FAIL_FROM on; 0: none. */
enum {
  READ_DELAY,     /* of tables */
  LOG_SYNC_DELAY, /* of write-ahead logs */
  SYNC_DELAY,     /* of all other files */
  WRITE_DELAY,    /* of write-ahead logs */
  SYNC_FAIL_FROM,
  SYNC_FAIL_COUNT,
  SYNC_FAIL_ERRNO,
  WRITE_ERRNO, /* of every write; 0: writes succeed */
  READS,       /* what was begun, of tables */
  LOG_SYNCS,
  SYNCS,
  WRITES,
  FAILED,        /* syncs and writes */
  READS_WAITING, /* how many wait now */
  SYNCS_WAITING,
  WRITES_WAITING,
  WORDS
};

static _Atomic uint64_t none[WORDS];
static _Atomic uint64_t *words = none;

__attribute__((constructor)) static void slowdisk_begin(void) {
  const char *name = getenv("SLOWDISK");
  int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) {
    return;
  }
  void *p = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p != MAP_FAILED) {
    words = p;
  }
  close(fd);
}

enum kind { OTHER, TABLE, LOG, UPKEEP };

static int slowdisk_ends(const char *name, size_t n, const char *end) {
  size_t k = strlen(end);
  return n >= k && memcmp(name + n - k, end, k) == 0;
}

/* What a descriptor is open for, by its file's name. */
static enum kind slowdisk_kind(int fd) {
  char link[40], path[4096];
  if (words == none) {
    return OTHER;
  }
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t got = readlink(link, path, sizeof path - 1);
  if (got <= 0) {
    return OTHER;
  }
  path[got] = 0;
  size_t n = (size_t)got;
  if (slowdisk_ends(path, n, " (deleted)")) {
    n -= strlen(" (deleted)");
  }
  const char *base = strrchr(path, '/');
  base = base ? base + 1 : path;
  if (slowdisk_ends(path, n, ".log")) {
    return LOG;
  }
  if (slowdisk_ends(path, n, ".sst") || slowdisk_ends(path, n, ".blob")) {
    return TABLE;
  }
  if (slowdisk_ends(path, n, ".dbtmp") || strncmp(base, "MANIFEST-", 9) == 0 ||
      strncmp(base, "OPTIONS-", 8) == 0) {
    return UPKEEP;
  }
  return OTHER;
}

static uint64_t slowdisk_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Waits as long as the word at says, which may change meanwhile. */
static void slowdisk_wait(int at, int waiting) {
  uint64_t delay = words[at], begin;
  if (delay == 0) {
    return;
  }
  words[waiting]++;
  for (begin = slowdisk_now(); (delay = words[at]) != 0;) {
    uint64_t gone = slowdisk_now() - begin;
    if (gone >= delay) {
      break;
    }
    /* However many wait, they look at the word 20,000 times a second together, and each every
     * second. */
    uint64_t nap = 5000 + 50 * words[waiting];
    nap = nap < 900000 ? nap : 900000;
    nap = nap < delay - gone ? nap : delay - gone;
    struct timespec t = {.tv_nsec = (long)nap * 1000};
    nanosleep(&t, NULL);
  }
  words[waiting]--;
}

static int slowdisk_fail(uint64_t code) {
  words[FAILED]++;
  errno = (int)code;
  return -1;
}

static void slowdisk_read(int fd) {
  if (slowdisk_kind(fd) == TABLE) {
    words[READS]++;
    slowdisk_wait(READ_DELAY, READS_WAITING);
  }
}

/* Counts a sync and waits; -1 if it is to fail. */
static int slowdisk_sync(int fd) {
  switch (slowdisk_kind(fd)) {
    case OTHER:
      return 0;
    case LOG: {
      uint64_t n = ++words[LOG_SYNCS];
      slowdisk_wait(LOG_SYNC_DELAY, SYNCS_WAITING);
      uint64_t from = words[SYNC_FAIL_FROM];
      return from != 0 && n >= from && n - from < words[SYNC_FAIL_COUNT]
                 ? slowdisk_fail(words[SYNC_FAIL_ERRNO])
                 : 0;
    }
    default:
      words[SYNCS]++;
      slowdisk_wait(SYNC_DELAY, SYNCS_WAITING);
      return 0;
  }
}

/* Counts a write and waits; -1 if it is to fail. */
static int slowdisk_write(int fd) {
  enum kind kind = slowdisk_kind(fd);
  if (kind == OTHER) {
    return 0;
  }
  words[WRITES]++;
  if (kind == LOG) {
    slowdisk_wait(WRITE_DELAY, WRITES_WAITING);
  }
  uint64_t code = words[WRITE_ERRNO];
  return code != 0 ? slowdisk_fail(code) : 0;
}

/* Defines what stands before a call of the C library: its own function is looked up at the first
 * call. */
#define REAL(result, name, ...)                                                                    \
  static result (*_Atomic real)(__VA_ARGS__);                                                      \
  if (real == NULL) {                                                                              \
    real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name);                                        \
  }

ssize_t pread(int fd, void *buf, size_t n, off_t at) {
  REAL(ssize_t, pread, int, void *, size_t, off_t)
  slowdisk_read(fd);
  return real(fd, buf, n, at);
}

ssize_t pread64(int fd, void *buf, size_t n, off64_t at) {
  REAL(ssize_t, pread64, int, void *, size_t, off64_t)
  slowdisk_read(fd);
  return real(fd, buf, n, at);
}

ssize_t write(int fd, const void *buf, size_t n) {
  REAL(ssize_t, write, int, const void *, size_t)
  return slowdisk_write(fd) != 0 ? -1 : real(fd, buf, n);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at) {
  REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
  return slowdisk_write(fd) != 0 ? -1 : real(fd, buf, n, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)
  return slowdisk_write(fd) != 0 ? -1 : real(fd, buf, n, at);
}

int fsync(int fd) {
  REAL(int, fsync, int)
  return slowdisk_sync(fd) != 0 ? -1 : real(fd);
}

int fdatasync(int fd) {
  REAL(int, fdatasync, int)
  return slowdisk_sync(fd) != 0 ? -1 : real(fd);
}

/* It only begins to write back, or waits for what was begun: it never fails here, and is no sync
 * that counts. */
int sync_file_range(int fd, off64_t at, off64_t n, unsigned int flags) {
  REAL(int, sync_file_range, int, off64_t, off64_t, unsigned int)
  if (flags != 0 && slowdisk_kind(fd) != OTHER) {
    slowdisk_wait(SYNC_DELAY, SYNCS_WAITING);
  }
  return real(fd, at, n, flags);
}
