/* compact.c: compactions of ranges by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"
#include "later.h"

bool rb_compact_parts_offered(void) {
  return rocksdb_compactoptions_set_max_subcompactions != NULL &&
         rocksdb_compactoptions_set_allow_write_stall != NULL;
}

bool rb_compact_blobs_offered(void) {
  return rocksdb_compactoptions_set_blob_garbage_collection_policy != NULL &&
         rocksdb_compactoptions_set_blob_garbage_collection_age_cutoff != NULL;
}

/* RocksDB counts the background errors of all families at the default one. */
static uint64_t rb_background_errors(rb_db *db) {
  uint64_t n = 0;
  if (rocksdb_property_int(db->db, "rocksdb.background-errors", &n) != 0) {
    return 0;
  }
  return n;
}

/* How many files a level of the family has; -1: there is no such level. */
static int64_t rb_files_at(const rb_family *f, int level) {
  char name[64];
  (void)snprintf(name, sizeof name, "rocksdb.num-files-at-level%d", level);
  char *files = rocksdb_property_value_cf(f->db->db, f->handle, name);
  if (files == NULL) {
    return -1;
  }
  int64_t n = strtoll(files, NULL, 10);
  rocksdb_free(files);
  return n;
}

/* Whether there are files above level 0, of which RocksDB's FIFO compaction knows nothing: asked to
 * compact one by hand, it ends the process where it has assertions (7.8.3). Files that were
 * ingested may lie there. */
static bool rb_fifo_above_0(const rb_family *f) {
  int64_t files = 0;
  for (int level = 1; f->fifo && files == 0; level++) {
    files = rb_files_at(f, level);
  }
  return files > 0;
}

/* Whether the options ask for nothing that RocksDB cannot do here. */
static rb_status rb_compaction_sound(const rb_family *f, const rb_compaction *o) {
  if (((o->subcompactions > 0 || o->allow_stall != 0) && !rb_supports(RB_FEATURE_COMPACT_PARTS)) ||
      ((o->blobs != RB_BLOBS_AS_SET || o->blob_age >= 0) &&
       !rb_supports(RB_FEATURE_COMPACT_BLOBS))) {
    return rb_status_make(RB_UNSUPPORTED, NULL);
  }
  if (o->change_level == 0) {
    return rb_status_make(RB_OK, NULL);
  }
  if (f->fifo) { /* it looks at level 0 only, and ends the process over others */
    return rb_status_make(RB_INVALID_ARGUMENT, "FIFO compaction has one level");
  }
  if (o->target == 0 || (o->target > 0 && rb_files_at(f, o->target) < 0)) {
    return rb_status_make(RB_INVALID_ARGUMENT, "the family has no such level above 0");
  }
  return rb_status_make(RB_OK, NULL);
}

/* RocksDB's C API does not tell whether files moved. */
static rb_status rb_moved(const rb_family *f, const rb_compaction *o) {
  if (o->change_level == 0 || o->target < 0 || rb_files_at(f, o->target) > 0) {
    return rb_status_make(RB_OK, NULL);
  }
  int64_t files = 0;
  for (int level = 0; files == 0; level++) {
    files = rb_files_at(f, level);
  }
  return files > 0 ? rb_status_make(RB_TRY_AGAIN, "no file is in the target level afterwards")
                   : rb_status_make(RB_OK, NULL); /* there is no file at all */
}

/* By RocksDB's C API, which drops the outcome. */
static rb_status rb_compact_by_c(const rb_family *f, const char *from, size_t from_len,
                                 const char *to, size_t to_len, const rb_compaction *o) {
  rocksdb_compactoptions_t *c = rocksdb_compactoptions_create();
  rocksdb_compactoptions_set_exclusive_manual_compaction(c, o->exclusive);
  rocksdb_compactoptions_set_bottommost_level_compaction(c, o->bottommost);
  rocksdb_compactoptions_set_change_level(c, o->change_level);
  rocksdb_compactoptions_set_target_level(c, o->target);
  if (rb_compact_parts_offered()) {
    rocksdb_compactoptions_set_max_subcompactions(c, (int)o->subcompactions);
    rocksdb_compactoptions_set_allow_write_stall(c, o->allow_stall);
  }
  if (rb_compact_blobs_offered()) {
    rocksdb_compactoptions_set_blob_garbage_collection_policy(c, o->blobs);
    rocksdb_compactoptions_set_blob_garbage_collection_age_cutoff(c, o->blob_age);
  }
  uint64_t before = rb_background_errors(f->db);
  rocksdb_compact_range_cf_opt(f->db->db, f->handle, c, from, from_len, to, to_len);
  rocksdb_compactoptions_destroy(c);
  if (rb_background_errors(f->db) > before) {
    return rb_status_make(RB_IO, "background error during the compaction");
  }
  return rb_moved(f, o);
}

/* A bound as RocksDB takes it: a NULL key is none. */
static const char *rb_bound_of(uint8_t has, const uint8_t *key, size_t len) {
  static const char empty[1] = {0};
  return !has ? NULL : len > 0 ? (const char *)key : empty;
}

rb_status rb_compact_with(rb_family *f, uint8_t has_start, const uint8_t *start, size_t start_len,
                          uint8_t has_end, const uint8_t *end, size_t end_len, rb_compaction o) {
  const char *from = rb_bound_of(has_start, start, start_len);
  const char *to = rb_bound_of(has_end, end, end_len);
  if (f->db->read_only) {
    return rb_read_only();
  }
  rb_status s = rb_orders_sound(&f->db->orders);
  if (s.code == RB_OK) {
    s = rb_compaction_sound(f, &o);
  }
  if (s.code != RB_OK) {
    return s;
  }
  if (rb_fifo_above_0(f)) { /* a flush is all there is to it: files go by age and size alone */
    char *err = NULL;
    rocksdb_flush_cf(f->db->db, f->db->flush, f->handle, &err);
    return rb_status_from(err);
  }
  s = rb_cxx_offered() ? rb_cxx_compact(f->db->db, f->handle, from, start_len, to, end_len, &o)
                       : rb_compact_by_c(f, from, start_len, to, end_len, &o);
  return s.code != RB_OK ? s : rb_orders_sound(&f->db->orders);
}

rb_status rb_compact(rb_family *f, uint8_t has_start, const uint8_t *start, size_t start_len,
                     uint8_t has_end, const uint8_t *end, size_t end_len) {
  static const rb_compaction how = RB_COMPACTION_DEFAULT;
  return rb_compact_with(f, has_start, start, start_len, has_end, end, end_len, how);
}

rb_status rb_suggest_compact(rb_family *f, uint8_t has_start, const uint8_t *start,
                             size_t start_len, uint8_t has_end, const uint8_t *end,
                             size_t end_len) {
  if (f->db->read_only) {
    return rb_read_only();
  }
  char *err = NULL;
  rb_family_reads(f); /* where files lie; nothing is built on it */
  rocksdb_suggest_compact_range_cf(f->db->db, f->handle, rb_bound_of(has_start, start, start_len),
                                   start_len, rb_bound_of(has_end, end, end_len), end_len, &err);
  rb_status s = rb_status_from(err);
  (void)rb_family_was_read(f, &s);
  return s;
}

void rb_pause_compaction(rb_db *db) { rocksdb_disable_manual_compaction(db->db); }

void rb_resume_compaction(rb_db *db) { rocksdb_enable_manual_compaction(db->db); }
