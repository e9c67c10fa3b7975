/* overlay_multi_test.c: many keys of a batch and the database in one call, and short memory. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=rocksdb_readoptions_create */
/* link: -Wl,--wrap=rocksdb_writebatch_wi_create,--wrap=rocksdb_writebatch_wi_get_from_batch_cf */
#include "fixture.h"
#include "rocksdb/c.h"

/* The allocation of the glue that fails, counted from 1; 0: none. */
static unsigned countdown;

static bool fails(void) { return countdown > 0 && --countdown == 0; }

#define WRAP(result, name, parameters, arguments)                                                  \
  result __real_##name parameters;                                                                 \
  result __wrap_##name parameters;                                                                 \
  result __wrap_##name parameters { return fails() ? NULL : __real_##name arguments; }

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(char *, strdup, (const char *s), (s))
WRAP(rocksdb_readoptions_t *, rocksdb_readoptions_create, (void), ())
WRAP(rocksdb_writebatch_wi_t *, rocksdb_writebatch_wi_create, (size_t n, unsigned char o), (n, o))

/* The key whose merge fails; 0: none. */
static char refused;

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
  if (klen == 1 && *key == refused) {
    *err = __real_strdup("Corruption: of a test");
    return NULL;
  }
  return __real_rocksdb_writebatch_wi_get_from_batch_cf(b, o, h, key, klen, vlen, err);
}

/* Records: put a, delete b, merge m (in the database), merge n (nowhere), a range over r,
 * and a merge that is not asked for. */
static const uint8_t records[] = "\x01\x01"
                                 "a\x03new\x00\x01"
                                 "b\x02\x01"
                                 "m\x08\x01\0\0\0\0\0\0\0\x02\x01"
                                 "n\x08\x02\0\0\0\0\0\0\0\x0F\x01"
                                 "r\x01"
                                 "s\x02\x01"
                                 "x\x08\x02\0\0\0\0\0\0\0";

enum { HEADER = 12, ROOM = 256, KEYS = 9 };

static rb_overlay *over;
static uint8_t buf[ROOM], rest[ROOM];
static rb_answer found[KEYS];
static const char sought[] = "zamnbramd"; /* z is nowhere, d only in the database */

static int new(void **state) {
  countdown = 0;
  refused = 0;
  fx_new(state);
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.operators.merge_kind = RB_MERGE_UINT64_ADD;
  fx_open(f, s);
  const uint64_t five = 5;
  static const char *const names[] = {"a", "b", "d", "r"};
  for (size_t i = 0; i < 4; i++) {
    fx_put(f->family, names[i], names[i]);
  }
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("m"), (const uint8_t *)&five, 8));
  over = rb_overlay_new();
  return over == NULL;
}

static int end(void **state) {
  countdown = 0;
  rb_overlay_free(over);
  return fx_free(state);
}

static rb_multi look_up(struct fixture *f, uint32_t flags, size_t cap) {
  rb_key keys[KEYS];
  for (size_t i = 0; i < KEYS; i++) {
    keys[i] = (rb_key){0, 1};
  }
  memset(buf, 0xA5, sizeof buf);
  memset(rest, 0xA5, sizeof rest);
  rb_read how = {NULL, flags, 0, 0, 0, 0};
  return rb_overlay_multi_get(over, HEADER, records, sizeof records - 1, &f->family, how, keys,
                              KEYS, U8(sought), buf, cap, found);
}

static void expect(size_t i, const void *value, size_t len) {
  assert_int_equal(found[i].code, value == NULL ? RB_NOT_FOUND : RB_OK);
  assert_int_equal(found[i].len, len);
  if (value != NULL) {
    assert_memory_equal((found[i].rest ? rest : buf) + found[i].at, value, len);
  }
}

static void expect_all(void) {
  const uint64_t six = 6, two = 2;
  expect(0, NULL, 0);
  expect(1, "new", 3);
  expect(2, &six, 8);
  expect(3, &two, 8);
  expect(4, NULL, 0);
  expect(5, NULL, 0);
  expect(6, "new", 3);
  expect(7, &six, 8);
  expect(8, "d", 1);
}

static void every_buffer_gets_the_same_answers(void **state) {
  for (size_t cap = 0; cap < 40; cap++) {
    rb_multi m = look_up(*state, 0, cap);
    fx_ok(m.status);
    assert_int_equal(m.replayed, 1);
    assert_int_equal(m.used + m.need, 3 + 8 + 8 + 3 + 8 + 1);
    if (m.rest != NULL) {
      rb_rest_take(m.rest, rest);
    }
    expect_all();
  }
  rb_rest_free(look_up(*state, 0, 0).rest);
}

static void a_merge_that_fails_is_the_error_of_its_key(void **state) {
  refused = 'm';
  for (size_t cap = 0; cap < 80; cap += 8) {
    rb_multi m = look_up(*state, 0, cap);
    fx_ok(m.status);
    if (m.rest != NULL) {
      rb_rest_take(m.rest, rest);
    }
    const uint64_t two = 2;
    assert_int_equal(found[2].code, RB_CORRUPTION);
    assert_int_equal(found[7].code, RB_CORRUPTION);
    assert_memory_equal((found[2].rest ? rest : buf) + found[2].at, "Corruption: of a test", 21);
    expect(1, "new", 3);
    expect(3, &two, 8);
    expect(8, "d", 1);
  }
}

static void a_malformed_batch_is_not_taken(void **state) {
  struct fixture *f = *state;
  const rb_key key = {0, 1};
  rb_read how = {NULL, 0, 0, 0, 0, 0};
  rb_multi m = rb_overlay_multi_get(over, HEADER, U8("\x0D"), 1, &f->family, how, &key, 1, U8("a"),
                                    buf, ROOM, found);
  fx_error(m.status, RB_CORRUPTION, "record");
  assert_int_equal(m.replayed, 0);
  assert_null(m.rest);
}

static void memory_may_be_short_everywhere(void **state) {
  static const uint32_t flags[] = {0, RB_READ_CACHE_ONLY};
  for (size_t w = 0; w < 2; w++) {
    unsigned failed = 0;
    for (bool through = false; !through; failed++) {
      rb_overlay_free(over);
      over = rb_overlay_new();
      countdown = failed + 1;
      rb_multi m = look_up(*state, flags[w], ROOM);
      through = countdown > 0;
      countdown = 0;
      assert_null(m.rest);
      if (through) {
        fx_ok(m.status);
        expect_all();
      } else {
        fx_error(m.status, RB_NO_MEMORY, NULL);
      }
    }
    assert_true(failed >= 8);
  }
  struct fixture *f = *state;
  assert_int_equal(fx_number(f->family, "rocksdb.num-snapshots"), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, new, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(every_buffer_gets_the_same_answers),
      CASE(a_merge_that_fails_is_the_error_of_its_key),
      CASE(a_malformed_batch_is_not_taken),
      CASE(memory_may_be_short_everywhere),
  };
  return cmocka_run_group_tests_name("overlay_multi", tests, NULL, NULL);
}
