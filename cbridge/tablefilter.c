/* tablefilter.c: iterators that pass over table files by what RocksDB knows of them. */
#include "tablefilter.h"

#include <stdlib.h>
#include <string.h>

#include "cxx.h"
#include "handles.h"
#include "later.h"

struct rb_table_filter {
  size_t n;
  rb_table_range ranges[];
};

typedef uint64_t rb_table_getter(const rocksdb_table_properties_t *);

/* By RB_TABLE_; each NULL before 11.6. */
static rb_table_getter *const rb_table_getters[RB_TABLE_PROPERTIES] = {
    [RB_TABLE_NUMBER] = rocksdb_table_properties_orig_file_number,
    [RB_TABLE_DATA_SIZE] = rocksdb_table_properties_data_size,
    [RB_TABLE_KEY_SIZE] = rocksdb_table_properties_raw_key_size,
    [RB_TABLE_VALUE_SIZE] = rocksdb_table_properties_raw_value_size,
    [RB_TABLE_ENTRIES] = rocksdb_table_properties_num_entries,
    [RB_TABLE_DELETIONS] = rocksdb_table_properties_num_deletions,
    [RB_TABLE_MERGE_OPERANDS] = rocksdb_table_properties_num_merge_operands,
    [RB_TABLE_RANGE_DELETIONS] = rocksdb_table_properties_num_range_deletions,
    [RB_TABLE_CREATION_TIME] = rocksdb_table_properties_creation_time,
    [RB_TABLE_OLDEST_KEY_TIME] = rocksdb_table_properties_oldest_key_time,
    [RB_TABLE_FILE_CREATION_TIME] = rocksdb_table_properties_file_creation_time,
    [RB_TABLE_NEWEST_KEY_TIME] = rocksdb_table_properties_newest_key_time,
    [RB_TABLE_LARGEST_SEQUENCE] = rocksdb_table_properties_key_largest_seqno,
};

bool rb_table_filter_offered(void) {
  bool all = rocksdb_readoptions_set_table_filter != NULL;
  for (size_t i = 0; i < RB_TABLE_PROPERTIES; i++) {
    all = all && rb_table_getters[i] != NULL;
  }
  return all;
}

/* Whether all that is asked for can be looked at. */
static bool rb_table_ranges_offered(const rb_table_range *ranges, size_t n) {
  uint64_t known = rb_table_filter_offered() ? RB_TABLE_PROPERTIES
                   : rb_cxx_offered()        ? RB_TABLE_TAGGED
                                             : 0;
  for (size_t i = 0; i < n; i++) {
    if (ranges[i].property >= known) {
      return false;
    }
  }
  return true;
}

rb_status rb_table_filter_new(const rb_table_range *ranges, size_t n, rb_table_filter **out) {
  *out = NULL;
  if (n == 0) {
    return rb_ok();
  }
  if (!rb_table_ranges_offered(ranges, n)) {
    return rb_status_make(RB_UNSUPPORTED, NULL);
  }
  rb_table_filter *f = malloc(sizeof *f + n * sizeof *ranges);
  if (f == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  f->n = n;
  memcpy(f->ranges, ranges, n * sizeof *ranges);
  *out = f;
  return rb_ok();
}

void rb_table_filter_free(rb_table_filter *f) { free(f); }

/* Whether a table is read, by the values of its properties: what C++ asks too. */
static uint8_t rb_table_values_kept(const void *state, const uint64_t *values) {
  const rb_table_filter *f = state;
  for (size_t i = 0; i < f->n; i++) {
    uint64_t value = values[f->ranges[i].property];
    if (value < f->ranges[i].min || value > f->ranges[i].max) {
      return 0;
    }
  }
  return 1;
}

/* What RocksDB asks when an iterator comes to a table. */
static unsigned char rb_table_kept(void *state, const rocksdb_table_properties_t *p) {
  uint64_t values[RB_TABLE_PROPERTIES];
  for (size_t i = 0; i < RB_TABLE_PROPERTIES; i++) {
    values[i] = rb_table_getters[i](p);
  }
  return rb_table_values_kept(state, values);
}

bool rb_table_filter_set(rocksdb_readoptions_t *read, rb_table_filter *f) {
  if (f == NULL) {
    return true;
  }
  if (rb_table_filter_offered()) {
    rocksdb_readoptions_set_table_filter(read, f, NULL, rb_table_kept);
    return true;
  }
  rb_status s = rb_cxx_table_filter(read, rb_table_values_kept, f);
  bool ok = s.code == RB_OK;
  rb_free(s.msg);
  return ok;
}
