/* iter_test.c: iterators, one behaviour at a time. */
#include "fixture.h"

static uint8_t buf[4096];

static rb_iter_options options(uint32_t flags) {
  rb_iter_options o = {0};
  o.flags = flags;
  return o;
}

/* Gives the fixture an iterator; a NULL bound is absent. */
static void iterate(struct fixture *f, rb_iter_options o, const char *lower, const char *upper) {
  rb_iter_free(f->it);
  f->it = NULL;
  o.has_lower = lower != NULL;
  o.has_upper = upper != NULL;
  rb_iter_result r =
      rb_iter_new(f->family, f->snap, o, U8(lower), lower == NULL ? 0 : strlen(lower), U8(upper),
                  upper == NULL ? 0 : strlen(upper));
  fx_ok(r.status);
  f->it = r.iter;
}

static void set_bounds(struct fixture *f, const char *lower, const char *upper) {
  fx_ok(rb_iter_set_bounds(f->it, lower != NULL, U8(lower), lower == NULL ? 0 : strlen(lower),
                           upper != NULL, U8(upper), upper == NULL ? 0 : strlen(upper)));
}

/* The bytes of row i of buf as text: "key=value". */
static const char *row(uint32_t i) {
  static char text[256];
  uint32_t at, lengths[2];
  memcpy(&at, buf + sizeof buf - 4 * ((size_t)i + 1), 4);
  memcpy(lengths, buf + at, 8);
  assert_true(lengths[0] + lengths[1] + 2 < sizeof text);
  memcpy(text, buf + at + 8, lengths[0]);
  text[lengths[0]] = '=';
  memcpy(text + lengths[0] + 1, buf + at + 8 + lengths[0], lengths[1]);
  text[lengths[0] + 1 + lengths[1]] = '\0';
  return text;
}

/* Asserts that a move of up to max_rows rows delivers those of want ("a b c"), each with its key as
 * its value, and whether it ended. */
static void expect_rows(struct fixture *f, uint32_t move, const char *key, uint32_t max_rows,
                        const char *want, int end) {
  rb_fill r = rb_iter_fill(f->it, move, BYTES(key), buf, sizeof buf, max_rows);
  fx_ok(r.status);
  char got[256] = "";
  for (uint32_t i = 0; i < r.rows; i++) {
    const char *text = row(i);
    size_t n = strlen(text) / 2;
    assert_memory_equal(text, text + n + 1, n);
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", i == 0 ? "" : " ", (int)n,
             text);
  }
  assert_string_equal(got, want);
  assert_int_equal(r.end, end);
  assert_int_equal(r.need, 0);
}

enum { ALL = 1000 };

static int with_rows(void **state) {
  fx_new(state);
  struct fixture *f = *state;
  static const char *const keys[] = {"b", "d", "f", "h", "j"};
  for (size_t i = 0; i < 5; i++) {
    fx_put(f->family, keys[i], keys[i]);
    if (i == 2) {
      fx_flush(f);
    }
  }
  return 0;
}

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

static void bounds_are_half_open_and_copied(void **state) {
  struct fixture *f = *state;
  char lower[] = "d", upper[] = "h";
  iterate(f, options(0), lower, upper);
  lower[0] = 'a';
  upper[0] = 'z';
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d f", 1);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "f d", 1);
  expect_rows(f, RB_MOVE_GE, "a", ALL, "d f", 1);
  expect_rows(f, RB_MOVE_LE, "z", ALL, "f d", 1);
  expect_rows(f, RB_MOVE_GE, "h", ALL, "", 1);
  expect_rows(f, RB_MOVE_LT, "d", ALL, "", 1);
}

static void empty_bounds_are_bounds(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "", "");
  iterate(f, options(0), "", NULL);
  expect_rows(f, RB_MOVE_FIRST, "", 2, " b", 0);
  iterate(f, options(0), NULL, "");
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "", 1);
  set_bounds(f, "", "c");
  expect_rows(f, RB_MOVE_LAST, "", ALL, "b ", 1);
}

