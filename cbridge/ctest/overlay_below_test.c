/* overlay_below_test.c: a batch over a database that cannot answer, or has nothing to say. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=rocksdb_readoptions_create,--wrap=rocksdb_get_pinned_cf */
/* link: -Wl,--wrap=rocksdb_writebatch_wi_get_from_batch_cf */
#include "shortage.h"

WRAP(rocksdb_readoptions_t *, rocksdb_readoptions_create, (void), ())
WRAP_ERR(rocksdb_pinnableslice_t *, rocksdb_get_pinned_cf,
         (rocksdb_t * db, const rocksdb_readoptions_t *o, rocksdb_column_family_handle_t *h,
          const char *key, size_t klen, char **err),
         (db, o, h, key, klen, err), err)

static bool no_merge;

char *__real_rocksdb_writebatch_wi_get_from_batch_cf(rocksdb_writebatch_wi_t *b,
                                                     const rocksdb_options_t *o,
                                                     rocksdb_column_family_handle_t *h,
                                                     const char *key, size_t klen, size_t *vlen,
                                                     char **err);
char *__wrap_rocksdb_writebatch_wi_get_from_batch_cf(rocksdb_writebatch_wi_t *b,
                                                     const rocksdb_options_t *o,
                                                     rocksdb_column_family_handle_t *h,
                                                     const char *key, size_t klen, size_t *vlen,
                                                     char **err);
char *__wrap_rocksdb_writebatch_wi_get_from_batch_cf(rocksdb_writebatch_wi_t *b,
                                                     const rocksdb_options_t *o,
                                                     rocksdb_column_family_handle_t *h,
                                                     const char *key, size_t klen, size_t *vlen,
                                                     char **err) {
  return no_merge ? NULL
                  : __real_rocksdb_writebatch_wi_get_from_batch_cf(b, o, h, key, klen, vlen, err);
}

static const uint64_t one = 1, five = 5;

/* Records: merge "m", which is in the database; put "p", and merge into it; merge "x", which is
 * nowhere. */
static const uint8_t records[] = "\x02\x01m\x08\x01\0\0\0\0\0\0\0"
                                 "\x01\x01p\x08\x05\0\0\0\0\0\0\0"
                                 "\x02\x01p\x08\x01\0\0\0\0\0\0\0"
                                 "\x02\x01x\x08\x01\0\0\0\0\0\0\0";
enum { LEN = sizeof records - 1 };

static rb_overlay *over;
static uint8_t buf[64];

static int new(void **state) {
  no_merge = false;
  fx_new_empty(state);
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.operators.merge_kind = RB_MERGE_UINT64_ADD;
  fx_open(f, s);
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("m"), (const uint8_t *)&five, 8));
  fx_put(f->family, "e", "");
  fx_put(f->family, "q", "plain");
  over = rb_overlay_new();
  return over == NULL;
}

static int end(void **state) {
  rb_overlay_free(over);
  return fx_free(state);
}

static rb_found get(struct fixture *f, uint32_t flags, const char *key) {
  return rb_overlay_get(over, 0, records, LEN, f->family, flags, 0, BYTES(key), buf, sizeof buf);
}

static void an_error_below_is_the_error_of_a_read(void **state) {
  struct fixture *f = *state;
  static const char *const keys[] = {"m", "q", "x"};
  for (size_t i = 0; i < 3; i++) {
    refusal = "IO error: planted";
    rb_found r = get(f, 0, keys[i]);
    fx_error(r.status, RB_IO, "planted");
    assert_null(r.pin);
    assert_null(r.owned);
    refusal = "IO error: planted";
    r = rb_overlay_has(over, 0, records, LEN, f->family, 0, 0, BYTES("q"));
    fx_error(r.status, RB_IO, "planted");
  }
}

static void a_merge_that_gives_nothing_is_short_of_memory(void **state) {
  struct fixture *f = *state;
  no_merge = true;
  fx_error(get(f, 0, "m").status, RB_NO_MEMORY, NULL);
  fx_error(get(f, 0, "x").status, RB_NO_MEMORY, NULL);
  no_merge = false;
  static const char *const keys[] = {"m", "p"};
  for (size_t i = 0; i < 2; i++) {
    rb_found r = get(f, 0, keys[i]);
    fx_ok(r.status);
    assert_memory_equal(buf, &(uint64_t){6}, 8);
  }
}

/* RocksDB gives an empty value for what it would have to read, so an empty one is no answer. */
static void an_empty_value_of_the_cache_is_no_answer(void **state) {
  struct fixture *f = *state;
  fx_error(get(f, RB_READ_CACHE_ONLY, "e").status, RB_INCOMPLETE, NULL);
  fx_ok(get(f, 0, "e").status);
  rb_found r = get(f, RB_READ_CACHE_ONLY, "q");
  fx_ok(r.status);
  assert_memory_equal(buf, "plain", 5);
}

