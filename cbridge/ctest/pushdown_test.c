/* pushdown_test.c: work on the rows of an iterator in calls of bounded length. */
/* link: -Wl,--wrap=malloc -Wl,--wrap=calloc */
#include "iterate.h"

static bool no_memory;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return no_memory ? NULL : __real_malloc(n); }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

static const rb_stretch whole = {1000, 1000};
static const rb_stretch one_row = {1, 1000};
static const rb_stretch one_look = {1000, 1};

/* a=a aa=aa ab=ab b=b */
static void put_rows(struct fixture *f) {
  static const char *const keys[] = {"a", "aa", "ab", "b"};
  for (size_t i = 0; i < 4; i++) {
    fx_put(f->family, keys[i], keys[i]);
  }
  iterate(f, options(0), NULL, NULL);
}

static void passed(rb_passed p, uint64_t rows, uint8_t end) {
  fx_ok(p.status);
  assert_int_equal(p.rows, rows);
  assert_int_equal(p.end, end);
}

static void a_stretch_ends_by_rows_and_by_looks(void **state) {
  struct fixture *f = *state;
  put_rows(f);
  for (int by_rows = 0; by_rows < 2; by_rows++) {
    rb_checksum sum = {0};
    rb_stretch s = by_rows ? one_row : one_look;
    for (uint32_t i = 0; i < 4; i++) {
      passed(rb_iter_checksum(f->it, i == 0 ? RB_MOVE_FIRST : RB_MOVE_ON, s, &sum), 1, i == 3);
    }
    passed(rb_iter_checksum(f->it, RB_MOVE_ON, s, &sum), 0, 1);
    rb_checksum at_once = {0};
    passed(rb_iter_checksum(f->it, RB_MOVE_FIRST, whole, &at_once), 4, 1);
    assert_int_equal(sum.crc, at_once.crc);
    assert_int_equal(sum.key_bytes, 6);
    assert_int_equal(sum.value_bytes, 6);
  }
}

static void a_checksum_is_that_of_lengths_and_bytes(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  iterate(f, options(0), NULL, NULL);
  rb_checksum sum = {0};
  passed(rb_iter_checksum(f->it, RB_MOVE_FIRST, whole, &sum), 1, 1);
  static const uint8_t bytes[] = "\3\0\0\0\5\0\0\0keyvalue";
  assert_int_equal(sum.crc, rb_checksum_of(0, bytes, sizeof bytes - 1));
  assert_int_equal(sum.crc, rb_checksum_of(1, bytes, sizeof bytes - 1));
  assert_int_equal(rb_checksum_of(1, U8("123456789"), 9), 0xE3069283);
  assert_int_equal(rb_checksum_of(0, NULL, 0), 0);
}

static void sizes_go_to_buckets(void **state) {
  struct fixture *f = *state;
  put_rows(f);
  static char long_value[1000];
  memset(long_value, 'v', sizeof long_value - 1);
  fx_put(f->family, "c", long_value);
  iterate(f, options(0), NULL, NULL);
  static rb_sizes keys, values;
  memset(&keys, 0, sizeof keys);
  memset(&values, 0, sizeof values);
  passed(rb_iter_sizes(f->it, RB_MOVE_FIRST, whole, &keys, &values), 5, 1);
  assert_int_equal(keys.count, 5);
  assert_int_equal(keys.sum, 7);
  assert_int_equal(keys.least, 1);
  assert_int_equal(keys.most, 2);
  assert_int_equal(keys.buckets[1], 3);
  assert_int_equal(keys.buckets[2], 2);
  assert_int_equal(values.most, 999);
  /* 999 is between 512 and 1023, whose 16 buckets begin at 16 * (9 - 3) and are 32 wide */
  assert_int_equal(values.buckets[16 * 6 + (999 - 512) / 32], 1);
}

/* The first group of a buffer as "prefix:rows,bytes of keys,bytes of values". */
static const uint8_t *group(const uint8_t *at, char *text, size_t cap) {
  uint64_t n[RB_PREFIX_NUMBERS];
  memcpy(n, at, sizeof n);
  snprintf(text, cap, "%.*s:%d,%d,%d", (int)n[0], (const char *)at + sizeof n, (int)n[1], (int)n[2],
           (int)n[3]);
  return at + sizeof n + n[0];
}

