/* overlay_test.c: reads and iterators over a batch and the database, and what they do when memory
 * is short or RocksDB refuses. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=rocksdb_options_create */
/* link: -Wl,--wrap=rocksdb_readoptions_create,--wrap=rocksdb_writebatch_wi_create */
/* link: -Wl,--wrap=rocksdb_writebatch_wi_get_from_batch_cf,--wrap=rocksdb_iter_get_error */
/* link: -pthread */
#include <pthread.h>

#include "iterate.h"
#include "rocksdb/c.h"

/* The allocation that fails, counted from 1; 0: none. Those inside RocksDB do not pass here. */
static unsigned countdown;

static bool fails(void) { return countdown > 0 && --countdown == 0; }

#define WRAP(result, name, parameters, arguments)                                                  \
  result __real_##name parameters;                                                                 \
  result __wrap_##name parameters;                                                                 \
  result __wrap_##name parameters { return fails() ? NULL : __real_##name arguments; }

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(rocksdb_options_t *, rocksdb_options_create, (void), ())
WRAP(rocksdb_readoptions_t *, rocksdb_readoptions_create, (void), ())
WRAP(rocksdb_writebatch_wi_t *, rocksdb_writebatch_wi_create, (size_t n, unsigned char o), (n, o))

/* What RocksDB answers to a merge or about an iterator instead; NULL: nothing special. */
static const char *refusal;

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
  if (refusal == NULL) {
    return __real_rocksdb_writebatch_wi_get_from_batch_cf(b, o, h, key, klen, vlen, err);
  }
  *err = strdup(refusal);
  return NULL;
}

static const char *base_error;

void __real_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err);
void __wrap_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err);
void __wrap_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err) {
  if (base_error == NULL) {
    __real_rocksdb_iter_get_error(it, err);
  } else {
    *err = strdup(base_error);
  }
}

/* The records of a batch, and the overlay over the fixture's database. */
static struct {
  uint8_t bytes[8192];
  size_t len;
  size_t replayed;
  rb_overlay *over;
} batch;

enum { HEADER = 12 };

static void field(const uint8_t *p, size_t n) {
  assert_true(n < 0x80 && batch.len + n + 1 < sizeof batch.bytes);
  batch.bytes[batch.len++] = (uint8_t)n;
  memcpy(batch.bytes + batch.len, p, n);
  batch.len += n;
}

static void put(const char *key, const char *value) {
  batch.bytes[batch.len++] = 1;
  field(BYTES(key));
  field(BYTES(value));
}

static void erase(const char *key) {
  batch.bytes[batch.len++] = 0;
  field(BYTES(key));
}

static void delete_range(const char *start, const char *end) {
  batch.bytes[batch.len++] = 0x0F;
  field(BYTES(start));
  field(BYTES(end));
}

static void merge(const char *key, uint64_t n) {
  batch.bytes[batch.len++] = 2;
  field(BYTES(key));
  field((const uint8_t *)&n, 8);
}

/* The arguments by which each call brings the overlay what it lacks. */
#define REPLAY                                                                                     \
  batch.over, HEADER + batch.replayed, batch.bytes + batch.replayed, batch.len - batch.replayed

static rb_found get(struct fixture *f, const char *key, size_t cap) {
  rb_found r = rb_overlay_get(REPLAY, f->family, 0, 0, BYTES(key), buf, cap);
  if (r.replayed) {
    batch.replayed = batch.len;
  }
  return r;
}

static void expect(struct fixture *f, const char *key, const char *value) {
  rb_found r = get(f, key, sizeof buf);
  rb_found has = rb_overlay_has(REPLAY, f->family, 0, 0, BYTES(key));
  if (value == NULL) {
    fx_error(r.status, RB_NOT_FOUND, NULL);
    fx_error(has.status, RB_NOT_FOUND, NULL);
    return;
  }
  fx_ok(r.status);
  fx_ok(has.status);
  assert_null(r.data);
  assert_int_equal(r.len, strlen(value));
  assert_memory_equal(buf, value, r.len);
}

static void expect_number(struct fixture *f, const char *key, uint64_t want) {
  uint64_t n = 0;
  rb_found r = get(f, key, sizeof buf);
  fx_ok(r.status);
  assert_int_equal(r.len, 8);
  memcpy(&n, buf, 8);
  assert_int_equal(n, want);
}

