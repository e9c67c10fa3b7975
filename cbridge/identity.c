/* identity.c: the name that RocksDB drew for a database. */
#include "handles.h"
#include "later.h"

rb_identity rb_identity_get(rb_db *db) {
  rb_identity r = {NULL, 0, {RB_OK, NULL}};
  if (!rb_supports(RB_FEATURE_IDENTITY)) {
    r.status.code = RB_UNSUPPORTED;
    return r;
  }
  size_t len = 0;
  r.text = rocksdb_get_db_identity(db->db, &len);
  r.len = len;
  if (r.text == NULL) {
    r.status = rb_status_make(RB_INCOMPLETE, "RocksDB does not tell the identity");
  }
  return r;
}
