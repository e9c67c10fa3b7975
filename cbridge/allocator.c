/* allocator.c: what malloc holds, which neither Go nor RocksDB counts. */
#include <stdbool.h>

#if defined(__linux__)
#include <malloc.h>
#endif

#include "handles.h"
#include "later.h"

/* jemalloc's door to its own statistics, if it is linked or preloaded. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *value, size_t value_len)
    RB_WEAK;

static bool rb_jemalloc_read(const char *name, uint64_t *out) {
  size_t v = 0;
  size_t len = sizeof v;
  if (mallctl(name, &v, &len, NULL, 0) != 0) {
    return false;
  }
  *out = v;
  return true;
}

static rb_allocator rb_jemalloc_used(void) {
  rb_allocator a = {RB_ALLOCATOR_UNKNOWN, 0, 0};
  uint64_t epoch = 1; /* any: it has the statistics brought up to date */
  if (mallctl("epoch", NULL, NULL, &epoch, sizeof epoch) == 0 &&
      rb_jemalloc_read("stats.resident", &a.held) &&
      rb_jemalloc_read("stats.allocated", &a.in_use)) {
    a.kind = RB_ALLOCATOR_JEMALLOC;
  }
  return a;
}

rb_allocator rb_allocator_used(void) {
  rb_allocator a = {RB_ALLOCATOR_UNKNOWN, 0, 0};
  if (mallctl != NULL) {
    a = rb_jemalloc_used();
  }
#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 33))
  if (a.kind == RB_ALLOCATOR_UNKNOWN) {
    struct mallinfo2 m = mallinfo2();
    a.held = m.arena + m.hblkhd;
    a.in_use = m.uordblks + m.hblkhd;
    /* Zero: another allocator has taken its place, a sanitizer's for instance. */
    a.kind = a.held > 0 ? RB_ALLOCATOR_GLIBC : RB_ALLOCATOR_UNKNOWN;
  }
#endif
  return a;
}

uint32_t rb_allocator_release(void) {
  rb_allocator a = rb_allocator_used();
  /* 4096 stands for all arenas: MALLCTL_ARENAS_ALL of jemalloc 5. */
  if (a.kind == RB_ALLOCATOR_JEMALLOC && mallctl("arena.4096.purge", NULL, NULL, NULL, 0) != 0) {
    a.kind = RB_ALLOCATOR_UNKNOWN;
  }
#if defined(__GLIBC__)
  if (a.kind == RB_ALLOCATOR_GLIBC) {
    (void)malloc_trim(0);
  }
#endif
  return a.kind;
}
