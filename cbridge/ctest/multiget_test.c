/* multiget_test.c: many keys in one call: where values go, who frees them, and what fails. */
/* link: -Wl,--wrap=calloc,--wrap=strdup,--wrap=rocksdb_readoptions_create */
/* link: -Wl,--wrap=rocksdb_batched_multi_get_cf,--wrap=rocksdb_property_int_cf */
#include "fixture.h"

#include "rocksdb/c.h"

/* The allocation of the glue that fails, counted from 1; 0: none. */
static unsigned countdown;

static bool fails(void) { return countdown > 0 && --countdown == 0; }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__wrap_strdup(const char *s) { return fails() ? NULL : __real_strdup(s); }

rocksdb_readoptions_t *__real_rocksdb_readoptions_create(void);
rocksdb_readoptions_t *__wrap_rocksdb_readoptions_create(void);
rocksdb_readoptions_t *__wrap_rocksdb_readoptions_create(void) {
  return fails() ? NULL : __real_rocksdb_readoptions_create();
}

static unsigned batched;      /* calls of RocksDB's batched lookup */
static size_t asked;          /* keys of the last one */
static const char *bad_words; /* the error of its first key; NULL: none */

void __real_rocksdb_batched_multi_get_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                         rocksdb_column_family_handle_t *f, size_t n,
                                         const char *const *keys, const size_t *lens,
                                         rocksdb_pinnableslice_t **values, char **errs,
                                         const bool sorted);
void __wrap_rocksdb_batched_multi_get_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                         rocksdb_column_family_handle_t *f, size_t n,
                                         const char *const *keys, const size_t *lens,
                                         rocksdb_pinnableslice_t **values, char **errs,
                                         const bool sorted);
void __wrap_rocksdb_batched_multi_get_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                         rocksdb_column_family_handle_t *f, size_t n,
                                         const char *const *keys, const size_t *lens,
                                         rocksdb_pinnableslice_t **values, char **errs,
                                         const bool sorted) {
  batched++;
  asked = n;
  __real_rocksdb_batched_multi_get_cf(db, o, f, n, keys, lens, values, errs, sorted);
  if (bad_words != NULL) {
    rb_unpin(values[0]);
    free(errs[0]);
    values[0] = NULL;
    errs[0] = __real_strdup(bad_words);
  }
}

static uint64_t blob_files; /* what every family has */

int __wrap_rocksdb_property_int_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                   const char *name, uint64_t *out);
int __wrap_rocksdb_property_int_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                   const char *name, uint64_t *out) {
  (void)db, (void)f;
  assert_string_equal(name, "rocksdb.num-blob-files");
  *out = blob_files;
  return 0;
}

enum { MOST = 64, ROOM = 4096 };

static uint8_t buf[ROOM], rest[ROOM];
static rb_answer found[MOST];

static int new(void **state) {
  countdown = 0;
  batched = 0;
  bad_words = NULL;
  blob_files = 0;
  return fx_new(state);
}

/* Looks up n keys of one family. */
static rb_multi look_up(rb_family *f, rb_read how, const char *const *keys, size_t n, size_t cap) {
  rb_key table[MOST];
  char bytes[ROOM];
  size_t used = 0;
  for (size_t i = 0; i < n; i++) {
    table[i] = (rb_key){0, (uint32_t)strlen(keys[i])};
    memcpy(bytes + used, keys[i], strlen(keys[i]));
    used += strlen(keys[i]);
  }
  memset(buf, 0xA5, sizeof buf);
  memset(rest, 0xA5, sizeof rest);
  memset(found, 0xA5, sizeof found);
  return rb_multi_get(&f, how, table, n, U8(bytes), buf, cap, found);
}

static const rb_read plain = {NULL, 0, 0, 0, 0, 0};

/* Asserts that key i has the value; NULL: that it is absent. */
static void expect(size_t i, const char *value) {
  assert_int_equal(found[i].code, value == NULL ? RB_NOT_FOUND : RB_OK);
  assert_int_equal(found[i].len, value == NULL ? 0 : strlen(value));
  if (value != NULL) {
    assert_memory_equal((found[i].rest ? rest : buf) + found[i].at, value, strlen(value));
  }
}

