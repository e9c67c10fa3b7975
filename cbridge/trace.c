/* trace.c: RocksDB records into files what it is asked and what it does. */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"
#include "later.h"

bool rb_trace_offered(void) {
  return rocksdb_trace_options_create != NULL && rocksdb_trace_options_destroy != NULL &&
         rocksdb_trace_options_set_max_trace_file_size != NULL &&
         rocksdb_trace_options_set_sampling_frequency != NULL &&
         rocksdb_trace_options_set_filter != NULL &&
         rocksdb_trace_options_set_preserve_write_order != NULL && rocksdb_start_trace != NULL &&
         rocksdb_end_trace != NULL && rocksdb_start_io_trace != NULL &&
         rocksdb_end_io_trace != NULL && rocksdb_start_block_cache_trace != NULL &&
         rocksdb_end_block_cache_trace != NULL;
}

/* By RocksDB's C API, which opens the file by the database's environment if it is given none: that
 * may be one in memory. */
static rb_status rb_trace_start_by_c(rb_db *db, uint32_t kind, const char *path,
                                     const rb_trace_options *o) {
  char *err = NULL;
  rocksdb_env_t *disk = rocksdb_create_default_env();
  rocksdb_trace_options_t *t = rocksdb_trace_options_create();
  rocksdb_trace_options_set_max_trace_file_size(t, o->max_bytes);
  rocksdb_trace_options_set_sampling_frequency(t, o->every);
  rocksdb_trace_options_set_filter(t, o->without);
  rocksdb_trace_options_set_preserve_write_order(t, o->ordered);
  switch (kind) {
    case RB_TRACE_IO:
      rocksdb_start_io_trace(db->db, disk, NULL, t, path, &err);
      break;
    case RB_TRACE_CACHE:
      rocksdb_start_block_cache_trace(db->db, disk, NULL, t, path, &err);
      break;
    default:
      rocksdb_start_trace(db->db, disk, NULL, t, path, &err);
      break;
  }
  rocksdb_trace_options_destroy(t);
  rocksdb_env_destroy(disk); /* the default one lives on */
  return rb_status_from(err);
}

rb_status rb_tracing_start(rb_db *db, uint32_t kind, const char *path, rb_trace_options o) {
  if (!rb_supports(RB_FEATURE_TRACES)) {
    return rb_status_make(RB_UNSUPPORTED, NULL);
  }
  if (kind >= RB_TRACE_KINDS) {
    return rb_status_make(RB_INVALID_ARGUMENT, "there is no such kind of trace");
  }
  if (db->tracing[kind]) {
    return rb_status_make(RB_BUSY, "there is such a trace already");
  }
  rb_status s = rb_cxx_offered() ? rb_cxx_trace_start(db->db, kind, path, &o, &db->traces[kind])
                                 : rb_trace_start_by_c(db, kind, path, &o);
  db->tracing[kind] = s.code == RB_OK;
  return s;
}

static rb_status rb_trace_end_by_c(rb_db *db, uint32_t kind) {
  char *err = NULL;
  switch (kind) {
    case RB_TRACE_IO:
      rocksdb_end_io_trace(db->db, &err);
      break;
    case RB_TRACE_CACHE:
      rocksdb_end_block_cache_trace(db->db, &err);
      break;
    default:
      rocksdb_end_trace(db->db, &err);
      break;
  }
  return rb_status_from(err);
}

rb_status rb_tracing_end(rb_db *db, uint32_t kind) {
  if (kind >= RB_TRACE_KINDS || !db->tracing[kind]) {
    return rb_status_make(RB_INVALID_ARGUMENT, "there is no such trace");
  }
  struct rb_cxx_trace *t = db->traces[kind];
  db->traces[kind] = NULL;
  db->tracing[kind] = false;
  return t != NULL ? rb_cxx_trace_end(db->db, kind, t) : rb_trace_end_by_c(db, kind);
}

void rb_traces_close(rb_db *db) {
  for (uint32_t kind = 0; kind < RB_TRACE_KINDS; kind++) {
    if (db->tracing[kind]) {
      rb_free(rb_tracing_end(db, kind).msg);
    }
  }
}
