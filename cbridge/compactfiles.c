/* compactfiles.c: compactions of files that the caller has chosen. */
#include <stdlib.h>

#include "cxx.h"
#include "handles.h"

struct rb_stop {
  unsigned char *flag; /* RocksDB's; NULL: it has none */
};

bool rb_compact_files_offered(void) {
  return rocksdb_compact_files_cf != NULL && rocksdb_compaction_options_create != NULL &&
         rocksdb_compaction_options_destroy != NULL &&
         rocksdb_compaction_options_set_output_file_size_limit != NULL &&
         rocksdb_compaction_options_canceled_create != NULL &&
         rocksdb_compaction_options_canceled_destroy != NULL &&
         rocksdb_compaction_options_canceled_set != NULL &&
         rocksdb_compaction_options_set_canceled != NULL;
}

rb_stop *rb_stop_new(void) {
  rb_stop *s = calloc(1, sizeof *s);
  if (s != NULL && rb_compact_files_offered()) {
    s->flag = rocksdb_compaction_options_canceled_create();
  }
  return s;
}

void rb_stop_set(rb_stop *s) {
  if (s->flag != NULL) {
    rocksdb_compaction_options_canceled_set(s->flag, 1);
  }
}

void rb_stop_free(rb_stop *s) {
  if (s->flag != NULL) {
    rocksdb_compaction_options_canceled_destroy(s->flag);
  }
  free(s);
}

/* By RocksDB's C API. */
static rb_status rb_compact_files_by_c(rb_family *f, const char *names, size_t n, int32_t level,
                                       uint64_t most, rb_stop *s) {
  const char **files = calloc(n, sizeof *files);
  if (files == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  for (size_t i = 0; i < n; i++) {
    files[i] = names;
    names += strlen(names) + 1;
  }
  rocksdb_compaction_options_t *o = rocksdb_compaction_options_create();
  if (most > 0) {
    rocksdb_compaction_options_set_output_file_size_limit(o, most);
  }
  rocksdb_compaction_options_set_canceled(o, s->flag);
  char *err = NULL;
  rocksdb_compact_files_cf(f->db->db, f->handle, o, files, n, level, -1, NULL, NULL, NULL, &err);
  rocksdb_compaction_options_destroy(o);
  free(files);
  return rb_status_from(err);
}

rb_status rb_compact_files(rb_family *f, const char *names, size_t n, int32_t level, uint64_t most,
                           rb_stop *s) {
  if (f->db->read_only) {
    return rb_read_only();
  }
  rb_status r = rb_orders_sound(&f->db->orders);
  if (r.code != RB_OK) {
    return r;
  }
  if (rb_compact_files_offered()) {
    r = rb_compact_files_by_c(f, names, n, level, most, s);
  } else if (rb_cxx_offered()) {
    r = rb_cxx_compact_files(f->db->db, f->handle, names, n, level, most);
  } else {
    return rb_status_make(RB_UNSUPPORTED, NULL);
  }
  return r.code != RB_OK ? r : rb_orders_sound(&f->db->orders);
}