static void iterate_over(struct fixture *f, const char *lower, const char *upper) {
  rb_iter_free(f->it);
  rb_iter_options o = {0};
  o.has_lower = lower != NULL;
  o.has_upper = upper != NULL;
  rb_iter_result r =
      rb_iter_new_over(REPLAY, f->family, o, U8(lower), lower == NULL ? 0 : strlen(lower),
                       U8(upper), upper == NULL ? 0 : strlen(upper));
  f->it = r.iter;
  fx_ok(r.status);
  batch.replayed = batch.len;
}

static void rollback_to(size_t len) {
  batch.len = len;
  batch.replayed = batch.replayed < len ? batch.replayed : len;
}

/* Rows b d f h j, and a merge operator. */
static int with_batch(void **state) {
  with_rows(state);
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.operators.merge_kind = RB_MERGE_UINT64_ADD;
  fx_open(f, s);
  memset(&batch, 0, sizeof batch);
  batch.over = rb_overlay_new();
  assert_non_null(batch.over);
  countdown = 0;
  refusal = NULL;
  base_error = NULL;
  return 0;
}

static int without_batch(void **state) {
  countdown = 0;
  refusal = NULL;
  base_error = NULL;
  rb_overlay_free(batch.over);
  return fx_free(state);
}

static void reads_see_the_batch_before_the_database(void **state) {
  struct fixture *f = *state;
  expect(f, "b", "b");
  put("c", "c");
  erase("b");
  expect(f, "b", NULL);
  expect(f, "c", "c");
  expect(f, "d", "d");
  put("b", "new");
  expect(f, "b", "new");
  batch.bytes[batch.len++] = 7; /* a single delete */
  field(BYTES("b"));
  expect(f, "b", NULL);
  batch.bytes[batch.len++] = 3; /* log data */
  field(BYTES("blob"));
  put("b", "");
  expect(f, "b", "");
}

static void a_family_sees_its_own_records_only(void **state) {
  struct fixture *f = *state;
  static const uint8_t tags[] = {5, 4, 8, 6, 0x0E};
  for (size_t i = 0; i < sizeof tags; i++) {
    batch.bytes[batch.len++] = tags[i];
    batch.bytes[batch.len++] = 0x81; /* family 129, in two bytes */
    batch.bytes[batch.len++] = 0x01;
    field(BYTES("b"));
    if (tags[i] != 4 && tags[i] != 8) {
      field(BYTES("z"));
    }
  }
  expect(f, "b", "b");
  put("c", "c");
  iterate_over(f, NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b c d f h j", 1);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "j h f d c b", 1);
}

static void a_range_deletion_hides_older_rows_of_both(void **state) {
  struct fixture *f = *state;
  put("c", "c");
  put("g", "g");
  delete_range("c", "h");
  put("e", "e");
  expect(f, "c", NULL);
  expect(f, "d", NULL);
  expect(f, "g", NULL);
  expect(f, "e", "e");
  expect(f, "h", "h");
  delete_range("b", "c"); /* touches the other */
  delete_range("d", "d"); /* nothing */
  iterate_over(f, NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "e h j", 1);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "j h e", 1);
  expect_rows(f, RB_MOVE_GE, "c", 1, "e", 0);
  expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "e", 1);
  expect_rows(f, RB_MOVE_LT, "h", ALL, "e", 1);
}

static void merges_are_rocksdbs_own(void **state) {
  struct fixture *f = *state;
  uint64_t five = 5;
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("n"), (const uint8_t *)&five, 8));
  merge("n", 2);
  merge("n", 3);
  expect_number(f, "n", 10);
  merge("o", 4);
  expect_number(f, "o", 4);
  erase("n");
  merge("n", 7);
  expect_number(f, "n", 7);
  delete_range("a", "z");
  merge("n", 1);
  expect_number(f, "n", 1);
  rb_found r = get(f, "n", 7); /* one byte too short */
  fx_ok(r.status);
  assert_non_null(r.owned);
  assert_null(r.pin);
  assert_int_equal(r.len, 8);
  rb_free(r.owned);
}

static void a_value_too_long_is_lent_by_its_owner(void **state) {
  struct fixture *f = *state;
  rb_found r = get(f, "d", 0);
  fx_ok(r.status);
  assert_non_null(r.pin);
  assert_null(r.owned);
  rb_unpin(r.pin);
  put("d", "long");
  r = get(f, "d", 3);
  fx_ok(r.status);
  assert_null(r.pin);
  assert_null(r.owned);
  assert_int_equal(r.len, 4);
  assert_memory_equal(r.data, "long", 4);
}

