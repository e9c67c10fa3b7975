/* perf.c: what one thread's calls spend their time on, as RocksDB itself counts it. */
#include "cxx.h"
#include "handles.h"

/* RocksDB's number for "times too, but not of mutexes". Up to some 8.x it also means processor
 * time; 3 would from there on mean waits only. */
enum { RB_PERF_LEVEL_TIMES = 4, RB_PERF_LEVEL_COUNTS = rocksdb_enable_count };

/* Whether this thread is between rb_perf_begin and rb_perf_end. RocksDB's own figures are the
 * thread's too: one that begins within would set those of the other back. */
static _Thread_local bool rb_perf_begun;

uint8_t rb_perf_begin(uint8_t times) {
  if (rb_perf_begun) {
    return 0;
  }
  rb_perf_begun = true;
  rocksdb_set_perf_level(times ? RB_PERF_LEVEL_TIMES : RB_PERF_LEVEL_COUNTS);
  rocksdb_perfcontext_t *c = rocksdb_perfcontext_create();
  if (c != NULL) {
    rocksdb_perfcontext_reset(c);
    rocksdb_perfcontext_destroy(c);
  }
  if (rb_cxx_offered()) {
    rb_cxx_io_begin();
  }
  return 1;
}

char *rb_perf_io(void) { return rb_cxx_offered() ? rb_cxx_io_figures() : NULL; }

char *rb_perf_end(uint8_t report) {
  rb_perf_begun = false;
  rocksdb_set_perf_level(RB_PERF_LEVEL_COUNTS); /* RocksDB's default */
  if (!report) {
    return NULL;
  }
  rocksdb_perfcontext_t *c = rocksdb_perfcontext_create();
  if (c == NULL) {
    return NULL;
  }
  char *text = rocksdb_perfcontext_report(c, 1);
  rocksdb_perfcontext_destroy(c);
  return text;
}
