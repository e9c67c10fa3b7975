/* iters_test.c: iterators over several families of one state. */
/* link: -Wl,--wrap=rocksdb_create_iterator_cf,--wrap=rocksdb_create_snapshot */
/* link: -Wl,--wrap=rocksdb_release_snapshot */
#include "fixture.h"
#include "rocksdb/c.h"

enum { FAMILIES = 4 };

static int fail_at = -1; /* the iterator whose family cannot be opened; -1: none */
static int made;
static int snapshots; /* open ones */

rocksdb_iterator_t *__real_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f);
rocksdb_iterator_t *__wrap_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f);

/* RocksDB answers an iterator with an error for a deadline that has passed. */
rocksdb_iterator_t *__wrap_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f) {
  if (made++ != fail_at) {
    return __real_rocksdb_create_iterator_cf(db, o, f);
  }
  rocksdb_readoptions_t *bad = rocksdb_readoptions_create();
  rocksdb_readoptions_set_read_tier(bad, 2); /* kPersistedTier: no iterator knows it */
  rocksdb_iterator_t *it = __real_rocksdb_create_iterator_cf(db, bad, f);
  rocksdb_readoptions_destroy(bad);
  return it;
}

const rocksdb_snapshot_t *__real_rocksdb_create_snapshot(rocksdb_t *db);
const rocksdb_snapshot_t *__wrap_rocksdb_create_snapshot(rocksdb_t *db);
void __real_rocksdb_release_snapshot(rocksdb_t *db, const rocksdb_snapshot_t *s);
void __wrap_rocksdb_release_snapshot(rocksdb_t *db, const rocksdb_snapshot_t *s);

const rocksdb_snapshot_t *__wrap_rocksdb_create_snapshot(rocksdb_t *db) {
  snapshots++;
  return __real_rocksdb_create_snapshot(db);
}

void __wrap_rocksdb_release_snapshot(rocksdb_t *db, const rocksdb_snapshot_t *s) {
  snapshots--;
  __real_rocksdb_release_snapshot(db, s);
}

static void families(struct fixture *f, rb_family **all) {
  static const char *const names[FAMILIES] = {"default", "one", "two", "three"};
  all[0] = f->family;
  for (size_t i = 1; i < FAMILIES; i++) {
    rb_family_result r = rb_family_create(
        f->db, names[i], (rb_family_options){.compression = RB_NO_COMPRESSION}, NULL);
    fx_ok(r.status);
    all[i] = r.family;
  }
  fail_at = -1;
  made = 0;
}

static rb_status iters(rb_family *const *all, size_t n, rb_iter **out) {
  return rb_iters_new(all, n, (rb_iter_options){0}, NULL, 0, NULL, 0, out);
}

static uint32_t rows(rb_iter *it) {
  uint8_t buf[4096];
  rb_fill r = rb_iter_fill(it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 100);
  fx_ok(r.status);
  return r.rows;
}

static void they_share_one_state(void **state) {
  struct fixture *f = *state;
  rb_family *all[FAMILIES];
  rb_iter *its[FAMILIES];
  families(f, all);
  fx_put(all[1], "before", "value");
  fx_ok(iters(all, FAMILIES, its));
  assert_int_equal(snapshots, 1);
  for (size_t i = 0; i < FAMILIES; i++) {
    fx_put(all[i], "after", "value");
    fx_ok(rb_flush(f->db, &all[i], 1));
  }
  for (size_t i = 0; i < FAMILIES; i++) {
    assert_int_equal(rows(its[i]), i == 1 ? 1 : 0);
  }
  fx_ok(rb_iter_refresh(its[1]));
  assert_int_equal(rows(its[1]), 2);
  for (size_t i = 0; i < FAMILIES; i++) {
    assert_int_equal(snapshots, 1); /* its last holder is the last iterator */
    rb_iter_free(its[i]);
  }
  assert_int_equal(snapshots, 0);
}

static void a_failure_leaves_none(void **state) {
  struct fixture *f = *state;
  rb_family *all[FAMILIES];
  families(f, all);
  for (fail_at = 0; fail_at < FAMILIES; fail_at++) {
    rb_iter *its[FAMILIES];
    memset(its, 0x55, sizeof its);
    made = 0;
    fx_error(iters(all, FAMILIES, its), RB_UNSUPPORTED, "ReadTier");
    assert_int_equal(made, fail_at + 1);
    assert_int_equal(snapshots, 0);
    for (size_t i = 0; i < FAMILIES; i++) {
      assert_null(its[i]);
    }
  }
  fail_at = -1;
}

static void bounds_hold_for_each_and_a_family_may_come_twice(void **state) {
  struct fixture *f = *state;
  rb_iter *its[2];
  fx_put(f->family, "a", "");
  fx_put(f->family, "b", "");
  fx_put(f->family, "c", "");
  rb_family *twice[2] = {f->family, f->family};
  fx_ok(rb_iters_new(twice, 2, (rb_iter_options){.has_lower = 1, .has_upper = 1}, BYTES("b"),
                     BYTES("c"), its));
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(rows(its[i]), 1);
    rb_iter_free(its[i]);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(they_share_one_state),
      CASE(a_failure_leaves_none),
      CASE(bounds_hold_for_each_and_a_family_may_come_twice),
  };
  return cmocka_run_group_tests_name("iters", tests, NULL, NULL);
}
