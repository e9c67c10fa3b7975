/* listen.c: the listener that RocksDB's C API has from 10.3 on. It tells of fewer kinds of events
 * than that of C++, and less of some. */
#include "listen.h"

#include <stdlib.h>
#include <string.h>

#include "cxx.h"

/* A NUL-terminated copy of what RocksDB lends without one; NULL when memory is short. */
static char *rb_lent(const char *s, size_t len) { return s != NULL ? strndup(s, len) : NULL; }

static void rb_put_flush(rb_events *e, uint32_t kind, const rocksdb_flushjobinfo_t *i) {
  rb_event v = rb_event_of(kind);
  size_t family_len = 0;
  size_t path_len = 0;
  const char *family = rocksdb_flushjobinfo_cf_name(i, &family_len);
  const char *path = rocksdb_flushjobinfo_file_path(i, &path_len);
  char *f = rb_lent(family, family_len);
  char *p = rb_lent(path, path_len);
  v.family = f;
  v.path = p;
  v.first_sequence = rocksdb_flushjobinfo_smallest_seqno(i);
  v.last_sequence = rocksdb_flushjobinfo_largest_seqno(i);
  rb_events_put(e, &v);
  free(f);
  free(p);
}

static void rb_on_flush_begin(void *e, rocksdb_t *db, const rocksdb_flushjobinfo_t *i) {
  (void)db;
  rb_put_flush(e, RB_EVENT_FLUSH_BEGUN, i);
}

static void rb_on_flush_completed(void *e, rocksdb_t *db, const rocksdb_flushjobinfo_t *i) {
  (void)db;
  rb_put_flush(e, RB_EVENT_FLUSH_COMPLETED, i);
}

static void rb_put_compaction(rb_events *e, uint32_t kind, const rocksdb_compactionjobinfo_t *i) {
  rb_event v = rb_event_of(kind);
  size_t len = 0;
  const char *family = rocksdb_compactionjobinfo_cf_name(i, &len);
  char *f = rb_lent(family, len);
  char *err = NULL;
  rocksdb_compactionjobinfo_status(i, &err);
  rb_status s = rb_status_from(err);
  v.family = f;
  v.code = s.code;
  v.text = s.msg;
  v.reason = (int32_t)rocksdb_compactionjobinfo_compaction_reason(i);
  v.level = rocksdb_compactionjobinfo_base_input_level(i);
  v.output_level = rocksdb_compactionjobinfo_output_level(i);
  v.files_in = rocksdb_compactionjobinfo_input_files_count(i);
  v.files_out = rocksdb_compactionjobinfo_output_files_count(i);
  v.records_in = rocksdb_compactionjobinfo_input_records(i);
  v.records_out = rocksdb_compactionjobinfo_output_records(i);
  v.bytes_in = rocksdb_compactionjobinfo_total_input_bytes(i);
  v.bytes_out = rocksdb_compactionjobinfo_total_output_bytes(i);
  v.micros = rocksdb_compactionjobinfo_elapsed_micros(i);
  rb_events_put(e, &v);
  free(f);
  rb_free(s.msg);
}

static void rb_on_compaction_begin(void *e, rocksdb_t *db, const rocksdb_compactionjobinfo_t *i) {
  (void)db;
  rb_put_compaction(e, RB_EVENT_COMPACTION_BEGUN, i);
}

static void rb_on_compaction_completed(void *e, rocksdb_t *db,
                                       const rocksdb_compactionjobinfo_t *i) {
  (void)db;
  rb_put_compaction(e, RB_EVENT_COMPACTION_COMPLETED, i);
}

static void rb_on_subcompaction(void *e, const rocksdb_subcompactionjobinfo_t *i) {
  (void)e;
  (void)i;
}

static void rb_on_ingested(void *e, rocksdb_t *db, const rocksdb_externalfileingestioninfo_t *i) {
  (void)db;
  rb_event v = rb_event_of(RB_EVENT_FILE_INGESTED);
  size_t family_len = 0;
  size_t path_len = 0;
  const char *family = rocksdb_externalfileingestioninfo_cf_name(i, &family_len);
  const char *path = rocksdb_externalfileingestioninfo_internal_file_path(i, &path_len);
  char *f = rb_lent(family, family_len);
  char *p = rb_lent(path, path_len);
  v.family = f;
  v.path = p;
  rb_events_put(e, &v);
  free(f);
  free(p);
}

static void rb_on_background_error(void *e, uint32_t reason, rocksdb_status_ptr_t *status) {
  rb_event v = rb_event_of(RB_EVENT_BACKGROUND_ERROR);
  rb_status s = {RB_UNKNOWN, NULL}; /* before 10.6 nothing tells which */
  if (rocksdb_status_ptr_get_error != NULL) {
    char *err = NULL;
    rocksdb_status_ptr_get_error(status, &err);
    s = rb_status_from(err);
  }
  v.reason = (int32_t)reason;
  v.code = s.code;
  v.text = s.msg;
  rb_events_put(e, &v);
  rb_free(s.msg);
}

/* RocksDB hands out a pointer to the number of its enumeration, in the order that it has from 8.1
 * on. */
static uint32_t rb_stall_of(const rocksdb_writestallcondition_t *c) {
  static const uint32_t known[] = {RB_STALL_DELAYED, RB_STALL_STOPPED, RB_STALL_NONE};
  int n = 0;
  memcpy(&n, c, sizeof n);
  return n >= 0 && n < 3 ? known[n] : RB_STALL_NONE;
}

static void rb_on_stall(void *e, const rocksdb_writestallinfo_t *i) {
  rb_event v = rb_event_of(RB_EVENT_STALL_CHANGED);
  size_t len = 0;
  const char *family = rocksdb_writestallinfo_cf_name(i, &len);
  char *f = rb_lent(family, len);
  v.family = f;
  v.stall = rb_stall_of(rocksdb_writestallinfo_cur(i));
  v.stall_before = rb_stall_of(rocksdb_writestallinfo_prev(i));
  rb_events_put(e, &v);
  free(f);
}

static void rb_on_sealed(void *e, const rocksdb_memtableinfo_t *i) {
  rb_event v = rb_event_of(RB_EVENT_MEMTABLE_SEALED);
  size_t len = 0;
  const char *family = rocksdb_memtableinfo_cf_name(i, &len);
  char *f = rb_lent(family, len);
  v.family = f;
  v.entries = rocksdb_memtableinfo_num_entries(i);
  v.deletes = rocksdb_memtableinfo_num_deletes(i);
  v.first_sequence = rocksdb_memtableinfo_first_seqno(i);
  rb_events_put(e, &v);
  free(f);
}

static void rb_listener_ended(void *e) { rb_events_free(e); }

bool rb_listeners(void) {
  return rocksdb_eventlistener_create != NULL && rocksdb_options_add_eventlistener != NULL;
}

rb_status rb_listen(rocksdb_options_t *o, rb_events *e) {
  if (rb_cxx_offered()) {
    return rb_cxx_listen(o, e);
  }
  if (!rb_listeners()) {
    return rb_status_make(RB_UNSUPPORTED, NULL);
  }
  rocksdb_eventlistener_t *l = rocksdb_eventlistener_create(
      rb_events_hold(e), rb_listener_ended, rb_on_flush_begin, rb_on_flush_completed,
      rb_on_compaction_begin, rb_on_compaction_completed, rb_on_subcompaction, rb_on_subcompaction,
      rb_on_ingested, rb_on_background_error, rb_on_stall, rb_on_sealed);
  rocksdb_options_add_eventlistener(o, l); /* which owns it */
  rb_status s = {RB_OK, NULL};
  return s;
}
