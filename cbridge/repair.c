/* repair.c: a database whose files are put together anew. */
#include "handles.h"

rb_status rb_plan_repair(rb_plan *p, const char *wal_dir) {
  rocksdb_options_t *o = (rocksdb_options_t *)rb_plan_options(p, "default");
  if (o == NULL) {
    return rb_status_make(RB_NOT_FOUND, "the plan has no default family");
  }
  if (wal_dir != NULL) {
    rocksdb_options_set_wal_dir(o, wal_dir);
  }
  char *err = NULL;
  rocksdb_repair_db(o, rb_plan_path(p), &err);
  return rb_status_from(err);
}
