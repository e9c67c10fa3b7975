/* predicate_test.c: programs of predicates, checked and run, and iterators that are filtered. */
/* link: -Wl,--wrap=malloc -Wl,--wrap=calloc */
#include "iterate.h"

static int allocations_left = -1; /* negative: as many as one likes */

static bool refuse(void) {
  if (allocations_left == 0) {
    return true;
  }
  allocations_left -= allocations_left > 0;
  return false;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return refuse() ? NULL : __real_malloc(n); }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return refuse() ? NULL : __real_calloc(n, size); }

/* A program that is being written. */
struct program {
  uint8_t bytes[1024];
  size_t len;
};

static void little(struct program *p, uint64_t x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    p->bytes[p->len++] = (uint8_t)(x >> (8 * i));
  }
}

static void begin(struct program *p, uint32_t count) {
  p->len = 0;
  little(p, count, 4);
}

static void test(struct program *p, uint8_t op, uint8_t part, uint8_t accept, uint32_t yes,
                 uint32_t no, uint64_t a, uint64_t b, const char *data) {
  little(p, op, 1);
  little(p, part, 1);
  little(p, accept, 1);
  little(p, 0, 1);
  little(p, yes, 4);
  little(p, no, 4);
  little(p, a, 8);
  little(p, b, 8);
  little(p, strlen(data), 4);
  memcpy(p->bytes + p->len, data, strlen(data));
  p->len += strlen(data);
}

static bool keeps(const struct program *p, const char *key, const char *value) {
  uint8_t kept = 2;
  fx_ok(rb_predicate_try(p->bytes, p->len, BYTES(key), BYTES(value), &kept));
  assert_true(kept <= 1);
  return kept != 0;
}

