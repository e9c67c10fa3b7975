/*
 * renew_test.c: iterators that RocksDB brings to the newest state itself, where it can (9.4) and
 * scans need no seams (8.5). This program defines what says so, so that the glue finds it under any
 * version.
 */
/* link: -Wl,--wrap=rocksdb_create_iterator_cf,--wrap=rocksdb_get_column_family_metadata_cf */
#include "fixture.h"

#include "later.h"

static unsigned refreshed; /* iterators of RocksDB's */
static unsigned made;
static unsigned looks; /* at the files of a family */
static const char *refusal;

rocksdb_t *rocksdb_transactiondb_get_base_db(rocksdb_transactiondb_t *db) {
  (void)db;
  fail();
  return NULL;
}

void rocksdb_iter_refresh(const rocksdb_iterator_t *it, char **err) {
  assert_non_null(it);
  refreshed++;
  if (refusal != NULL) {
    *err = strdup(refusal);
  }
}

rocksdb_iterator_t *__real_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f);
rocksdb_iterator_t *__wrap_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f);
rocksdb_iterator_t *__wrap_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f) {
  made++;
  return __real_rocksdb_create_iterator_cf(db, o, f);
}

rocksdb_column_family_metadata_t *
__real_rocksdb_get_column_family_metadata_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f);
rocksdb_column_family_metadata_t *
__wrap_rocksdb_get_column_family_metadata_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f);
rocksdb_column_family_metadata_t *
__wrap_rocksdb_get_column_family_metadata_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f) {
  looks++;
  return __real_rocksdb_get_column_family_metadata_cf(db, f);
}

static void iterate(struct fixture *f, rb_snapshot *snap, rb_iter_options o) {
  rb_iter_free(f->it);
  rb_iter_result r = rb_iter_new(f->family, snap, o, BYTES("a"), BYTES("z"));
  fx_ok(r.status);
  f->it = r.iter;
  refreshed = made = 0;
}

/* Puts the rows a to c, the first of them into a file of level 1. */
static int with_rows(void **state) {
  fx_new_empty(state);
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family_extra = "disable_auto_compactions=true";
  fx_open(f, s);
  fx_put(f->family, "a", "1");
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  fx_put(f->family, "b", "2");
  fx_put(f->family, "c", "3");
  refusal = NULL;
  looks = 0;
  return 0;
}

/* The key where a step comes to; 0: nowhere. */
static int stepped(struct fixture *f, uint32_t move) {
  rb_row r = rb_iter_step(f->it, move, 1, NULL, 0);
  fx_ok(r.status);
  return r.valid ? r.key[0] : 0;
}

static void rocksdb_refreshes_its_own(void **state) {
  struct fixture *f = *state;
  iterate(f, NULL, (rb_iter_options){0});
  assert_int_equal(stepped(f, RB_MOVE_FIRST), 'a');
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(refreshed, 1);
  assert_int_equal(made, 0);
  assert_int_equal(stepped(f, RB_MOVE_ON), 0); /* it stands nowhere */
  assert_int_equal(stepped(f, RB_MOVE_FIRST), 'a');
  assert_int_equal(stepped(f, RB_MOVE_ON), 'b');
}

static void no_files_are_looked_at(void **state) {
  struct fixture *f = *state;
  iterate(f, NULL, (rb_iter_options){0});
  assert_int_equal(stepped(f, RB_MOVE_FIRST), 'a');
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(looks, 0);
}

static void an_iterator_that_is_not_refreshed_is_as_it_was(void **state) {
  struct fixture *f = *state;
  iterate(f, NULL, (rb_iter_options){0});
  assert_int_equal(stepped(f, RB_MOVE_FIRST), 'a');
  refusal = "IO error: planted";
  fx_error(rb_iter_refresh(f->it), RB_IO, "planted");
  assert_int_equal(made, 0);
  assert_int_equal(stepped(f, RB_MOVE_ON), 'b');
}

/* One of a snapshot's state, and one whose bounds have changed, would keep what they show. */
static void others_are_made_anew(void **state) {
  struct fixture *f = *state;
  f->snap = rb_snapshot_new(f->db);
  assert_non_null(f->snap);
  fx_put(f->family, "d", "4");
  iterate(f, f->snap, (rb_iter_options){0});
  assert_int_equal(rb_iter_count(f->it, RB_MOVE_FIRST, 99).rows, 3);
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(refreshed, 0);
  assert_int_equal(made, 1);
  assert_int_equal(rb_iter_count(f->it, RB_MOVE_FIRST, 99).rows, 4);
  iterate(f, NULL, (rb_iter_options){.has_lower = 1, .has_upper = 1});
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(refreshed, 1);
  fx_ok(rb_iter_set_bounds(f->it, 1, BYTES("b"), 1, BYTES("d")));
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(refreshed, 1);
  assert_int_equal(made, 1);
  assert_int_equal(rb_iter_count(f->it, RB_MOVE_FIRST, 99).rows, 2);
  fx_ok(rb_iter_refresh(f->it)); /* its bounds are RocksDB's again */
  assert_int_equal(refreshed, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_rows, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(rocksdb_refreshes_its_own),
      CASE(no_files_are_looked_at),
      CASE(an_iterator_that_is_not_refreshed_is_as_it_was),
      CASE(others_are_made_anew),
  };
  return cmocka_run_group_tests_name("renew", tests, NULL, NULL);
}