static void an_iterator_keeps_the_batch_as_it_was(void **state) {
  struct fixture *f = *state;
  put("c", "c");
  iterate_over(f, "c", "i");
  expect_rows(f, RB_MOVE_FIRST, "", 1, "c", 0);
  size_t before = batch.len;
  put("e", "e");
  erase("d");
  expect(f, "d", NULL);
  expect_rows(f, RB_MOVE_ON, "", ALL, "d f h", 1);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "h f d c", 1);
  fx_ok(rb_iter_refresh_over(f->it, REPLAY));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "c e f h", 1);
  rollback_to(before);
  expect(f, "d", "d");
  expect(f, "e", NULL);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "c e f h", 1);
  put("g", "g"); /* where e was in the batch */
  fx_ok(rb_iter_refresh_over(f->it, REPLAY));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "c d f g h", 1);
  rb_overlay_free(batch.over);
  batch.over = NULL;
  expect_rows(f, RB_MOVE_LAST, "", ALL, "h g f d c", 1);
}

static void a_refresh_may_change_the_overlay(void **state) {
  struct fixture *f = *state;
  put("c", "c");
  iterate_over(f, NULL, NULL);
  rb_overlay_free(batch.over);
  batch.over = rb_overlay_new();
  batch.len = batch.replayed = 0;
  put("k", "k");
  fx_ok(rb_iter_refresh_over(f->it, REPLAY));
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b d f h j k", 1);
}

static void turns_go_from_the_row_of_either(void **state) {
  struct fixture *f = *state;
  put("c", "c");
  put("d", "d");
  put("e", "e");
  put("k", "k");
  erase("h");
  iterate_over(f, NULL, NULL);
  static const char *const forward[] = {"b", "c", "d", "e", "f", "j", "k"};
  for (size_t i = 1; i < 7; i++) {
    expect_rows(f, RB_MOVE_GE, forward[i], 1, forward[i], 0);
    if (i < 6) {
      char back[32];
      snprintf(back, sizeof back, "%s %s", forward[i], forward[i - 1]);
      expect_rows(f, RB_MOVE_TURN_BACK, "", 2, back, 0);
    }
    expect_rows(f, RB_MOVE_LE, forward[i - 1], 1, forward[i - 1], 0);
    if (i > 1) {
      char on[32];
      snprintf(on, sizeof on, "%s %s", forward[i - 1], forward[i]);
      expect_rows(f, RB_MOVE_TURN_FORWARD, "", 2, on, 0);
    }
  }
}

static void changed_bounds_hold_for_the_batch_too(void **state) {
  struct fixture *f = *state;
  put("a", "a");
  put("c", "c");
  put("e", "e");
  put("g", "g");
  put("k", "k");
  iterate_over(f, NULL, NULL);
  set_bounds(f, "c", "g");
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "c d e f", 1);
  expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "f e d c", 1);
  expect_rows(f, RB_MOVE_TURN_FORWARD, "", ALL, "c d e f", 1);
  set_bounds(f, NULL, "e");
  expect_rows(f, RB_MOVE_GT, "d", ALL, "", 1);
  expect_rows(f, RB_MOVE_TURN_BACK, "", ALL, "d c b a", 1);
  set_bounds(f, "f", NULL);
  expect_rows(f, RB_MOVE_LT, "f", ALL, "", 1);
  expect_rows(f, RB_MOVE_TURN_FORWARD, "", ALL, "f g h j k", 1);
  set_bounds(f, NULL, NULL);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "k j h g f e d c b a", 1);
}

static void many_versions_of_a_key_are_one_row(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 50; i++) {
    put("c", i == 49 ? "c" : "old");
    put("x", "old");
    erase("x");
  }
  iterate_over(f, NULL, NULL);
  expect_rows(f, RB_MOVE_FIRST, "", ALL, "b c d f h j", 1);
  expect_rows(f, RB_MOVE_LAST, "", ALL, "j h f d c b", 1);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, ALL);
  fx_ok(c.status);
  assert_int_equal(c.rows, 6);
  assert_int_equal(c.value_bytes, 6);
}

