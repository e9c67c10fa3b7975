/* openandcompact.c: one compaction of a database that is open elsewhere. */
#include <stdlib.h>

#include "handles.h"
#include "later.h"

struct rb_worker {
  unsigned char *flag; /* RocksDB's; NULL: it has none */
};

bool rb_open_and_compact_offered(void) {
  return rocksdb_open_and_compact_with_options != NULL &&
         rocksdb_open_and_compact_options_create != NULL &&
         rocksdb_compaction_service_options_override_create_from_options != NULL &&
         rocksdb_compaction_service_options_override_set_option != NULL;
}

rb_worker *rb_worker_new(void) {
  rb_worker *w = calloc(1, sizeof *w);
  if (w != NULL && rb_open_and_compact_offered()) {
    w->flag = rocksdb_open_and_compact_canceled_create();
  }
  return w;
}

void rb_worker_stop(rb_worker *w) {
  if (w->flag != NULL) {
    rocksdb_open_and_compact_canceled_set(w->flag, 1);
  }
}

void rb_worker_free(rb_worker *w) {
  if (w->flag != NULL) {
    rocksdb_open_and_compact_canceled_destroy(w->flag);
  }
  free(w);
}

rb_compacted rb_plan_open_and_compact(rb_plan *p, const char *family, const char *output,
                                      const uint8_t *input, size_t len, rb_worker *w) {
  rb_compacted r = {NULL, 0, {RB_OK, NULL}};
  if (!rb_open_and_compact_offered()) {
    r.status = rb_status_make(RB_UNSUPPORTED, NULL);
    return r;
  }
  const rocksdb_options_t *of = rb_plan_options(p, family);
  if (of == NULL) {
    r.status = rb_status_make(RB_NOT_FOUND, "the plan has no such family");
    return r;
  }
  rocksdb_compaction_service_options_override_t *own =
      rocksdb_compaction_service_options_override_create_from_options((rocksdb_options_t *)of);
  /* RocksDB would put blob files among the database's, and would not tell of them. */
  rocksdb_compaction_service_options_override_set_option(own, "enable_blob_files", "false");
  rocksdb_open_and_compact_options_t *o = rocksdb_open_and_compact_options_create();
  rocksdb_open_and_compact_options_set_canceled(o, w->flag);
  char *err = NULL;
  r.data = (uint8_t *)rocksdb_open_and_compact_with_options(
      o, rb_plan_path(p), output, (const char *)input, len, &r.len, own, &err);
  rocksdb_open_and_compact_options_destroy(o);
  rocksdb_compaction_service_options_override_destroy(own);
  r.status = rb_status_from(err);
  if (r.status.code == RB_OK) {
    r.status = rb_order_sound(rb_plan_order(p, family));
  }
  if (r.status.code != RB_OK) {
    free(r.data);
    r.data = NULL;
    r.len = 0;
  }
  return r;
}
