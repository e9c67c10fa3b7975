/* ingest.c: table files that become part of a database. */
#include <stdlib.h>
#include <string.h>

#include "handles.h"
#include "later.h"

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
  if (o.bottommost) {
    rocksdb_ingestexternalfileoptions_set_fail_if_not_bottommost_level(i, 1);
  }
  return i;
}

rb_status rb_ingest(rb_family *f, const char *paths, size_t n, rb_ingest_options o) {
  if (f->db->read_only) {
    return rb_read_only();
  }
  if (o.bottommost && !rb_supports(RB_FEATURE_INGEST_BOTTOMMOST)) {
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
