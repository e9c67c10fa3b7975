/* iter_test.c: the moves of iterators, one behaviour at a time. */
#include "iterate.h"

static void every_move_begins_where_it_says(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j", 1);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "j h f d b", 1);
  expect_rows(f, RB_MOVE_GE, "f", ALL, "f h j", 1);
  expect_rows(f, RB_MOVE_GE, "e", ALL, "f h j", 1);
  expect_rows(f, RB_MOVE_GT, "f", ALL, "h j", 1);
  expect_rows(f, RB_MOVE_GT, "e", ALL, "f h j", 1);
  expect_rows(f, RB_MOVE_LE, "f", ALL, "f d b", 1);
  expect_rows(f, RB_MOVE_LE, "g", ALL, "f d b", 1);
  expect_rows(f, RB_MOVE_LT, "f", ALL, "d b", 1);
  expect_rows(f, RB_MOVE_LT, "g", ALL, "f d b", 1);
  expect_rows(f, RB_MOVE_GE, "k", ALL, "", 1);
  expect_rows(f, RB_MOVE_LT, "b", ALL, "", 1);
}

static void max_rows_stops_and_on_goes_on(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", 2, "b d", 0);
  expect_rows(f, RB_MOVE_ON, "", 2, "f h", 0);
  expect_rows(f, RB_MOVE_ON, "", 2, "j", 1);
  expect_rows(f, RB_MOVE_ON, "", 2, "", 1);
  expect_rows(f, RB_MOVE_LAST, "", 0, "j", 0); /* 0 is taken as 1 */
  expect_rows(f, RB_MOVE_ON, "", 4, "h f d b", 0);
  expect_rows(f, RB_MOVE_ON, "", 4, "", 1);
}

static void a_turn_after_the_end_gives_the_outermost_row(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), "c", "i");
  expect_rows(f, RB_MOVE_GE, "h", ALL, "h", 1);
  expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "h f d", 1);
  expect_rows(f, RB_MOVE_TURN_FORWARD, "", 1, "d", 0);
}

static void a_turn_after_max_rows_gives_the_row_delivered_last(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", 3, "b d f", 0);
  expect_rows(f, RB_MOVE_TURN_BACK, "", 2, "f d", 0);
  expect_rows(f, RB_MOVE_TURN_FORWARD, "", ALL, "d f h j", 1);
}

static void a_turn_after_need_gives_the_row_before_it(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", 2, "b d", 0);
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_ON, NULL, 0, buf, 13, ALL);
  fx_ok(r.status);
  assert_int_equal(r.need, 14);
  assert_int_equal(r.rows, 0);
  assert_int_equal(r.end, 0);
  expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "d b", 1);
}

static void a_turn_the_way_it_went_goes_on(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", 2, "b d", 0);
  expect_rows(f, RB_MOVE_TURN_FORWARD, "", 2, "f h", 0);
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_ON, NULL, 0, NULL, 0, ALL);
  assert_int_equal(r.need, 14);
  expect_rows(f, RB_MOVE_TURN_FORWARD, "", 2, "j", 1);
  expect_rows(f, RB_MOVE_TURN_FORWARD, "", 2, "", 1);
}

static void from_nowhere_only_on_stays_there(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), NULL, NULL);
  for (int round = 0; round < 2; round++) {
    expect_rows(f, RB_MOVE_ON, "", ALL, "", 1);
    expect_rows(f, RB_MOVE_TURN_BACK, "", 2, round == 0 ? "j h" : "h f", 0);
    set_bounds(f, "c", "i");
    expect_rows(f, RB_MOVE_ON, "", ALL, "", 1);
    expect_rows(f, RB_MOVE_TURN_FORWARD, "", 2, "d f", 0);
    set_bounds(f, "c", "i");
  }
  assert_int_equal(rb_iter_step(f->it, RB_MOVE_ON, 1, NULL, 0).valid, 0);
  fx_ok(rb_iter_refresh(f->it));
  expect_rows(f, RB_MOVE_ON, "", ALL, "", 1);
}