static const char *const some[] = {"b", "none", "", "a", "b", "empty", "b"};
static const char *const wants[] = {"bbb", NULL, "of the empty key", "aa", "bbb", "", "bbb"};
enum { SOME = 7, SOME_BYTES = 3 + 16 + 2 + 3 + 3 };

static void fill(struct fixture *f) {
  fx_put(f->family, "a", "aa");
  fx_put(f->family, "b", "bbb");
  fx_flush(f);
  fx_put(f->family, "empty", "");
  fx_put(f->family, "", "of the empty key");
}

static void answers_come_in_the_order_of_the_keys_into_any_buffer(void **state) {
  struct fixture *f = *state;
  fill(f);
  for (size_t cap = 0; cap < SOME_BYTES + 3; cap++) {
    rb_multi m = look_up(f->family, plain, some, SOME, cap);
    fx_ok(m.status);
    assert_int_equal(m.used + m.need, SOME_BYTES);
    assert_true(m.used <= cap);
    assert_true((m.rest == NULL) == (m.need == 0));
    assert_true((cap >= SOME_BYTES) == (m.need == 0));
    if (m.rest != NULL) {
      rb_rest_take(m.rest, rest);
    }
    for (size_t i = 0; i < SOME; i++) {
      expect(i, wants[i]);
    }
    for (size_t i = m.used; i < sizeof buf; i++) {
      assert_int_equal(buf[i], 0xA5);
    }
    for (size_t i = m.need; i < sizeof rest; i++) {
      assert_int_equal(rest[i], 0xA5);
    }
  }
}

static void a_key_named_twice_is_looked_up_once(void **state) {
  struct fixture *f = *state;
  fill(f);
  fx_ok(look_up(f->family, plain, some, SOME, ROOM).status);
  assert_int_equal(batched, 1);
  assert_int_equal(asked, 5);
}

static void the_rest_outlives_its_keys_and_may_be_left(void **state) {
  struct fixture *f = *state;
  fill(f);
  rb_multi m = look_up(f->family, plain, some, SOME, 0);
  fx_ok(m.status);
  fx_ok(rb_apply(f->family, RB_DELETE_RANGE, 0, BYTES(""), BYTES("z")));
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  rb_rest_take(m.rest, rest);
  expect(0, "bbb");
  expect(2, "of the empty key");
  fill(f);
  m = look_up(f->family, plain, some, SOME, 0);
  assert_non_null(m.rest);
  rb_rest_free(m.rest);
  rb_rest_free(NULL);
}

static void keys_of_several_families_are_of_one_snapshot(void **state) {
  struct fixture *f = *state;
  rb_family_result other =
      rb_family_create(f->db, "other", (rb_family_options){.compression = -1}, "");
  fx_ok(other.status);
  fx_put(f->family, "k", "of default");
  fx_put(other.family, "k", "of other");
  rb_family *families[] = {f->family, other.family};
  const rb_key keys[] = {{1, 1}, {0, 1}, {1, 1}, {0, 1}};
  rb_snapshot *s = rb_snapshot_new(f->db);
  for (int i = 0; i < 2; i++) {
    rb_read how = {i == 0 ? NULL : s, 0, 0, 0, 0, 0};
    rb_multi m = rb_multi_get(families, how, keys, 4, U8("kkkx"), buf, ROOM, found);
    fx_ok(m.status);
    expect(0, "of other");
    expect(1, "of default");
    expect(2, "of other");
    expect(3, NULL);
    fx_put(f->family, "k", "later");
    fx_put(other.family, "k", "later");
  }
  rb_snapshot_free(s);
  assert_int_equal(fx_number(f->family, "rocksdb.num-snapshots"), 0);
}

static void the_cache_only_is_read_key_by_key(void **state) {
  struct fixture *f = *state;
  fill(f);
  struct setup still = fx_defaults();
  still.family_extra = "disable_auto_compactions=true"; /* the end of a snapshot may start one */
  fx_open(f, still);
  rb_read how = {NULL, RB_READ_CACHE_ONLY, 0, 0, 0, 0};
  rb_multi m = look_up(f->family, how, some, SOME, ROOM);
  fx_ok(m.status);
  assert_int_equal(batched, 0);
  assert_int_equal(found[0].code, RB_INCOMPLETE);
  assert_memory_equal(buf + found[0].at, "Result incomplete: ", 19);
  m = look_up(f->family, plain, some, SOME, ROOM);
  fx_ok(m.status);
  fx_ok(look_up(f->family, how, some, SOME, ROOM).status);
  expect(0, "bbb");
}