static void malformed_records_are_refused(void **state) {
  struct fixture *f = *state;
  static const char *const bad[] = {
      "\x0D", /* not a record of a batch */
      "\x01\x05"
      "abc", /* a key beyond the end */
      "\x01\x01"
      "k", /* no value */
      "\x01\x01k\x05"
      "ab", /* a value beyond the end */
      "\x05\xFF\xFF\xFF\xFF\xFF\xFF"
      "k",    /* a number of six bytes */
      "\x05", /* no number */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    size_t before = batch.len;
    put("c", "c");
    memcpy(batch.bytes + batch.len, bad[i], strlen(bad[i]));
    batch.len += strlen(bad[i]);
    rb_found r = get(f, "c", sizeof buf);
    fx_error(r.status, RB_CORRUPTION, "record");
    assert_int_equal(r.replayed, 0);
    r = rb_overlay_has(REPLAY, f->family, 0, 0, BYTES("c"));
    fx_error(r.status, RB_CORRUPTION, "record");
    rollback_to(before);
    expect(f, "c", NULL); /* what came before the bad one is gone again */
  }
}

static void a_merge_that_fails_ends_a_read_and_an_iterator(void **state) {
  struct fixture *f = *state;
  put("c", "c");
  merge("e", 1);
  refusal = "Corruption: no";
  rb_found r = get(f, "e", sizeof buf);
  fx_error(r.status, RB_CORRUPTION, "no");
  assert_int_equal(r.replayed, 1);
  iterate_over(f, NULL, NULL);
  for (int i = 0; i < 2; i++) {
    rb_fill fill = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, ALL);
    assert_int_equal(fill.rows, 3); /* b c d */
    assert_int_equal(fill.end, 1);
    fx_error(fill.status, RB_CORRUPTION, "no");
    uint32_t again[] = {RB_MOVE_ON, RB_MOVE_TURN_BACK, RB_MOVE_TURN_FORWARD};
    fill = rb_iter_fill(f->it, again[i], NULL, 0, buf, sizeof buf, ALL);
    assert_int_equal(fill.rows, 0);
    fx_error(fill.status, RB_CORRUPTION, "no");
  }
  expect_rows(f, RB_MOVE_GE, "f", 1, "f", 0); /* the others start afresh */
  refusal = NULL;
  rb_fill fill = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, ALL);
  fx_ok(fill.status);
  assert_int_equal(fill.rows, 7);
}

static void an_error_of_the_database_is_no_end_of_its_rows(void **state) {
  struct fixture *f = *state;
  put("x", "x");
  iterate_over(f, NULL, NULL);
  base_error = "Corruption: bad block";
  rb_fill fill = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, ALL);
  assert_int_equal(fill.rows, 5); /* and not x */
  assert_int_equal(fill.end, 1);
  fx_error(fill.status, RB_CORRUPTION, "bad block");
  fill = rb_iter_fill(f->it, RB_MOVE_TURN_BACK, NULL, 0, buf, sizeof buf, ALL);
  assert_int_equal(fill.rows, 0);
  fx_error(fill.status, RB_CORRUPTION, "bad block");
}

static void short_memory_is_an_answer_everywhere(void **state) {
  struct fixture *f = *state;
  put("c", "c");
  delete_range("f", "g");
  merge("n", 1);
  iterate_over(f, NULL, NULL);
  put("e", "e");
  unsigned failures = 0;
  for (unsigned n = 1;; n++) { /* a new iterator, its options, its holes, its bounds */
    countdown = n;
    rb_iter_options o = {0};
    o.has_lower = 1;
    rb_iter_result r = rb_iter_new_over(REPLAY, f->family, o, BYTES("a"), NULL, 0);
    bool done = countdown > 0;
    countdown = 0;
    if (done) {
      fx_ok(r.status);
      rb_iter_free(r.iter);
      break;
    }
    fx_error(r.status, RB_NO_MEMORY, NULL);
    assert_null(r.iter);
    failures++;
  }
  assert_int_equal(failures, 5);
  for (unsigned n = 1;; n++) {
    countdown = n;
    rb_status s = rb_iter_refresh_over(f->it, REPLAY);
    bool done = countdown > 0;
    countdown = 0;
    if (done) {
      fx_ok(s);
      break;
    }
    fx_error(s, RB_NO_MEMORY, NULL);
    rb_fill fill = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, ALL);
    fx_ok(fill.status);
    assert_int_equal(fill.rows, 6); /* b c d h j n, as before */
  }
  for (unsigned n = 1; n <= 2; n++) { /* the operands, the batch that merges */
    countdown = n;
    fx_error(get(f, "n", sizeof buf).status, RB_NO_MEMORY, NULL);
    countdown = n;
    rb_fill fill = rb_iter_fill(f->it, RB_MOVE_LAST, NULL, 0, buf, sizeof buf, ALL);
    fx_error(fill.status, RB_NO_MEMORY, NULL);
    assert_int_equal(fill.rows, 0);
  }
  countdown = 0;
  expect_number(f, "n", 1);
}