static rb_multi multi(struct fixture *f, uint32_t flags, uint64_t deadline, const char *keys,
                      rb_answer *found) {
  rb_key k[8];
  size_t n = strlen(keys);
  for (size_t i = 0; i < n; i++) {
    k[i] = (rb_key){0, 1};
  }
  return rb_overlay_multi_get(over, 0, records, LEN, &f->family,
                              (rb_read){NULL, flags, deadline, 0, 0, 0}, k, n, U8(keys), buf,
                              sizeof buf, found);
}

static void many_keys_are_answered_as_single_ones_are(void **state) {
  struct fixture *f = *state;
  rb_answer found[8];
  rb_multi m = multi(f, RB_READ_CACHE_ONLY, 0, "emqx", found);
  fx_ok(m.status);
  assert_int_equal(found[0].code, RB_INCOMPLETE);
  assert_int_equal(found[1].code, RB_OK);
  assert_memory_equal(buf + found[1].at, &(uint64_t){6}, 8);
  assert_memory_equal(buf + found[2].at, "plain", 5);
  assert_memory_equal(buf + found[3].at, &one, 8);
  m = multi(f, 0, 0, "p", found); /* the batch says all of it */
  fx_ok(m.status);
  assert_memory_equal(buf + found[0].at, &(uint64_t){6}, 8);
}

/* A deadline needs read options, and an empty value of the cache words of its own. */
static rb_status short_multi(struct fixture *f) {
  rb_answer found[8];
  rb_overlay_free(over);
  over = rb_overlay_new();
  if (over == NULL) {
    return (rb_status){RB_NO_MEMORY, NULL};
  }
  rb_multi m = multi(f, RB_READ_CACHE_ONLY, UINT64_C(1) << 60, "em", found);
  assert_null(m.rest);
  return m.status;
}

static void many_keys_survive_every_shortage(void **state) {
  fail_everywhere(*state, short_multi, 8);
}

static void iterators_merge_onto_what_lies_below(void **state) {
  struct fixture *f = *state;
  rb_iter_result r =
      rb_iter_new_over(over, 0, records, LEN, f->family, (rb_iter_options){0}, NULL, 0, NULL, 0);
  fx_ok(r.status);
  static const char keys[] = "empqx";
  const uint64_t sums[] = {0, 6, 6, 0, 1};
  for (size_t i = 0; i < 5; i++) {
    rb_row row = rb_iter_step(r.iter, i == 0 ? RB_MOVE_FIRST : RB_MOVE_ON, 1, NULL, 0);
    fx_ok(row.status);
    assert_int_equal(row.valid, 1);
    assert_memory_equal(row.key, keys + i, 1);
    if (sums[i] > 0) {
      assert_int_equal(row.vlen, 8);
      assert_memory_equal(row.value, &sums[i], 8);
    }
  }
  rb_iter_free(r.iter);
}

/* Memory is taken in chunks of a limited size, and for a record that is larger than any. */
static void records_of_every_size_are_held(void **state) {
  struct fixture *f = *state;
  static const size_t sizes[] = {100, 5000, 40000, 300000, 900000, 1500000, 3 << 20, 10};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    size_t n = sizes[i];
    uint8_t *bytes = malloc(n + 16), *out = malloc(n);
    assert_non_null(bytes);
    assert_non_null(out);
    size_t at = 0;
    bytes[at++] = 0x01;
    bytes[at++] = 1;
    bytes[at++] = (uint8_t)('A' + i);
    for (size_t v = n;; v >>= 7) {
      bytes[at++] = (uint8_t)(v >= 0x80 ? v | 0x80 : v);
      if (v < 0x80) {
        break;
      }
    }
    memset(bytes + at, (int)i, n);
    uint8_t key = (uint8_t)('A' + i);
    rb_found r = rb_overlay_get(over, i * 100, bytes, at + n, f->family, 0, 0, &key, 1, out, n);
    fx_ok(r.status);
    assert_int_equal(r.len, n);
    assert_memory_equal(out, bytes + at, n);
    free(bytes);
    free(out);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, new, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(an_error_below_is_the_error_of_a_read),
      CASE(a_merge_that_gives_nothing_is_short_of_memory),
      CASE(an_empty_value_of_the_cache_is_no_answer),
      CASE(many_keys_are_answered_as_single_ones_are),
      CASE(many_keys_survive_every_shortage),
      CASE(iterators_merge_onto_what_lies_below),
      CASE(records_of_every_size_are_held),
  };
  return cmocka_run_group_tests_name("overlay below", tests, NULL, NULL);
}