static void rows_are_grouped_by_prefix(void **state) {
  struct fixture *f = *state;
  put_rows(f);
  static const struct {
    rb_grouping by;
    const char *want;
  } cases[] = {
      {{0, 0, 0}, ":4,6,6 "},
      {{1, 0, 0}, "a:3,5,5 b:1,1,1 "},
      {{9, 0, 0}, "a:1,1,1 aa:1,2,2 ab:1,2,2 b:1,1,1 "},
      {{0, 1, 'a'}, "a:3,5,5 b:1,1,1 "},
      {{0, 1, 'b'}, "a:1,1,1 aa:1,2,2 ab:1,2,2 b:1,1,1 "},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rb_groups g = rb_iter_prefixes(f->it, RB_MOVE_FIRST, whole, cases[i].by, buf, sizeof buf);
    passed(g.passed, 4, 1);
    assert_int_equal(g.need, 0);
    char got[256] = "";
    for (const uint8_t *at = buf; at < buf + g.used;) {
      char text[64];
      at = group(at, text, sizeof text);
      snprintf(got + strlen(got), sizeof got - strlen(got), "%s ", text);
    }
    assert_string_equal(got, cases[i].want);
  }
}

static void a_group_without_room_waits(void **state) {
  struct fixture *f = *state;
  put_rows(f);
  rb_grouping by = {1, 0, 0};
  char text[64];
  uint8_t *small = __real_malloc(33); /* just one group, and not a byte more */
  assert_non_null(small);
  rb_groups g = rb_iter_prefixes(f->it, RB_MOVE_FIRST, whole, by, small, 32);
  passed(g.passed, 0, 0);
  assert_int_equal(g.need, 33);
  assert_int_equal(g.used, 0);
  g = rb_iter_prefixes(f->it, RB_MOVE_ON, whole, by, small, 33);
  passed(g.passed, 3, 0);
  assert_int_equal(g.need, 0);
  group(small, text, sizeof text);
  assert_string_equal(text, "a:3,5,5");
  g = rb_iter_prefixes(f->it, RB_MOVE_ON, whole, by, small, 33);
  passed(g.passed, 1, 1);
  group(small, text, sizeof text);
  assert_string_equal(text, "b:1,1,1");
  rb_grouping all = {9, 0, 0}; /* "aa" is no more of "a", whatever lies behind that in the buffer */
  g = rb_iter_prefixes(f->it, RB_MOVE_FIRST, whole, all, small, 33);
  passed(g.passed, 1, 0);
  free(small);
}

static void a_split_is_the_key_behind_the_bytes(void **state) {
  struct fixture *f = *state;
  put_rows(f); /* 2, 4, 4 and 2 bytes */
  rb_split s = rb_iter_exact_split(f->it, RB_MOVE_FIRST, whole, 5, buf, sizeof buf);
  passed(s.passed, 2, 0);
  assert_int_equal(s.bytes, 6);
  assert_int_equal(s.found, 1);
  assert_int_equal(s.klen, 2);
  assert_memory_equal(buf, "ab", 2);
  buf[0] = '-';
  s = rb_iter_exact_split(f->it, RB_MOVE_ON, whole, 0, buf, 1); /* no room: nothing is copied */
  passed(s.passed, 0, 0);
  assert_int_equal(s.found, 1);
  assert_int_equal(s.klen, 2);
  assert_int_equal(buf[0], '-');
  s = rb_iter_exact_split(f->it, RB_MOVE_ON, whole, 100, buf, sizeof buf);
  passed(s.passed, 2, 1);
  assert_int_equal(s.found, 0);
  assert_int_equal(s.bytes, 6);
}

