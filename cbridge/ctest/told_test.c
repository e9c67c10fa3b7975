/* told_test.c: what RocksDB is told where nothing else shows it. */
/* link: -Wl,--wrap=rocksdb_write,--wrap=rocksdb_readoptions_set_readahead_size */
/* link: -Wl,--wrap=rocksdb_readoptions_set_background_purge_on_iterator_cleanup */
/* link: -Wl,--wrap=rocksdb_singledelete_cf */
#include "fixture.h"

#include "rocksdb/c.h"

static int synced;
static size_t readahead;
static int purges;
static int single_deletes;

void __real_rocksdb_write(rocksdb_t *db, const rocksdb_writeoptions_t *o, rocksdb_writebatch_t *b,
                          char **err);
void __wrap_rocksdb_write(rocksdb_t *db, const rocksdb_writeoptions_t *o, rocksdb_writebatch_t *b,
                          char **err);
void __wrap_rocksdb_write(rocksdb_t *db, const rocksdb_writeoptions_t *o, rocksdb_writebatch_t *b,
                          char **err) {
  synced += rocksdb_writeoptions_get_sync((rocksdb_writeoptions_t *)(uintptr_t)o);
  assert_int_equal(rocksdb_writebatch_count(b), 0);
  __real_rocksdb_write(db, o, b, err);
}

void __real_rocksdb_readoptions_set_readahead_size(rocksdb_readoptions_t *o, size_t n);
void __wrap_rocksdb_readoptions_set_readahead_size(rocksdb_readoptions_t *o, size_t n);
void __wrap_rocksdb_readoptions_set_readahead_size(rocksdb_readoptions_t *o, size_t n) {
  readahead = n;
  __real_rocksdb_readoptions_set_readahead_size(o, n);
}

void __wrap_rocksdb_readoptions_set_background_purge_on_iterator_cleanup(rocksdb_readoptions_t *o,
                                                                         unsigned char on);
void __wrap_rocksdb_readoptions_set_background_purge_on_iterator_cleanup(rocksdb_readoptions_t *o,
                                                                         unsigned char on) {
  (void)o;
  purges += on;
}

void __real_rocksdb_singledelete_cf(rocksdb_t *db, const rocksdb_writeoptions_t *o,
                                    rocksdb_column_family_handle_t *h, const char *key, size_t klen,
                                    char **err);
void __wrap_rocksdb_singledelete_cf(rocksdb_t *db, const rocksdb_writeoptions_t *o,
                                    rocksdb_column_family_handle_t *h, const char *key, size_t klen,
                                    char **err);
void __wrap_rocksdb_singledelete_cf(rocksdb_t *db, const rocksdb_writeoptions_t *o,
                                    rocksdb_column_family_handle_t *h, const char *key, size_t klen,
                                    char **err) {
  single_deletes++;
  __real_rocksdb_singledelete_cf(db, o, h, key, klen, err);
}

static void a_single_delete_is_no_plain_one(void **state) {
  struct fixture *f = *state;
  single_deletes = 0;
  fx_ok(rb_apply(f->family, RB_DELETE, 0, BYTES("key"), NULL, 0));
  assert_int_equal(single_deletes, 0);
  fx_ok(rb_apply(f->family, RB_SINGLE_DELETE, 0, BYTES("key"), NULL, 0));
  assert_int_equal(single_deletes, 1);
}

static void sync_wal_syncs(void **state) {
  struct fixture *f = *state;
  synced = 0;
  fx_ok(rb_sync_wal(f->db));
  assert_int_equal(synced, 1);
}

static void a_batch_of_rocksdb_is_written_with_its_flags(void **state) {
  struct fixture *f = *state;
  rb_cbatch *b = rb_cbatch_new();
  synced = 0;
  fx_ok(rb_cbatch_write(f->db, 0, b));
  assert_int_equal(synced, 0);
  fx_ok(rb_cbatch_write(f->db, RB_WRITE_SYNC, b));
  assert_int_equal(synced, 1);
  rb_cbatch_free(b);
}

static void readahead_is_passed_on_and_kept_by_a_refresh(void **state) {
  struct fixture *f = *state;
  rb_iter_options o = {.readahead = 12345};
  rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  assert_int_equal(readahead, 12345);
  readahead = 0;
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(readahead, 12345);
}

static void no_iterator_deletes_files_itself(void **state) {
  struct fixture *f = *state;
  purges = 0;
  rb_iter_result r = rb_iter_new(f->family, NULL, (rb_iter_options){0}, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  assert_int_equal(purges, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_single_delete_is_no_plain_one),
      CASE(sync_wal_syncs),
      CASE(a_batch_of_rocksdb_is_written_with_its_flags),
      CASE(readahead_is_passed_on_and_kept_by_a_refresh),
      CASE(no_iterator_deletes_files_itself),
  };
  return cmocka_run_group_tests_name("told", tests, NULL, NULL);
}