static void each_test_looks_for_its_own(void **state) {
  (void)state;
  static const struct {
    uint8_t op, accept;
    uint64_t a, b;
    const char *data, *yes, *no;
  } cases[] = {
      {RB_TEST_PREFIX, 0, 0, 0, "ab", "abc", "ba"},
      {RB_TEST_PREFIX, 0, 0, 0, "ab", "ab", "a"},
      {RB_TEST_PREFIX, 0, 0, 0, "", "", NULL},
      {RB_TEST_SUFFIX, 0, 0, 0, "bc", "abc", "cb"},
      {RB_TEST_SUFFIX, 0, 0, 0, "bc", "bc", "c"},
      {RB_TEST_CONTAINS, 0, 0, 0, "bc", "abcd", "abdc"},
      {RB_TEST_CONTAINS, 0, 0, 0, "", "", NULL},
      {RB_TEST_CONTAINS, 0, 0, 0, "bc", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbc",
       "bbbbbbbbbbbbbbbbbbbbbbbbb"},
      {RB_TEST_CONTAINS, 0, 0, 0, "c", "abc", ""},
      {RB_TEST_LENGTH, 0, 2, 3, "", "ab", "a"},
      {RB_TEST_LENGTH, 0, 2, 3, "", "abc", "abcd"},
      {RB_TEST_COMPARE, RB_ACCEPT_LESS, 0, 0, "m", "l", "m"},
      {RB_TEST_COMPARE, RB_ACCEPT_EQUAL, 0, 0, "m", "m", "ma"},
      {RB_TEST_COMPARE, RB_ACCEPT_GREATER, 0, 0, "m", "ma", "m"},
      {RB_TEST_COMPARE, RB_ACCEPT_LESS | RB_ACCEPT_GREATER, 0, 0, "m", "l", "m"},
      {RB_TEST_COMPARE_AT, RB_ACCEPT_EQUAL, 1, 0, "m", "amz", "maz"},
      {RB_TEST_COMPARE_AT, RB_ACCEPT_GREATER, 1, 0, "m", "an", "am"},
      {RB_TEST_COMPARE_AT, RB_ACCEPT_ALL, 1, 0, "mm", "abc", "ab"},
      {RB_TEST_COMPARE_AT, RB_ACCEPT_ALL, 4, 0, "", "abcd", "abc"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (uint8_t part = RB_PART_KEY; part <= RB_PART_VALUE; part++) {
      struct program p;
      begin(&p, 1);
      test(&p, cases[i].op, part, cases[i].accept, 1, 2, cases[i].a, cases[i].b, cases[i].data);
      bool key = part == RB_PART_KEY;
      assert_true(keeps(&p, key ? cases[i].yes : "-", key ? "-" : cases[i].yes));
      if (cases[i].no != NULL) {
        assert_false(keeps(&p, key ? cases[i].no : "-", key ? "-" : cases[i].no));
      }
    }
  }
}

/* (key has prefix a and value has prefix b) or not (key has suffix z) */
static void tests_go_on_where_they_say(void **state) {
  (void)state;
  struct program p;
  begin(&p, 3);
  test(&p, RB_TEST_PREFIX, RB_PART_KEY, 0, 1, 2, 0, 0, "a");
  test(&p, RB_TEST_PREFIX, RB_PART_VALUE, 0, 3, 2, 0, 0, "b");
  test(&p, RB_TEST_SUFFIX, RB_PART_KEY, 0, 4, 3, 0, 0, "z");
  assert_true(keeps(&p, "az", "b"));
  assert_false(keeps(&p, "az", "c"));
  assert_true(keeps(&p, "ay", "c"));
  assert_false(keeps(&p, "z", "b"));
}

static void refused(const struct program *p, size_t len) {
  uint8_t kept = 1;
  uint8_t *copy = __real_malloc(len == 0 ? 1 : len); /* of its own: a read beyond it is seen */
  assert_non_null(copy);
  memcpy(copy, p->bytes, len);
  fx_error(rb_predicate_try(copy, len, BYTES("k"), BYTES("v"), &kept), RB_INVALID_ARGUMENT,
           "malformed");
  assert_int_equal(kept, 0);
  free(copy);
}

/* Whether a text is found in another, at every length of both, in memory of its own each. */
static void a_text_is_found_up_to_the_end(void **state) {
  (void)state;
  static const char letters[] = "aabaabaaab";
  for (size_t n = 0; n <= 10; n++) {
    for (size_t from = 0; from < 10; from++) {
      for (size_t len = 1; from + len <= 10; len++) {
        char *value = malloc(n + 1), text[16] = {0};
        assert_non_null(value);
        memcpy(value, letters, n);
        memcpy(text, letters + from, len);
        value[n] = 0;
        bool want = strstr(value, text) != NULL;
        uint8_t *exact = malloc(n > 0 ? n : 1); /* so that a read behind it is found */
        assert_non_null(exact);
        memcpy(exact, value, n);
        struct program p;
        begin(&p, 1);
        test(&p, RB_TEST_CONTAINS, RB_PART_KEY, 0, 1, 2, 0, 0, text);
        uint8_t kept = 0;
        fx_ok(rb_predicate_try(p.bytes, p.len, exact, n, NULL, 0, &kept));
        assert_int_equal(kept, want);
        free(exact);
        free(value);
      }
    }
  }
}

static void malformed_programs_are_refused(void **state) {
  (void)state;
  struct program p;
  begin(&p, 2);
  test(&p, RB_TEST_PREFIX, RB_PART_KEY, 0, 1, 3, 0, 0, "abc");
  test(&p, RB_TEST_LENGTH, RB_PART_VALUE, 0, 2, 3, 1, 2, "");
  assert_true(keeps(&p, "abcd", "v"));
  for (size_t n = 0; n < p.len; n++) {
    refused(&p, n);
  }
  p.len++;
  refused(&p, p.len);
  static const struct {
    size_t at;
    uint8_t byte;
  } faults[] = {
      {0, 0},  {0, 1},      {0, 3},      {3, 1}, /* count */
      {4, 0},  {4, 7},      {5, 2},      {6, 1},      {7, 1},
      {8, 0},  {8, 4},      {12, 0},     {12, 4},     {15, 1}, /* jumps */
      {16, 1}, {24, 1},     {32, 2},     {32, 4},     {35, 1}, /* numbers, length */
      {39, 5}, {39 + 4, 1}, {39 + 8, 1}, {39 + 12, 3}          /* LENGTH with accept; back */
  };
  for (size_t i = 0; i + 1 < sizeof faults / sizeof faults[0]; i++) {
    begin(&p, 2);
    test(&p, RB_TEST_PREFIX, RB_PART_KEY, 0, 1, 3, 0, 0, "abc");
    test(&p, RB_TEST_LENGTH, RB_PART_VALUE, 0, 2, 3, 1, 2, "");
    p.bytes[faults[i].at] = faults[i].byte;
    refused(&p, p.len);
  }
  begin(&p, 1);
  test(&p, RB_TEST_LENGTH, RB_PART_KEY, 0, 1, 2, 3, 2, "");
  refused(&p, p.len);
  begin(&p, 1);
  test(&p, RB_TEST_COMPARE, RB_PART_KEY, 8, 1, 2, 0, 0, "");
  refused(&p, p.len);
  begin(&p, 1);
  test(&p, RB_TEST_COMPARE_AT, RB_PART_KEY, 1, 1, 2, RB_MAX_VALUE + 1, 0, "");
  refused(&p, p.len);
}

static void memory_may_be_short(void **state) {
  (void)state;
  struct program p;
  begin(&p, 1);
  test(&p, RB_TEST_PREFIX, RB_PART_KEY, 0, 1, 2, 0, 0, "a");
  for (int n = 0; n < 2; n++) {
    allocations_left = n;
    uint8_t kept;
    rb_status s = rb_predicate_try(p.bytes, p.len, BYTES("a"), BYTES(""), &kept);
    allocations_left = -1;
    fx_error(s, RB_NO_MEMORY, NULL);
  }
}

/* Keeps keys of one letter out of those. */
static void filter(struct fixture *f, uint64_t pause) {
  struct program p;
  begin(&p, 1);
  test(&p, RB_TEST_LENGTH, RB_PART_KEY, 0, 1, 2, 1, 1, "");
  fx_ok(rb_iter_set_predicate(f->it, p.bytes, p.len, pause));
}

static void rows_of(struct fixture *f) {
  static const char *const keys[] = {"aa", "ab", "b", "ba", "bb", "bc", "d", "da", "db"};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    fx_put(f->family, keys[i], keys[i]);
  }
}

