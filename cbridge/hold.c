/* hold.c: files that RocksDB may not delete while a call of ours writes its manifest. */
#include "handles.h"
#include "later.h"

/* A manifest that cannot be written, on a full disk for instance, puts RocksDB into a state in
 * which it wants the deletion of files to be off: when it recovers from another error before 8.7,
 * it asserts that (DBImpl::ResumeImpl). It turns deletions off where its own threads write the
 * manifest, but not where a caller does. So deletions are turned off before such a call, and stay
 * off if it fails: RocksDB turns them on when it recovers, and the next call that succeeds does.
 *
 * rocksdb_wait_for_compact came with 8.7, and stands for the version. */
static bool rb_hold_needed(void) { return rocksdb_wait_for_compact == NULL; }

/* Before 9.0 the function has a flag, to turn deletions on however often they were turned off. */
typedef void rb_enable_deletions(rocksdb_t *, unsigned char, char **);

/* The inverse of one rocksdb_disable_file_deletions. Both fail only by what the next write would
 * fail by, too. */
static void rb_hold_release(rb_db *db) {
  char *err = NULL;
  rb_enable_deletions *enable =
      (rb_enable_deletions *)(void (*)(void))rocksdb_enable_file_deletions;
  enable(db->db, 0, &err);
  rb_status s = rb_status_from(err);
  rb_free(s.msg);
}

void rb_hold_begin(rb_db *db) {
  if (rb_hold_needed()) {
    char *err = NULL;
    rocksdb_disable_file_deletions(db->db, &err);
    rb_status s = rb_status_from(err);
    rb_free(s.msg);
  }
}

/* Whether RocksDB itself has turned deletions on since a call failed. */
static bool rb_hold_lifted(rb_db *db) {
  uint64_t on = 0;
  return rocksdb_property_int(db->db, "rocksdb.is-file-deletions-enabled", &on) == 0 && on == 1;
}

rb_status rb_hold_end(rb_db *db, rb_status s) {
  if (!rb_hold_needed()) {
    return s;
  }
  if (s.code == RB_IO || s.code == RB_NO_SPACE) {
    if (atomic_exchange(&db->held, true)) {
      rb_hold_release(db); /* once is enough */
    }
    return s;
  }
  rb_hold_release(db);
  if (s.code == RB_OK && atomic_exchange(&db->held, false) && !rb_hold_lifted(db)) {
    rb_hold_release(db); /* the manifest has been written anew */
  }
  return s;
}
