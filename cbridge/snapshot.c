/* snapshot.c: snapshots of the whole database. */
#include <stdlib.h>

#include "handles.h"
#include "later.h"

rb_snapshot *rb_snapshot_new(rb_db *db) {
  rb_snapshot *s = calloc(1, sizeof *s);
  if (s == NULL) {
    return NULL;
  }
  s->read = rb_readoptions_new(0);
  if (s->read == NULL) {
    free(s);
    return NULL;
  }
  s->db = db;
  atomic_init(&s->holders, 1);
  s->snap = rocksdb_create_snapshot(db->db);
  rocksdb_readoptions_set_snapshot(s->read, s->snap);
  return s;
}

rb_sequence rb_snapshot_sequence(rb_snapshot *s) {
  rb_sequence q = {0, {RB_OK, NULL}};
  if (rocksdb_snapshot_get_sequence_number == NULL) {
    q.status.code = RB_UNSUPPORTED;
    return q;
  }
  q.value = rocksdb_snapshot_get_sequence_number(s->snap);
  return q;
}

void rb_snapshot_free(rb_snapshot *s) {
  if (s == NULL || atomic_fetch_sub(&s->holders, 1) > 1) {
    return;
  }
  rocksdb_readoptions_destroy(s->read);
  rocksdb_release_snapshot(s->db->db, s->snap);
  free(s);
}