static void keys_only_and_max_value_cut_values(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "k", "value");
  rb_iter_options o = options(RB_READ_KEYS_ONLY);
  iterate(f, o, "k", NULL);
  assert_int_equal(rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 1).rows, 1);
  assert_string_equal(row(0), "k=");
  rb_row r = rb_iter_step(f->it, RB_MOVE_FIRST, 1, NULL, 0);
  assert_int_equal(r.valid, 1);
  assert_int_equal(r.vlen, 0);
  static const char *const cut[] = {"k=value", "k=v",     "k=va",   "k=val",
                                    "k=valu",  "k=value", "k=value"};
  for (uint64_t max = 0; max < 7; max++) {
    o = options(0);
    o.max_value = max;
    iterate(f, o, "k", NULL);
    assert_int_equal(rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 1).rows, 1);
    assert_string_equal(row_cut(0, max == 0 ? SIZE_MAX : max), cut[max]);
  }
}

static void count_sums_and_stops_like_a_fill(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "k", "value");
  iterate(f, options(0), "d", NULL);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, UINT64_MAX);
  fx_ok(c.status);
  assert_int_equal(c.rows, 5);
  assert_int_equal(c.key_bytes, 5);
  assert_int_equal(c.value_bytes, 4 + 5);
  assert_int_equal(c.end, 1);
  c = rb_iter_count(f->it, RB_MOVE_FIRST, 2);
  assert_int_equal(c.rows, 2);
  assert_int_equal(c.end, 0);
  expect_rows(f, RB_MOVE_ON, "", 1, "h", 0);
  c = rb_iter_count(f->it, RB_MOVE_ON, 10);
  assert_int_equal(c.rows, 2);
  assert_int_equal(c.end, 1);
}

static void steps_visit_what_fills_deliver(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), "c", "i");
  rb_row r = rb_iter_step(f->it, RB_MOVE_FIRST, 1, NULL, 0);
  for (const char *want = "dfh"; *want != '\0'; want++) {
    fx_ok(r.status);
    assert_int_equal(r.valid, 1);
    assert_int_equal(r.klen, 1);
    assert_memory_equal(r.key, want, 1);
    assert_memory_equal(r.value, want, 1);
    r = rb_iter_step(f->it, RB_MOVE_ON, 1, NULL, 0);
  }
  assert_int_equal(r.valid, 0);
  assert_null(r.key);
  assert_null(r.value);
  /* Off the end it stays off, whichever way it steps. */
  assert_int_equal(rb_iter_step(f->it, RB_MOVE_ON, 0, NULL, 0).valid, 0);
  r = rb_iter_step(f->it, RB_MOVE_LT, 0, BYTES("f"));
  assert_memory_equal(r.key, "d", 1);
  r = rb_iter_step(f->it, RB_MOVE_ON, 1, NULL, 0);
  assert_memory_equal(r.key, "f", 1);
}

static void a_prefix_extractor_hides_no_row(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.bloom_bits_per_key = 10;
  s.family_extra = "prefix_extractor=fixed:1;memtable_prefix_bloom_size_ratio=0.1";
  fx_open(f, s);
  for (int flushed = 0; flushed < 2; flushed++) {
    iterate(f, options(0), NULL, NULL);
    expect_rows(f, RB_MOVE_GE, "c", ALL, "d f h j", 1);
    expect_rows(f, RB_MOVE_LE, "i", ALL, "h f d b", 1);
    fx_put(f->family, "d", "d");
    fx_flush(f);
    fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_rows, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(every_move_begins_where_it_says),
      CASE(max_rows_stops_and_on_goes_on),
      CASE(a_turn_after_the_end_gives_the_outermost_row),
      CASE(a_turn_after_max_rows_gives_the_row_delivered_last),
      CASE(a_turn_after_need_gives_the_row_before_it),
      CASE(a_turn_the_way_it_went_goes_on),
      CASE(from_nowhere_only_on_stays_there),
      CASE(keys_only_and_max_value_cut_values),
      CASE(count_sums_and_stops_like_a_fill),
      CASE(steps_visit_what_fills_deliver),
      CASE(a_prefix_extractor_hides_no_row),
  };
  return cmocka_run_group_tests_name("iter", tests, NULL, NULL);
}