static void an_error_of_one_key_leaves_the_others(void **state) {
  struct fixture *f = *state;
  fill(f);
  bad_words = "Corruption: of a test";
  for (size_t cap = 0; cap < 60; cap += 10) {
    rb_multi m = look_up(f->family, plain, some, SOME, cap);
    fx_ok(m.status);
    if (m.rest != NULL) {
      rb_rest_take(m.rest, rest);
    }
    assert_int_equal(found[2].code, RB_CORRUPTION); /* the empty key is the first in order */
    assert_int_equal(found[2].len, strlen(bad_words));
    assert_memory_equal((found[2].rest ? rest : buf) + found[2].at, bad_words, found[2].len);
    expect(0, "bbb");
    expect(1, NULL);
    expect(3, "aa");
  }
}

static void with_blob_files_an_error_is_that_of_all_that_were_found(void **state) {
  struct fixture *f = *state;
  fill(f);
  bad_words = "IO error: of a test";
  blob_files = 1;
  rb_multi m = look_up(f->family, plain, some, SOME, ROOM);
  fx_ok(m.status);
  for (size_t i = 0; i < SOME; i++) {
    assert_int_equal(found[i].code, i == 1 ? RB_NOT_FOUND : RB_IO);
  }
  bad_words = NULL;
  fx_ok(look_up(f->family, plain, some, SOME, ROOM).status);
  expect(0, "bbb");
}

/* RocksDB's batched lookup may put a part of a row there. */
static void a_cache_of_rows_is_filled_key_by_key(void **state) {
  struct fixture *f = *state;
  fill(f);
  struct setup s = fx_defaults();
  s.db.row_cache_size = 1 << 20;
  fx_open(f, s);
  for (size_t i = 0; i < 2; i++) {
    fx_ok(look_up(f->family, plain, some, SOME, ROOM).status);
    expect(0, "bbb");
  }
  assert_int_equal(batched, 0);
  assert_true(rb_row_cache_used(f->db) > 0);
}

static void memory_may_be_short_everywhere(void **state) {
  struct fixture *f = *state;
  fill(f);
  bad_words = "IO error: of a test";
  blob_files = 1;
  const rb_read ways[] = {{NULL, 0, 0, 0, 0, 0},
                          {NULL, RB_READ_CACHE_ONLY, 0, 0, 0, 0},
                          {NULL, RB_READ_NO_VERIFY, 0, 1, 0, 0},
                          {NULL, 0, UINT64_MAX / 4, 0, 0, 0}};
  for (size_t w = 0; w < 4; w++) {
    unsigned failed = 0;
    for (bool through = false; !through; failed++) {
      countdown = failed + 1;
      rb_multi m = look_up(f->family, ways[w], some, SOME, ROOM);
      through = countdown > 0;
      countdown = 0;
      assert_null(m.rest);
      if (through) {
        fx_ok(m.status);
      } else {
        fx_error(m.status, RB_NO_MEMORY, NULL);
      }
    }
    assert_true(failed >= 4);
  }
  assert_int_equal(fx_number(f->family, "rocksdb.num-snapshots"), 0);
}

static void more_keys_than_memory_can_name_are_refused(void **state) {
  struct fixture *f = *state;
  rb_multi m = rb_multi_get(&f->family, plain, NULL, SIZE_MAX / 8, NULL, NULL, 0, NULL);
  fx_error(m.status, RB_NO_MEMORY, NULL);
  assert_null(m.rest);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(answers_come_in_the_order_of_the_keys_into_any_buffer),
      CASE(a_key_named_twice_is_looked_up_once),
      CASE(the_rest_outlives_its_keys_and_may_be_left),
      CASE(keys_of_several_families_are_of_one_snapshot),
      CASE(the_cache_only_is_read_key_by_key),
      CASE(an_error_of_one_key_leaves_the_others),
      CASE(with_blob_files_an_error_is_that_of_all_that_were_found),
      CASE(a_cache_of_rows_is_filled_key_by_key),
      CASE(memory_may_be_short_everywhere),
      CASE(more_keys_than_memory_can_name_are_refused),
  };
  return cmocka_run_group_tests_name("multiget", tests, NULL, NULL);
}
