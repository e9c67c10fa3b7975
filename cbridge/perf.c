/* perf.c: what one thread's calls spend their time on, as RocksDB itself counts it. */
#include "handles.h"

/* RocksDB's number for "times too, but not of mutexes". Up to some 8.x it also means processor
 * time; 3 would from there on mean waits only. */
enum { RB_PERF_TIMES = 4, RB_PERF_DEFAULT = rocksdb_enable_count };

void rb_perf_begin(void) {
  rocksdb_set_perf_level(RB_PERF_TIMES);
  rocksdb_perfcontext_t *c = rocksdb_perfcontext_create();
  if (c != NULL) {
    rocksdb_perfcontext_reset(c);
    rocksdb_perfcontext_destroy(c);
  }
}

char *rb_perf_end(uint8_t report) {
  rocksdb_set_perf_level(RB_PERF_DEFAULT);
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