static void fills_pass_over_rows_both_ways(void **state) {
  struct fixture *f = *state;
  rows_of(f);
  iterate(f, options(0), NULL, NULL);
  filter(f, 100);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d", 1);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "d b", 1);
  expect_rows(f, RB_MOVE_GE, "ba", ALL, "d", 1);
  expect_rows(f, RB_MOVE_LE, "bc", ALL, "b", 1);
  expect_rows(f, RB_MOVE_FIRST, "", 1, "b", 0);
  expect_rows(f, RB_MOVE_TURN_BACK, "", 1, "b", 0);
  expect_rows(f, RB_MOVE_ON, "", 1, "", 1);
  set_bounds(f, "ba", "da");
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d", 1);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, ALL);
  fx_ok(c.status);
  assert_int_equal(c.rows, 1);
  assert_int_equal(c.end, 1);
  fx_ok(rb_iter_refresh(f->it));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d", 1);
}

/* Fills until there are rows or the end; the number of calls. */
static int fills(struct fixture *f, uint32_t move, const char *want, int end) {
  for (int n = 1;; n++) {
    rb_fill r = rb_iter_fill(f->it, move, NULL, 0, buf, sizeof buf, 1);
    fx_ok(r.status);
    assert_int_equal(r.need, 0);
    if (r.rows > 0 || r.end) {
      assert_int_equal(r.end, end);
      assert_string_equal(r.rows > 0 ? row(0) : "", want);
      return n;
    }
    move = RB_MOVE_ON;
  }
}

static void a_call_ends_when_it_has_looked_at_enough(void **state) {
  struct fixture *f = *state;
  rows_of(f);
  iterate(f, options(0), NULL, NULL);
  filter(f, 1);
  assert_int_equal(fills(f, RB_MOVE_FIRST, "b=b", 0), 3);
  assert_int_equal(fills(f, RB_MOVE_ON, "d=d", 0), 4);
  assert_int_equal(fills(f, RB_MOVE_ON, "", 1), 2);
  assert_int_equal(fills(f, RB_MOVE_LAST, "d=d", 0), 3);
  assert_int_equal(fills(f, RB_MOVE_ON, "b=b", 0), 4);
  assert_int_equal(fills(f, RB_MOVE_TURN_FORWARD, "b=b", 0), 1);
  assert_int_equal(fills(f, RB_MOVE_ON, "d=d", 0), 4);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, ALL);
  fx_ok(c.status);
  assert_int_equal(c.rows, 0);
  assert_int_equal(c.end, 0);
  c = rb_iter_count(f->it, RB_MOVE_ON, ALL);
  assert_int_equal(c.rows, 0);
  c = rb_iter_count(f->it, RB_MOVE_ON, ALL);
  assert_int_equal(c.rows, 1);
  assert_int_equal(c.end, 0);
}

static void a_filter_sees_values_that_are_not_delivered(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "a", "long value");
  fx_put(f->family, "b", "short");
  struct program p;
  begin(&p, 1);
  test(&p, RB_TEST_CONTAINS, RB_PART_VALUE, 0, 1, 2, 0, 0, "value");
  for (int i = 0; i < 2; i++) {
    rb_iter_options o = options(i == 0 ? RB_READ_KEYS_ONLY : 0);
    o.max_value = 2;
    iterate(f, o, NULL, NULL);
    fx_ok(rb_iter_set_predicate(f->it, p.bytes, p.len, 10));
    rb_fill r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, ALL);
    fx_ok(r.status);
    assert_int_equal(r.rows, 1);
    assert_string_equal(row_cut(0, 2), i == 0 ? "a=" : "a=lo");
  }
}

static void a_bad_program_leaves_the_iterator(void **state) {
  struct fixture *f = *state;
  rows_of(f);
  iterate(f, options(0), "b", "bb");
  fx_error(rb_iter_set_predicate(f->it, U8("junk"), 4, 1), RB_INVALID_ARGUMENT, "malformed");
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b ba", 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_test_looks_for_its_own),
      cmocka_unit_test(tests_go_on_where_they_say),
      cmocka_unit_test(a_text_is_found_up_to_the_end),
      cmocka_unit_test(malformed_programs_are_refused),
      cmocka_unit_test(memory_may_be_short),
      cmocka_unit_test_setup_teardown(fills_pass_over_rows_both_ways, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_call_ends_when_it_has_looked_at_enough, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_filter_sees_values_that_are_not_delivered, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_bad_program_leaves_the_iterator, fx_new, fx_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
