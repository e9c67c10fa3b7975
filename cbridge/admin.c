/* admin.c: what concerns the database as a whole. */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"
#include "later.h"
#include "listen.h"
#include "tablefilter.h"

/* Features that are one function of RocksDB's. */
static uint8_t rb_has_call(uint32_t feature) {
  switch (feature) {
    case RB_FEATURE_FLUSH_FAMILIES:
      return rocksdb_flush_cfs != NULL;
    case RB_FEATURE_SNAPSHOT_SEQUENCE:
      return rocksdb_snapshot_get_sequence_number != NULL;
    case RB_FEATURE_SET_DB_OPTIONS:
      return rocksdb_set_db_options != NULL;
    case RB_FEATURE_INGEST_BOTTOMMOST:
      return rocksdb_ingestexternalfileoptions_set_fail_if_not_bottommost_level != NULL;
    case RB_FEATURE_ADAPTIVE:
      return rocksdb_readoptions_set_adaptive_readahead != NULL;
    case RB_FEATURE_IDENTITY:
      return rocksdb_get_db_identity != NULL;
    case RB_FEATURE_BACKUP_STOP:
      return rocksdb_backup_engine_stop_backup != NULL;
    case RB_FEATURE_ASYNC_IO:
      return rocksdb_readoptions_set_async_io != NULL;
    case RB_FEATURE_STATISTICS_LEVELS:
      return rocksdb_options_set_statistics_level != NULL;
    case RB_FEATURE_HYPER_CLOCK:
      return rocksdb_cache_create_hyper_clock != NULL;
    case RB_FEATURE_DELETIONS_SIZE:
      return rocksdb_options_add_compact_on_deletion_collector_factory_min_file_size != NULL;
    default:
      return 0;
  }
}

uint8_t rb_supports(uint32_t feature) {
  switch (feature) {
    case RB_FEATURE_WAIT_FOR_COMPACT:
      return rocksdb_wait_for_compact != NULL && rocksdb_wait_for_compact_options_create != NULL &&
             rocksdb_wait_for_compact_options_set_timeout != NULL &&
             rocksdb_wait_for_compact_options_destroy != NULL;
    case RB_FEATURE_WRITE_BUFFERS:
      return rb_write_buffers() || rb_cxx_offered();
    case RB_FEATURE_INGEST_LINKS:
      return rb_ingest_links_offered();
    case RB_FEATURE_INGEST_NO_COPY:
      return rb_ingest_no_copy_offered() || rb_cxx_offered();
    case RB_FEATURE_ALL_FILES:
      return rb_all_files_offered() || rb_cxx_offered();
    case RB_FEATURE_TRACES:
      return rb_trace_offered() || rb_cxx_offered();
    case RB_FEATURE_SIZE_FLAGS:
      return rb_size_flags_offered() || rb_size_options_offered() || rb_cxx_offered();
    case RB_FEATURE_SIZE_MARGIN:
      return rb_size_options_offered() || rb_cxx_offered();
    case RB_FEATURE_SIZE_BLOBS:
      return rb_size_options_offered();
    case RB_FEATURE_BACKUP_NOTE:
      return rocksdb_backup_engine_create_new_backup_with_metadata != NULL &&
             rocksdb_create_backup_options_create != NULL &&
             rocksdb_create_backup_options_destroy != NULL &&
             rocksdb_create_backup_options_set_flush_before_backup != NULL;
    case RB_FEATURE_COMPACTOR:
      return rb_compactor_offered();
    case RB_FEATURE_COMPACT_PARTS:
      return rb_compact_parts_offered() || rb_cxx_offered();
    case RB_FEATURE_COMPACT_BLOBS:
      return rb_compact_blobs_offered() || rb_cxx_offered();
    case RB_FEATURE_EVENTS:
      return rb_listeners() || rb_cxx_offered();
    case RB_FEATURE_RESUME:
    case RB_FEATURE_COMPACT_STATUS:
    case RB_FEATURE_WIDE_COLUMNS:
    case RB_FEATURE_IO_CONTEXT:
      return rb_cxx_offered();
    case RB_FEATURE_FAMILY_FILES:
      return rb_family_files_offered() || rb_cxx_offered();
    case RB_FEATURE_COMPACT_FILES:
      return rb_compact_files_offered() || rb_cxx_offered();
    case RB_FEATURE_PAUSE:
      return rb_pause_offered() || rb_cxx_offered();
    case RB_FEATURE_TABLE_FILTER:
      return rb_table_filter_offered() || rb_cxx_offered();
    case RB_FEATURE_TUNED_RATE_LIMIT:
      return rocksdb_ratelimiter_create_auto_tuned != NULL || rb_cxx_offered();
    case RB_FEATURE_RATE_LIMIT_MODE:
      return rocksdb_ratelimiter_create_with_mode != NULL || rb_cxx_offered();
    case RB_FEATURE_TABLE_NEWEST:
      return rb_table_filter_offered();
    case RB_FEATURE_DISK:
      return rb_disk_offered() || rb_cxx_offered();
    default:
      return rb_has_call(feature);
  }
}