static void memory_that_ends_in_mid_replay_is_made_good_by_the_next(void **state) {
  struct fixture *f = *state;
  char key[16];
  for (int i = 0; i < 60; i++) {
    snprintf(key, sizeof key, "c%d", i);
    put(key, key);
  }
  delete_range("c3", "c4");
  put("c39", "c39");
  unsigned failures = 0;
  for (unsigned n = 1;; n++) {
    rb_overlay_free(batch.over);
    batch.over = rb_overlay_new();
    batch.replayed = 0;
    countdown = n;
    rb_found r = get(f, "c39", sizeof buf);
    bool done = countdown > 0;
    countdown = 0;
    if (!done) {
      fx_error(r.status, RB_NO_MEMORY, NULL);
      assert_int_equal(r.replayed, 0);
      failures++;
    }
    iterate_over(f, "c", "d");
    rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, ALL);
    fx_ok(c.status);
    assert_int_equal(c.rows, 60 - 11 + 1);
    expect(f, "c39", "c39");
    expect(f, "c38", NULL);
    if (done) {
      break;
    }
  }
  assert_true(failures >= 2);
}

static void an_overlay_needs_memory(void **state) {
  (void)state;
  for (unsigned n = 1; n <= 2; n++) {
    countdown = n;
    assert_null(rb_overlay_new());
  }
  rb_overlay_free(NULL);
}

static void *walk(void *iter) {
  uint8_t *rows = malloc(4096);
  for (int i = 0; i < 200; i++) {
    uint32_t move = i % 2 == 0 ? RB_MOVE_FIRST : RB_MOVE_LAST;
    rb_fill r = rb_iter_fill(iter, move, NULL, 0, rows, 4096, ALL);
    if (r.status.code != RB_OK || r.rows != 6) {
      free(rows);
      return "other rows";
    }
  }
  free(rows);
  return NULL;
}

static void iterators_walk_while_the_batch_grows_and_shrinks(void **state) {
  struct fixture *f = *state;
  put("c", "c");
  iterate_over(f, NULL, NULL);
  pthread_t t;
  assert_int_equal(pthread_create(&t, NULL, walk, f->it), 0);
  size_t before = batch.len;
  char key[16];
  for (int i = 0; i < 3000; i++) {
    snprintf(key, sizeof key, "%c%d", 'a' + i % 11, i % 100);
    put(key, key);
    if (i % 7 == 0) {
      delete_range("a", "f");
    }
    expect(f, key, i % 7 == 0 && key[0] < 'f' ? NULL : key);
    if (i % 50 == 49) {
      rollback_to(before);
    }
  }
  void *wrong;
  assert_int_equal(pthread_join(t, &wrong), 0);
  assert_null(wrong);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_batch, without_batch)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(reads_see_the_batch_before_the_database),
      CASE(a_family_sees_its_own_records_only),
      CASE(a_range_deletion_hides_older_rows_of_both),
      CASE(merges_are_rocksdbs_own),
      CASE(a_value_too_long_is_lent_by_its_owner),
      CASE(an_iterator_keeps_the_batch_as_it_was),
      CASE(a_refresh_may_change_the_overlay),
      CASE(turns_go_from_the_row_of_either),
      CASE(changed_bounds_hold_for_the_batch_too),
      CASE(many_versions_of_a_key_are_one_row),
      CASE(malformed_records_are_refused),
      CASE(a_merge_that_fails_ends_a_read_and_an_iterator),
      CASE(an_error_of_the_database_is_no_end_of_its_rows),
      CASE(short_memory_is_an_answer_everywhere),
      CASE(memory_that_ends_in_mid_replay_is_made_good_by_the_next),
      CASE(iterators_walk_while_the_batch_grows_and_shrinks),
      cmocka_unit_test(an_overlay_needs_memory),
  };
  return cmocka_run_group_tests_name("overlay", tests, NULL, NULL);
}
