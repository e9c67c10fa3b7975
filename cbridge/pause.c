/* pause.c: RocksDB's work in the background, paused. */
#include "cxx.h"
#include "handles.h"

bool rb_pause_offered(void) {
  return rocksdb_pause_background_work != NULL && rocksdb_continue_background_work != NULL;
}

rb_status rb_pause_background(rb_db *db) {
  if (rb_pause_offered()) {
    char *err = NULL;
    rocksdb_pause_background_work(db->db, &err);
    return rb_status_from(err);
  }
  return rb_cxx_offered() ? rb_cxx_pause(db->db) : rb_status_make(RB_UNSUPPORTED, NULL);
}

rb_status rb_continue_background(rb_db *db) {
  if (rb_pause_offered()) {
    char *err = NULL;
    rocksdb_continue_background_work(db->db, &err);
    return rb_status_from(err);
  }
  return rb_cxx_offered() ? rb_cxx_continue(db->db) : rb_status_make(RB_UNSUPPORTED, NULL);
}
