/* trim.c: a database that is cut back to a timestamp while it is opened. */
#include "handles.h"

rb_status rb_plan_trim(rb_plan *p, const char *name, uint64_t timestamp, uint8_t *automatic) {
  rocksdb_options_t *o = (rocksdb_options_t *)rb_plan_options(p, name);
  if (o == NULL) {
    return rb_status_make(RB_NOT_FOUND, "the plan has no such family");
  }
  if (rocksdb_options_get_compaction_style(o) == rocksdb_fifo_compaction) {
    return rb_status_make(RB_UNSUPPORTED, "FIFO compaction drops no rows by their timestamps");
  }
  *automatic = !rocksdb_options_get_disable_auto_compactions(o);
  /* RocksDB looks which levels there are, and then waits for compactions that are under way: what
   * one of these has moved further down meanwhile it would pass over. */
  rocksdb_options_set_disable_auto_compactions(o, 1);
  rb_plan_trim_to(p, timestamp);
  return rb_ok();
}

rb_status rb_trim_open(const struct rb_tx_plan *p, uint64_t timestamp, rb_db *db,
                       rocksdb_column_family_handle_t **handles) {
  struct rb_stamp stamp = rb_stamp_of(timestamp);
  char *err = NULL;
  rocksdb_t *made = rocksdb_open_and_trim_history(p->db_options, p->path, p->count, p->names,
                                                  p->options, handles, stamp.bytes, RB_STAMP, &err);
  db->db = err == NULL ? made : NULL;
  return rb_status_from(err);
}