static void bounds_change_to_wider_narrower_and_none(void **state) {
  struct fixture *f = *state;
  static const char *const first[][2] = {{"d", "i"}, {NULL, NULL}, {"d", NULL}, {NULL, "i"}};
  for (size_t i = 0; i < 4; i++) {
    iterate(f, options(0), first[i][0], first[i][1]);
    expect_rows(f, RB_MOVE_GE, "f", 1, "f", 0);
    set_bounds(f, "e", "g"); /* narrower */
    expect_rows(f, RB_MOVE_FIRST, "", ALL, "f", 1);
    expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "f", 1);
    set_bounds(f, "c", "k"); /* wider */
    expect_rows(f, RB_MOVE_LAST, "", ALL, "j h f d", 1);
    set_bounds(f, NULL, NULL);
    expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j", 1);
    expect_rows(f, RB_MOVE_LAST, "", ALL, "j h f d b", 1);
    set_bounds(f, "h", "d"); /* no row can be in there */
    expect_rows(f, RB_MOVE_FIRST, "", ALL, "", 1);
    expect_rows(f, RB_MOVE_LE, "f", ALL, "", 1);
    expect_rows(f, RB_MOVE_TURN_FORWARD, "", ALL, "", 1);
    set_bounds(f, "h", NULL);
    expect_rows(f, RB_MOVE_FIRST, "", ALL, "h j", 1);
    fx_ok(rb_iter_refresh(f->it));
    expect_rows(f, RB_MOVE_LAST, "", ALL, "j h", 1);
  }
}

static void a_row_on_the_upper_bound_stays_outside_after_a_turn(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), NULL, NULL);
  set_bounds(f, NULL, "f");
  expect_rows(f, RB_MOVE_GT, "f", ALL, "", 1);
  expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "d b", 1);
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
    assert_string_equal(row(0), cut[max]);
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

static void it_keeps_its_state_until_refreshed(void **state) {
  struct fixture *f = *state;
  iterate(f, options(0), "c", "g");
  fx_put(f->family, "e", "e");
  fx_ok(rb_apply(f->family, RB_DELETE, 0, BYTES("d"), NULL, 0));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d f", 1);
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  expect_rows(f, RB_MOVE_LAST, "", ALL, "f d", 1);
  fx_ok(rb_iter_refresh(f->it));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "e f", 1);
}

static void one_of_a_snapshot_shows_the_snapshot_until_refreshed(void **state) {
  struct fixture *f = *state;
  f->snap = rb_snapshot_new(f->db);
  assert_non_null(f->snap);
  fx_put(f->family, "e", "e");
  iterate(f, options(0), "c", "g");
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d f", 1);
  fx_ok(rb_iter_refresh(f->it));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "d e f", 1);
}

static const char snapshots[] = "rocksdb.num-snapshots";

static void a_snapshot_lives_as_long_as_an_iterator_of_it(void **state) {
  struct fixture *f = *state;
  f->snap = rb_snapshot_new(f->db);
  assert_non_null(f->snap);
  iterate(f, options(0), NULL, NULL);
  fx_put(f->family, "e", "e");
  rb_snapshot_free(f->snap);
  f->snap = NULL;
  assert_int_equal(fx_number(f->family, snapshots), 1);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j", 1);
  rb_iter_free(f->it);
  f->it = NULL;
  assert_int_equal(fx_number(f->family, snapshots), 0);
}

static void a_refresh_lets_the_snapshot_go(void **state) {
  struct fixture *f = *state;
  f->snap = rb_snapshot_new(f->db);
  assert_non_null(f->snap);
  iterate(f, options(0), NULL, NULL);
  rb_snapshot_free(f->snap);
  f->snap = NULL;
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(fx_number(f->family, snapshots), 0);
}

static void one_over_a_dropped_family_lives_on(void **state) {
  struct fixture *f = *state;
  rb_family_result r = rb_family_create(f->db, "other", fx_defaults().family, NULL);
  fx_ok(r.status);
  fx_put(r.family, "b", "b");
  fx_ok(rb_flush(f->db, &r.family, 1));
  fx_put(r.family, "d", "d");
  rb_family *of_default = f->family;
  f->family = r.family;
  iterate(f, options(0), NULL, NULL);
  fx_ok(rb_family_drop(r.family));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d", 1);
  set_bounds(f, "c", NULL);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "d", 1);
  f->family = of_default;
}

static void freeing_nothing_is_allowed(void **state) {
  (void)state;
  rb_iter_free(NULL);
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
      CASE(bounds_are_half_open_and_copied),
      CASE(empty_bounds_are_bounds),
      CASE(bounds_change_to_wider_narrower_and_none),
      CASE(a_row_on_the_upper_bound_stays_outside_after_a_turn),
      CASE(keys_only_and_max_value_cut_values),
      CASE(count_sums_and_stops_like_a_fill),
      CASE(steps_visit_what_fills_deliver),
      CASE(a_prefix_extractor_hides_no_row),
      CASE(it_keeps_its_state_until_refreshed),
      CASE(one_of_a_snapshot_shows_the_snapshot_until_refreshed),
      CASE(a_snapshot_lives_as_long_as_an_iterator_of_it),
      CASE(a_refresh_lets_the_snapshot_go),
      CASE(one_over_a_dropped_family_lives_on),
      cmocka_unit_test(freeing_nothing_is_allowed),
  };
  return cmocka_run_group_tests_name("iter", tests, NULL, NULL);
}
