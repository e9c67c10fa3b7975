// Stands before rocksdb_close in the instrumented library: a Go program ends without running what C
// registered for its end, so the profile is written whenever a database has been closed. Files are
// added to, not overwritten.

typedef struct rocksdb_t rocksdb_t;

void rb_rocksdb_close(rocksdb_t *db);
void __gcov_dump(void);
void __gcov_reset(void);
void rocksdb_close(rocksdb_t *db);

void rocksdb_close(rocksdb_t *db) {
  rb_rocksdb_close(db);
  __gcov_dump();
  __gcov_reset();
}
