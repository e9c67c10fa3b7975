/*
 * families_test.c: several families made by one call. RocksDB's call for it, which 8.5 brought, is
 * defined here, so that the glue finds it under any version.
 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=rocksdb_options_create,--wrap=rocksdb_create_column_family */
/* link: -Wl,--wrap=rocksdb_drop_column_family */
#include "shortage.h"

#include <limits.h>

#include "later.h"

WRAP(rocksdb_options_t *, rocksdb_options_create, (void), ())

static const rb_family_options plain = {.compression = RB_NO_COMPRESSION};
static const char *const names[] = {"a", "b", "c"};
enum { NAMES = 3 };

static size_t calls;   /* of RocksDB's call */
static size_t most;    /* families that it makes */
static bool not_noted; /* it fails when all are made, as if the OPTIONS file could not be written */

rocksdb_column_family_handle_t **rocksdb_create_column_families(rocksdb_t *db,
                                                                const rocksdb_options_t *o, int n,
                                                                const char *const *asked,
                                                                size_t *made, char **err) {
  calls++;
  rocksdb_column_family_handle_t **list = __real_malloc((size_t)n * sizeof(void *));
  assert_non_null(list);
  for (*made = 0; *made < (size_t)n && *err == NULL; ++*made) {
    if (*made == most) {
      *err = __real_strdup("IO error: no family more");
      return list;
    }
    list[*made] = rocksdb_create_column_family(db, o, asked[*made], err);
    assert_null(*err);
  }
  if (not_noted) {
    *err = __real_strdup("IO error: no OPTIONS file");
  }
  return list;
}

void rocksdb_create_column_families_destroy(rocksdb_column_family_handle_t **list) { free(list); }

static bool options_fail; /* RocksDB cannot write its OPTIONS file */
static size_t drops;

static void not_written(char **err) {
  if (options_fail && *err == NULL) {
    *err = __real_strdup("IO error: Unable to persist options.: IO error: No space left on device");
  }
}

rocksdb_column_family_handle_t *__real_rocksdb_create_column_family(rocksdb_t *db,
                                                                    const rocksdb_options_t *o,
                                                                    const char *name, char **err);
rocksdb_column_family_handle_t *__wrap_rocksdb_create_column_family(rocksdb_t *db,
                                                                    const rocksdb_options_t *o,
                                                                    const char *name, char **err);
rocksdb_column_family_handle_t *__wrap_rocksdb_create_column_family(rocksdb_t *db,
                                                                    const rocksdb_options_t *o,
                                                                    const char *name, char **err) {
  rocksdb_column_family_handle_t *h = __real_rocksdb_create_column_family(db, o, name, err);
  not_written(err);
  return h;
}

void __real_rocksdb_drop_column_family(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                       char **err);
void __wrap_rocksdb_drop_column_family(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                       char **err);
void __wrap_rocksdb_drop_column_family(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                       char **err) {
  drops++;
  __real_rocksdb_drop_column_family(db, h, err);
  not_written(err);
}

static int fresh(void **state) {
  options_fail = false;
  drops = 0;
  calls = 0;
  most = NAMES;
  not_noted = false;
  return fx_new(state);
}

/* Asserts that the first n names have families, those that were told, and the others none. */
static void expect(struct fixture *f, const rb_family_result *told, size_t n) {
  for (size_t i = 0; i < NAMES; i++) {
    rb_family_result found = rb_family_find(f->db, names[i]);
    if (i >= n) {
      fx_error(found.status, RB_NOT_FOUND, NULL);
      continue;
    }
    fx_ok(found.status);
    assert_ptr_equal(found.family, told[i].family);
    assert_int_equal(found.id, told[i].id);
    assert_int_equal(told[i].id, i + 1);
    assert_int_equal(found.blobs, told[i].blobs);
    fx_put(told[i].family, "key", names[i]);
    fx_expect(told[i].family, NULL, "key", names[i]);
  }
}

static void one_call_makes_them_all(void **state) {
  struct fixture *f = *state;
  rb_family_result told[NAMES];
  size_t made = 7;
  fx_ok(rb_families_create(f->db, names, NAMES, plain, "enable_blob_files=true", told, &made));
  assert_int_equal(calls, 1);
  assert_int_equal(made, NAMES);
  assert_int_equal(told[2].blobs, 1);
  expect(f, told, NAMES);
  fx_ok(rb_families_create(f->db, names, 0, plain, NULL, told, &made));
  assert_int_equal(made, 0);
}

static void those_before_an_error_are_told(void **state) {
  struct fixture *f = *state;
  rb_family_result told[NAMES];
  size_t made = 0;
  most = 2;
  fx_error(rb_families_create(f->db, names, NAMES, plain, NULL, told, &made), RB_IO, "no family");
  assert_int_equal(made, 2);
  expect(f, told, 2);
}