const char *rb_cxx_words(void) { return rb_cxx_refusal != NULL ? rb_cxx_refusal() : NULL; }

rb_status rb_resume(rb_db *db) {
  return rb_cxx_offered() ? rb_cxx_resume(db->db) : rb_status_make(RB_UNSUPPORTED, NULL);
}

rb_status rb_wait_for_compact(rb_db *db, uint64_t timeout) {
  if (!rb_supports(RB_FEATURE_WAIT_FOR_COMPACT)) {
    rb_status s = {RB_UNSUPPORTED, NULL};
    return s;
  }
  char *err = NULL;
  rocksdb_wait_for_compact_options_t *o = rocksdb_wait_for_compact_options_create();
  rocksdb_wait_for_compact_options_set_timeout(o, timeout);
  rocksdb_wait_for_compact(db->db, o, &err);
  rocksdb_wait_for_compact_options_destroy(o);
  return rb_status_from(err);
}

rb_status rb_flush(rb_db *db, rb_family **families, size_t n) {
  char *err = NULL;
  if (n > 1 && rb_supports(RB_FEATURE_FLUSH_FAMILIES)) {
    rocksdb_column_family_handle_t **handles = malloc(n * sizeof(*handles));
    if (handles == NULL) {
      return rb_status_make(RB_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < n; i++) {
      handles[i] = families[i]->handle;
    }
    rocksdb_flush_cfs(db->db, db->flush, handles, (int)n, &err);
    free(handles);
    return rb_status_from(err);
  }
  for (size_t i = 0; i < n && err == NULL; i++) {
    rocksdb_flush_cf(db->db, db->flush, families[i]->handle, &err);
  }
  rb_status s = rb_status_from(err);
  return s.code == RB_OK ? rb_orders_sound(&db->orders) : s;
}

/* A synced write of nothing. */
static void rb_write_nothing(rb_db *db, char **err) {
  rocksdb_writebatch_t *b = rocksdb_writebatch_create();
  rocksdb_write(db->db, db->writes[RB_WRITE_SYNC], b, err);
  rocksdb_writebatch_destroy(b);
}

rb_status rb_sync_wal(rb_db *db) {
  if (db->read_only) {
    return rb_read_only(); /* under manual_wal_flush RocksDB would look for a log that is not there
                            */
  }
  char *err = NULL;
  rb_write_nothing(db, &err);
  return rb_status_from(err);
}

rb_status rb_flush_wal(rb_db *db) {
  if (db->read_only) {
    return rb_read_only(); /* as above */
  }
  char *err = NULL;
  rocksdb_flush_wal(db->db, 0, &err);
  return rb_status_from(err);
}

void rb_cancel_background(rb_db *db) { rocksdb_cancel_all_background_work(db->db, 0); }

rb_status rb_checkpoint(rb_db *db, const char *dir) {
  if (db->read_only) {
    return rb_read_only(); /* later versions copy what lies in files and leave out the log */
  }
  char *err = NULL;
  rocksdb_checkpoint_t *c = rocksdb_checkpoint_object_create(db->db, &err);
  if (err != NULL) {
    return rb_status_from(err);
  }
  rocksdb_checkpoint_create(c, dir, 0, &err);
  rocksdb_checkpoint_object_destroy(c);
  return rb_status_from(err);
}

char *rb_property(rb_family *f, const char *name) {
  return rocksdb_property_value_cf(f->db->db, f->handle, name);
}

uint64_t rb_latest_sequence(rb_db *db) { return rocksdb_get_latest_sequence_number(db->db); }