static void an_edge_is_the_outermost_key(void **state) {
  struct fixture *f = *state;
  rb_edge e = rb_edge_get(f->family, NULL, options(0), NULL, 0, NULL, 0, 0, buf, sizeof buf);
  fx_ok(e.status);
  assert_int_equal(e.found, 0);
  put_rows(f);
  rb_iter_options o = options(RB_READ_KEYS_ONLY);
  o.has_lower = 1;
  o.has_upper = 1;
  for (uint8_t last = 0; last < 2; last++) {
    e = rb_edge_get(f->family, NULL, o, BYTES("aa"), BYTES("b"), last, buf, sizeof buf);
    fx_ok(e.status);
    assert_int_equal(e.found, 1);
    assert_int_equal(e.klen, 2);
    assert_memory_equal(buf, last ? "ab" : "aa", 2);
    buf[0] = '-';
    e = rb_edge_get(f->family, NULL, o, BYTES("aa"), BYTES("b"), last, buf, 1);
    assert_int_equal(e.klen, 2);
    assert_int_equal(buf[0], '-');
  }
  no_memory = true;
  e = rb_edge_get(f->family, NULL, o, BYTES("aa"), BYTES("b"), 0, buf, sizeof buf);
  no_memory = false;
  assert_int_equal(e.found, 0);
  fx_error(e.status, RB_NO_MEMORY, NULL);
}

static void deletions_and_copies_go_to_batches(void **state) {
  struct fixture *f = *state;
  put_rows(f);
  rb_family_result other = rb_family_create(f->db, "other", fx_defaults().family, NULL);
  fx_ok(other.status);
  rb_cbatch *b = rb_cbatch_new();
  rb_copied c = rb_iter_copy(f->it, RB_MOVE_FIRST, whole, other.family, b, 6);
  passed(c.passed, 2, 0);
  assert_int_equal(c.key_bytes, 3);
  assert_int_equal(c.value_bytes, 3);
  c = rb_iter_copy(f->it, RB_MOVE_ON, whole, other.family, b, 0); /* one row in any case */
  passed(c.passed, 1, 0);
  size_t len = 0;
  assert_non_null(rb_cbatch_data(b, &len));
  assert_true(len > 12);
  fx_ok(rb_cbatch_write(f->db, 0, b));
  rb_cbatch_clear(b);
  rb_deleted d = rb_iter_delete(f->it, RB_MOVE_GE, BYTES("aa"), one_row, f->family, b, buf, 1);
  passed(d.passed, 1, 0);
  assert_int_equal(d.klen, 2);
  rb_stretch none = {0, 0};
  memset(buf, '-', 2);
  d = rb_iter_delete(f->it, RB_MOVE_ON, NULL, 0, none, f->family, b, buf, 2); /* it just fits */
  passed(d.passed, 0, 0);
  assert_int_equal(d.klen, 2);
  assert_memory_equal(buf, "ab", 2);
  d = rb_iter_delete(f->it, RB_MOVE_ON, NULL, 0, whole, f->family, b, buf, sizeof buf);
  passed(d.passed, 2, 1);
  fx_ok(rb_cbatch_write(f->db, 0, b));
  rb_cbatch_free(b);
  iterate(f, options(0), NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "a", 1);
  rb_iter_result r = rb_iter_new(other.family, NULL, options(0), NULL, 0, NULL, 0);
  fx_ok(r.status);
  rb_iter_free(f->it);
  f->it = r.iter;
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "a aa ab", 1);
}

static void a_deadline_ends_a_stretch(void **state) {
  struct fixture *f = *state;
  put_rows(f);
  rb_iter_options o = options(0);
  o.deadline = 1;
  iterate(f, o, NULL, NULL);
  for (int i = 0; i < 2; i++) {
    rb_checksum sum = {0};
    rb_passed p = rb_iter_checksum(f->it, i == 0 ? RB_MOVE_FIRST : RB_MOVE_ON, whole, &sum);
    assert_int_equal(p.end, 1);
    assert_int_equal(p.rows, 0);
    fx_error(p.status, RB_TIMED_OUT, NULL);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_stretch_ends_by_rows_and_by_looks),
      CASE(a_checksum_is_that_of_lengths_and_bytes),
      CASE(sizes_go_to_buckets),
      CASE(rows_are_grouped_by_prefix),
      CASE(a_group_without_room_waits),
      CASE(a_split_is_the_key_behind_the_bytes),
      CASE(an_edge_is_the_outermost_key),
      CASE(deletions_and_copies_go_to_batches),
      CASE(a_deadline_ends_a_stretch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
