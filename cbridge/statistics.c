/* statistics.c: what RocksDB counts of a database, by name. */
#include "handles.h"
#include "later.h"

/* RocksDB's number of a level, the same in every version that has levels. */
static int rb_statistics_level(uint32_t statistics) {
  switch (statistics) {
    case RB_STATISTICS_TICKERS:
      return 1;
    case RB_STATISTICS_UNTIMED:
      return 2;
    case RB_STATISTICS_TIMED:
      return 4;
    case RB_STATISTICS_ALL:
      return 5;
    default:
      return 3; /* that of RB_STATISTICS_USUAL, which every version begins with */
  }
}

rb_status rb_options_set_statistics(rocksdb_options_t *o, uint32_t statistics) {
  if (statistics == RB_STATISTICS_NONE) {
    return rb_ok();
  }
  if (statistics > RB_STATISTICS_ALL) {
    return rb_status_make(RB_INVALID_ARGUMENT, "no such level of statistics");
  }
  if (statistics != RB_STATISTICS_USUAL && !rb_supports(RB_FEATURE_STATISTICS_LEVELS)) {
    rb_status s = {RB_UNSUPPORTED, NULL};
    return s;
  }
  rocksdb_options_enable_statistics(o);
  if (statistics != RB_STATISTICS_USUAL) {
    rocksdb_options_set_statistics_level(o, rb_statistics_level(statistics));
  }
  return rb_ok();
}

char *rb_statistics_text(rb_db *db) {
  return db->statistics == NULL ? NULL : rocksdb_options_statistics_get_string(db->statistics);
}
