/* ingest.c: table files that become part of a database. */
#include <stdlib.h>
#include <string.h>

#include "cxx.h"
#include "handles.h"
#include "later.h"

bool rb_ingest_links_offered(void) {
  return rocksdb_ingestexternalfileoptions_set_link_files != NULL &&
         rocksdb_ingestexternalfileoptions_set_fill_cache != NULL &&
         rocksdb_ingestexternalfileoptions_set_prefetch_lmax_index_and_filter_blocks != NULL &&
         rocksdb_ingestexternalfileoptions_set_file_opening_threads != NULL;
}

bool rb_ingest_no_copy_offered(void) {
  return rocksdb_ingestexternalfileoptions_set_failed_move_fall_back_to_copy != NULL;
}

/* Whether RocksDB has all that the options ask for. */
static bool rb_ingest_offered(rb_ingest_options o) {
  bool links = o.link != 0 || o.no_fill != 0 || o.threads > 0;
  return (!o.bottommost || rb_supports(RB_FEATURE_INGEST_BOTTOMMOST)) &&
         (!links || rb_supports(RB_FEATURE_INGEST_LINKS)) &&
         (!o.no_copy || rb_supports(RB_FEATURE_INGEST_NO_COPY));
}

/* Sets what came after 7.8, and is there. */
static void rb_ingest_options_later(rocksdb_ingestexternalfileoptions_t *i, rb_ingest_options o) {
  if (o.bottommost) {
    rocksdb_ingestexternalfileoptions_set_fail_if_not_bottommost_level(i, 1);
  }
  if (o.link) {
    rocksdb_ingestexternalfileoptions_set_link_files(i, 1);
  }
  if (o.no_fill) { /* the second is what files that go into the last level are opened with */
    rocksdb_ingestexternalfileoptions_set_fill_cache(i, 0);
    rocksdb_ingestexternalfileoptions_set_prefetch_lmax_index_and_filter_blocks(i, 0);
  }
  if (o.threads > 0) {
    rocksdb_ingestexternalfileoptions_set_file_opening_threads(i, (int)o.threads);
  }
  if (o.no_copy && rb_ingest_no_copy_offered()) {
    rocksdb_ingestexternalfileoptions_set_failed_move_fall_back_to_copy(i, 0);
  } else if (o.no_copy) {
    rb_cxx_ingest_no_copy(i);
  }
}

/* Turns the options into RocksDB's. */
static rocksdb_ingestexternalfileoptions_t *rb_ingest_options_new(rb_ingest_options o) {
  rocksdb_ingestexternalfileoptions_t *i = rocksdb_ingestexternalfileoptions_create();
  if (i == NULL) {
    return NULL;
  }
  rocksdb_ingestexternalfileoptions_set_move_files(i, o.move);
  rocksdb_ingestexternalfileoptions_set_ingest_behind(i, o.behind);
  rocksdb_ingestexternalfileoptions_set_allow_global_seqno(i, !o.no_sequence);
  rocksdb_ingestexternalfileoptions_set_snapshot_consistency(i, !o.ignore_snapshots);
  rocksdb_ingestexternalfileoptions_set_allow_blocking_flush(i, !o.no_flush);
  rb_ingest_options_later(i, o);
  return i;
}

rb_status rb_ingest(rb_family *f, const char *paths, size_t n, rb_ingest_options o) {
  if (f->db->read_only) {
    return rb_read_only();
  }
  if (!rb_ingest_offered(o)) {
    return rb_status_make(RB_UNSUPPORTED, NULL);
  }
  const char **files = calloc(n, sizeof *files);
  rocksdb_ingestexternalfileoptions_t *i = files == NULL ? NULL : rb_ingest_options_new(o);
  if (i == NULL) {
    free(files);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  for (size_t k = 0; k < n; k++) {
    files[k] = paths;
    paths += strlen(paths) + 1;
  }
  char *err = NULL;
  rb_hold_begin(f->db);
  rocksdb_ingest_external_file_cf(f->db->db, f->handle, files, n, i, &err);
  rocksdb_ingestexternalfileoptions_destroy(i);
  free(files);
  return rb_hold_end(f->db, rb_status_from(err));
}