static void an_error_behind_the_last_loses_none(void **state) {
  struct fixture *f = *state;
  rb_family_result told[NAMES];
  size_t made = 0;
  not_noted = true;
  fx_error(rb_families_create(f->db, names, NAMES, plain, NULL, told, &made), RB_IO, "OPTIONS");
  assert_int_equal(made, NAMES);
  expect(f, told, NAMES);
}

static void what_cannot_be_asked_makes_nothing(void **state) {
  struct fixture *f = *state;
  rb_family_result told[NAMES];
  size_t made = 7;
  fx_error(rb_families_create(f->db, NULL, (size_t)INT_MAX + 1, plain, NULL, told, &made),
           RB_INVALID_ARGUMENT, "too many");
  assert_int_equal(made, 0);
  made = 7;
  fx_error(rb_families_create(f->db, names, NAMES, plain, "no_such=1", told, &made),
           RB_INVALID_ARGUMENT, "no_such");
  assert_int_equal(made, 0);
  expect(f, told, 0);
  struct setup s = fx_defaults();
  s.db.read_only = 1;
  fx_open(f, s);
  made = 7;
  fx_error(rb_families_create(f->db, names, NAMES, plain, NULL, told, &made), RB_READ_ONLY, NULL);
  assert_int_equal(made, 0);
  assert_int_equal(calls, 0);
}

/* Where RocksDB's call would make families of another kind, each is made alone. */
static void families_of_a_kind_are_made_one_by_one(void **state) {
  struct fixture *f = *state;
  rb_family_options reversed = plain;
  reversed.operators.reversed = 1;
  struct setup timed = fx_defaults(), locked = fx_defaults();
  timed.db.timed_rows = 1;
  locked.db.transactions = RB_TX_PESSIMISTIC;
  const struct {
    struct setup db;
    rb_family_options family;
  } kinds[] = {{fx_defaults(), reversed}, {timed, plain}, {locked, plain}};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    rb_family_result told[NAMES];
    size_t made = 0;
    fx_close(f);
    fx_remove(f->dir);
    fx_open(f, kinds[i].db);
    fx_ok(rb_families_create(f->db, names, 2, kinds[i].family, NULL, told, &made));
    assert_int_equal(made, 2);
    expect(f, told, 2);
    const char *const more[] = {"c", "a", "d"};
    fx_error(rb_families_create(f->db, more, 3, kinds[i].family, NULL, told, &made),
             RB_INVALID_ARGUMENT, "exists");
    assert_int_equal(made, 1);
    assert_int_equal(told[0].id, 3);
    fx_error(rb_family_find(f->db, "d").status, RB_NOT_FOUND, NULL);
  }
  assert_int_equal(calls, 0);
}

static void what_is_only_not_written_down_is_done(void **state) {
  struct fixture *f = *state;
  uint8_t gone = 7;
  rb_family_result made = rb_family_create(f->db, "a", plain, NULL);
  fx_ok(made.status);
  options_fail = true;
  fx_error(rb_family_drop(made.family, &gone), RB_NO_SPACE, "persist");
  assert_int_equal(gone, 1);
  assert_int_equal(rb_family_retire(made.family), 1);
  drops = 0; /* one that is made is dropped again: the name is free */
  fx_error(rb_family_create(f->db, "a", plain, NULL).status, RB_NO_SPACE, "persist");
  assert_int_equal(drops, 1);
  options_fail = false;
  made = rb_family_create(f->db, "a", plain, NULL);
  fx_ok(made.status);
  fx_put(made.family, "key", "value");
  gone = 7;
  fx_ok(rb_family_drop(made.family, &gone));
  assert_int_equal(gone, 1);
  fx_error(rb_family_drop(f->family, &gone), RB_INVALID_ARGUMENT, "default");
  assert_int_equal(gone, 0);
}

static rb_status create(struct fixture *f) {
  rb_family_result told[NAMES];
  size_t made = 7;
  rb_status s =
      rb_families_create(f->db, names, NAMES, plain, "max_write_buffer_number=4", told, &made);
  assert_int_equal(made, s.code == RB_OK ? NAMES : 0);
  return s;
}

/* That the last attempt succeeds shows that none before it left a family behind. */
static void every_shortage_makes_none(void **state) {
  fail_everywhere(*state, create, NAMES * 2 + 1);
  assert_int_equal(calls, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(one_call_makes_them_all),
      CASE(those_before_an_error_are_told),
      CASE(an_error_behind_the_last_loses_none),
      CASE(what_cannot_be_asked_makes_nothing),
      CASE(families_of_a_kind_are_made_one_by_one),
      CASE(what_is_only_not_written_down_is_done),
      CASE(every_shortage_makes_none),
  };
  return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}
