/* merge_test.c: merge operators as RocksDB calls them, with any bytes and in any grouping. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup,--wrap=rocksdb_mergeoperator_create */
#include "fixture.h"

#include "handles.h"
#include "merge.h"
#include "rocksdb/c.h"

/* The allocation of the glue that fails, counted from 1; 0: none. */
static unsigned countdown;

static bool fails(void) { return countdown > 0 && --countdown == 0; }

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__wrap_strdup(const char *s) { return fails() ? NULL : __real_strdup(s); }

typedef char *full_fn(void *, const char *, size_t, const char *, size_t, const char *const *,
                      const size_t *, int, unsigned char *, size_t *);
typedef char *partial_fn(void *, const char *, size_t, const char *const *, const size_t *, int,
                         unsigned char *, size_t *);
typedef void delete_fn(void *, const char *, size_t);
typedef const char *name_fn(void *);

/* The operator that the glue made last, as RocksDB knows it. */
static struct {
  struct rb_merge *state;
  full_fn *full;
  partial_fn *partial;
  delete_fn *delete;
  name_fn *name;
} op;

rocksdb_mergeoperator_t *__real_rocksdb_mergeoperator_create(void *, void (*)(void *), full_fn *,
                                                             partial_fn *, delete_fn *, name_fn *);
rocksdb_mergeoperator_t *__wrap_rocksdb_mergeoperator_create(void *, void (*)(void *), full_fn *,
                                                             partial_fn *, delete_fn *, name_fn *);
rocksdb_mergeoperator_t *__wrap_rocksdb_mergeoperator_create(void *state, void (*end)(void *),
                                                             full_fn *full, partial_fn *partial,
                                                             delete_fn *delete, name_fn *name) {
  if (fails()) {
    return NULL;
  }
  op.state = state;
  op.full = full;
  op.partial = partial;
  op.delete = delete;
  op.name = name;
  return __real_rocksdb_mergeoperator_create(state, end, full, partial, delete, name);
}

/* Makes an operator, which lives as long as the options returned. */
static rocksdb_options_t *make(uint32_t kind, const char *delimiter, uint64_t max_entries) {
  rb_operators o = {.merge_kind = kind,
                    .merge_name = "a name",
                    .delimiter = U8(delimiter),
                    .delimiter_len = strlen(delimiter),
                    .max_entries = max_entries};
  rocksdb_options_t *options = rocksdb_options_create();
  fx_ok(rb_options_set_operators(options, o));
  assert_string_equal(op.name(op.state), "a name");
  assert_int_equal(op.state->max_len, RB_MAX_VALUE);
  return options;
}

/* Bytes in memory of exactly their size, so that a read past them is found out. */
struct value {
  char *data; /* NULL: absent */
  size_t len;
};

enum { MOST = 12 };

static struct value value_of(const void *data, size_t len) {
  struct value v = {__real_malloc(len > 0 ? len : 1), len};
  assert_non_null(v.data);
  if (len > 0) {
    memcpy(v.data, data, len);
  }
  return v;
}

static bool same(struct value a, struct value b) {
  return (a.data == NULL) == (b.data == NULL) && a.len == b.len &&
         (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Merges operands with the callback, and takes over the result; absent if it did not succeed. */
static struct value merge(bool full, struct value base, const struct value *ops, size_t n) {
  const char *data[MOST];
  size_t lens[MOST], len = 99;
  unsigned char success = 99;
  for (size_t i = 0; i < n; i++) {
    data[i] = ops[i].data;
    lens[i] = ops[i].len;
  }
  char *out =
      full ? op.full(op.state, "key", 3, base.data, base.len, data, lens, (int)n, &success, &len)
           : op.partial(op.state, "key", 3, data, lens, (int)n, &success, &len);
  assert_non_null(out); /* RocksDB makes a string of it, whatever success says */
  struct value v = {NULL, 0};
  if (success == 1) {
    v = value_of(out, len);
  } else {
    assert_int_equal(success, 0);
    assert_int_equal(len, 0);
  }
  op.delete(op.state, out, len);
  return v;
}

/* Random entries as in a list, or, with ordered, as in a set. */
static struct value random_entries(uint64_t *seed, bool ordered) {
  uint8_t buf[64];
  size_t used = 0, n = fx_random(seed) % 4;
  uint8_t last = 0;
  for (size_t i = 0; i < n; i++) {
    uint8_t len = (uint8_t)(ordered ? 1 : fx_random(seed) % 4);
    last = (uint8_t)(last + 1 + fx_random(seed) % 3);
    uint8_t header[RB_ENTRY_HEADER] = {len, 0, 0, 0};
    memcpy(buf + used, header, sizeof header);
    memset(buf + used + RB_ENTRY_HEADER, ordered ? last : (uint8_t)fx_random(seed), len);
    used += RB_ENTRY_HEADER + len;
  }
  return value_of(buf, used);
}

static struct value random_bytes(uint64_t *seed, size_t most) {
  uint8_t buf[64];
  size_t n = fx_random(seed) % (most + 1);
  for (size_t i = 0; i < n; i++) {
    buf[i] = (uint8_t)(fx_random(seed) % 5); /* small lengths of entries come up */
  }
  return value_of(buf, n);
}

/* An operand or value that suits the kind, or with the odds of one in spoilt any bytes. */
static struct value random_value(uint64_t *seed, uint32_t kind, uint32_t spoilt) {
  if (spoilt > 0 && fx_random(seed) % spoilt == 0) {
    return random_bytes(seed, 20);
  }
  switch (kind) {
    case RB_MERGE_APPEND:
      return random_bytes(seed, 6);
    case RB_MERGE_LIST:
      return random_entries(seed, false);
    case RB_MERGE_SET:
      return random_entries(seed, true);
    default: {
      uint64_t n = fx_random(seed);
      return value_of(&n, sizeof n);
    }
  }
}

/* One operand after the other: what every grouping must come to. */
static struct value one_by_one(struct value base, const struct value *ops, size_t n) {
  struct value v = base.data == NULL ? base : value_of(base.data, base.len);
  for (size_t i = 0; i < n; i++) {
    struct value next = merge(true, v, ops + i, 1);
    free(v.data);
    v = next;
  }
  return v;
}

/* Puts neighbours together where the operator can, some times, in the given operands. */
static size_t group(uint64_t *seed, struct value *ops, size_t n, unsigned *grouped) {
  static const struct value absent = {NULL, 0};
  for (int tries = 0; tries < 4 && n >= 2; tries++) {
    size_t from = fx_random(seed) % (n - 1);
    size_t count = 2 + fx_random(seed) % (n - from - 1);
    struct value v = merge(false, absent, ops + from, count);
    if (v.data == NULL) {
      continue;
    }
    ++*grouped;
    for (size_t i = 0; i < count; i++) {
      free(ops[from + i].data);
    }
    ops[from] = v;
    memmove(ops + from + 1, ops + from + count, (n - from - count) * sizeof *ops);
    n -= count - 1;
  }
  return n;
}

/* Merges the operands in random portions, partial merges among them; frees them. */
static struct value in_groups(uint64_t *seed, struct value base, struct value *ops, size_t n,
                              unsigned *grouped) {
  struct value v = base.data == NULL ? base : value_of(base.data, base.len);
  n = group(seed, ops, n, grouped);
  for (size_t i = 0; i < n;) {
    size_t count = 1 + fx_random(seed) % (n - i);
    struct value next = merge(true, v, ops + i, count);
    assert_non_null(next.data);
    free(v.data);
    v = next;
    i += count;
  }
  for (size_t i = 0; i < n; i++) {
    free(ops[i].data);
  }
  return v;
}

/* Rounds of random values and operands: each grouping must give the same. */
static void try_groupings(uint32_t kind, const char *delimiter, uint64_t max_entries,
                          uint64_t max_len, uint32_t spoilt) {
  uint64_t seed = 0x9e3779b97f4a7c15U + kind;
  unsigned grouped = 0;
  rocksdb_options_t *options = make(kind, delimiter, max_entries);
  op.state->max_len = max_len;
  for (int round = 0; round < 3000; round++) {
    struct value ops[MOST], copies[MOST], base = {NULL, 0};
    size_t n = 1 + fx_random(&seed) % MOST;
    if (fx_random(&seed) % 3 != 0) {
      base = random_value(&seed, kind, spoilt);
    }
    for (size_t i = 0; i < n; i++) {
      ops[i] = random_value(&seed, kind, spoilt);
      copies[i] = value_of(ops[i].data, ops[i].len);
    }
    struct value want = one_by_one(base, ops, n);
    struct value got = in_groups(&seed, base, copies, n, &grouped);
    if (!same(got, want)) {
      fail_msg("kind %u, round %d: %zu bytes, want %zu", kind, round, got.len, want.len);
    }
    for (size_t i = 0; i < n; i++) {
      free(ops[i].data);
    }
    free(base.data);
    free(want.data);
    free(got.data);
  }
  assert_true(grouped > 100);
  rocksdb_options_destroy(options);
}

static void every_grouping_gives_the_same(void **state) {
  (void)state;
  for (uint32_t kind = RB_MERGE_INT64_ADD; kind <= RB_MERGE_SET; kind++) {
    for (uint32_t spoilt = 0; spoilt <= 8; spoilt += 4) {
      try_groupings(kind, ",", 1 + kind, RB_MAX_VALUE, spoilt);
    }
  }
  try_groupings(RB_MERGE_APPEND, "", 1, RB_MAX_VALUE, 0);
  try_groupings(RB_MERGE_APPEND, "<->", 1, RB_MAX_VALUE, 0);
}

static void every_grouping_gives_the_same_at_the_limit_of_values(void **state) {
  (void)state;
  for (uint64_t limit = 10; limit < 40; limit += 7) {
    try_groupings(RB_MERGE_APPEND, ", ", 1, limit, 0);
    try_groupings(RB_MERGE_LIST, "", 1000, limit, 0);
    try_groupings(RB_MERGE_LIST, "", 5, limit, 6);
  }
}

static void expect(struct value base, const char *const ops[], size_t n, size_t each,
                   const char *want, size_t want_len) {
  struct value v[MOST] = {{NULL, 0}};
  for (size_t i = 0; i < n; i++) {
    v[i] = value_of(ops[i], each > 0 ? each : strlen(ops[i]));
  }
  struct value got = merge(true, base, v, n), wanted = {(char *)want, want_len};
  assert_true(same(got, wanted));
  free(got.data);
  for (size_t i = 0; i < n; i++) {
    free(v[i].data);
  }
}

static const struct value nothing = {NULL, 0};
static struct value base_of(const char *s, size_t n) {
  struct value v = {(char *)s, n};
  return v;
}

static void integers_add_up_and_wrap_around(void **state) {
  (void)state;
  rocksdb_options_t *o = make(RB_MERGE_INT64_ADD, "", 0);
  const char *ops[] = {"\1\0\0\0\0\0\0\0", "\376\377\377\377\377\377\377\377"};
  expect(nothing, ops, 2, 8, "\377\377\377\377\377\377\377\377", 8);
  expect(base_of("\377\377\377\377\377\377\377\177", 8), ops, 1, 8, "\0\0\0\0\0\0\0\200", 8);
  expect(base_of("abc", 3), ops, 2, 8, "abc", 3);
  expect(base_of("", 0), ops, 2, 8, "", 0);
  expect(nothing, ops, 2, 7, ops[0], 7);
  rocksdb_options_destroy(o);
}

static void the_largest_and_the_smallest_heed_the_sign(void **state) {
  (void)state;
  const char *ops[] = {"\1\0\0\0\0\0\0\0", "\376\377\377\377\377\377\377\377", "\0\1\0\0\0\0\0\0"};
  rocksdb_options_t *o = make(RB_MERGE_INT64_MAX, "", 0);
  expect(nothing, ops, 3, 8, ops[2], 8);
  rocksdb_options_destroy(o);
  o = make(RB_MERGE_INT64_MIN, "", 0);
  expect(nothing, ops, 3, 8, ops[1], 8);
  rocksdb_options_destroy(o);
}

static void an_empty_value_is_a_value_to_append_to(void **state) {
  (void)state;
  const char *ops[] = {"", "a", "bc"};
  rocksdb_options_t *o = make(RB_MERGE_APPEND, ", ", 0);
  expect(nothing, ops, 3, 0, ", a, bc", 7);
  expect(nothing, ops, 1, 0, "", 0);
  expect(base_of("", 0), ops + 1, 1, 0, ", a", 3);
  expect(base_of("x", 1), ops, 3, 0, "x, , a, bc", 10);
  op.state->max_len = 4;
  expect(base_of("x", 1), ops, 3, 0, "x, ,", 4);
  expect(base_of("longer", 6), ops, 3, 0, "longer", 6);
  rocksdb_options_destroy(o);
}

static void a_list_keeps_its_newest_entries(void **state) {
  (void)state;
  const char *ops[] = {"\1\0\0\0b", "\1\0\0\0c"};
  rocksdb_options_t *o = make(RB_MERGE_LIST, "", 2);
  expect(nothing, ops, 2, 5, "\1\0\0\0b\1\0\0\0c", 10);
  expect(base_of("\3\0\0\0old", 7), ops, 2, 5, "\1\0\0\0b\1\0\0\0c", 10);
  expect(base_of("\0\0\0\0", 4), ops, 1, 5, "\0\0\0\0\1\0\0\0b", 9);
  expect(base_of("\2\0\0\0x", 5), ops, 2, 5, "\2\0\0\0x", 5);
  op.state->max_len = 9;
  expect(nothing, ops, 2, 5, ops[1], 5);
  op.state->max_len = 4; /* not even one fits */
  expect(nothing, ops, 2, 5, "", 0);
  rocksdb_options_destroy(o);
}

static void sets_unite_in_order(void **state) {
  (void)state;
  const char *ops[] = {"\1\0\0\0c", "\1\0\0\0a", "\1\0\0\0c"};
  rocksdb_options_t *o = make(RB_MERGE_SET, "", 0);
  expect(nothing, ops, 3, 5, "\1\0\0\0a\1\0\0\0c", 10);
  expect(base_of("\1\0\0\0b\2\0\0\0bb", 11), ops, 3, 5, "\1\0\0\0a\1\0\0\0b\2\0\0\0bb\1\0\0\0c",
         21);
  expect(base_of("\1\0\0\0b\1\0\0\0a", 10), ops, 3, 5, "\1\0\0\0b\1\0\0\0a", 10);
  op.state->max_len = 10; /* what is in stays, and the oldest of the others that fits */
  expect(base_of("\1\0\0\0b", 5), ops, 3, 5, "\1\0\0\0b\1\0\0\0c", 10);
  op.state->max_len = 1;
  expect(base_of("\1\0\0\0b", 5), ops, 3, 5, "\1\0\0\0b", 5);
  rocksdb_options_destroy(o);
}

/* At the limit of values a set still is a set that holds what it held and is not too long. */
/* RocksDB keeps the operands of a partial merge that does not succeed, so that nothing is left out
 * before there is a value. */
static void operands_are_not_combined_with_malformed_ones(void **state) {
  (void)state;
  static const uint32_t kinds[] = {RB_MERGE_INT64_ADD, RB_MERGE_LIST, RB_MERGE_SET};
  static const char *const good[] = {"\1\0\0\0\0\0\0\0", "\1\0\0\0a", "\1\0\0\0a"};
  for (size_t i = 0; i < 3; i++) {
    size_t len = i == 0 ? 8 : 5;
    const struct value bad = {(char *)"\x7F", 1}, fine = {(char *)good[i], len};
    rocksdb_options_t *o = make(kinds[i], "", 100);
    const struct value first[] = {bad, fine}, last[] = {fine, bad}, both[] = {fine, fine};
    assert_null(merge(false, nothing, first, 2).data);
    assert_null(merge(false, nothing, last, 2).data);
    struct value v = merge(false, nothing, both, 2);
    assert_non_null(v.data);
    free(v.data);
    rocksdb_options_destroy(o);
  }
}

static void a_full_set_stays_a_set(void **state) {
  (void)state;
  uint64_t seed = 7;
  rocksdb_options_t *o = make(RB_MERGE_SET, "", 0);
  for (int round = 0; round < 2000; round++) {
    struct value ops[MOST], base = random_entries(&seed, true);
    size_t n = 1 + fx_random(&seed) % MOST;
    op.state->max_len = fx_random(&seed) % 40;
    for (size_t i = 0; i < n; i++) {
      ops[i] = random_value(&seed, RB_MERGE_SET, 5);
    }
    struct value got = merge(true, base, ops, n);
    assert_true(got.len <= op.state->max_len || got.len == base.len);
    struct value again = merge(true, got, &base, 1); /* it holds the base */
    assert_true(same(got, again));
    for (size_t i = 0; i < n; i++) {
      free(ops[i].data);
    }
    free(base.data);
    free(got.data);
    free(again.data);
  }
  rocksdb_options_destroy(o);
}

/* Which of several members fit is known only once there is a value. */
static void members_that_do_not_fit_are_not_combined(void **state) {
  (void)state;
  rocksdb_options_t *o = make(RB_MERGE_SET, "", 0);
  const struct value ops[] = {{"\1\0\0\0a", 5}, {"\1\0\0\0b", 5}};
  op.state->max_len = 9;
  assert_null(merge(false, nothing, ops, 2).data);
  op.state->max_len = 10;
  struct value v = merge(false, nothing, ops, 2);
  assert_int_equal(v.len, 10);
  free(v.data);
  rocksdb_options_destroy(o);
}

static void without_operands_nothing_is_merged(void **state) {
  (void)state;
  for (uint32_t kind = RB_MERGE_INT64_ADD; kind <= RB_MERGE_SET; kind++) {
    rocksdb_options_t *o = make(kind, ",", 3);
    assert_null(merge(true, nothing, NULL, 0).data);
    assert_null(merge(false, nothing, NULL, 0).data);
    struct value v = merge(true, base_of("anything", 8), NULL, 0);
    assert_true(same(v, base_of("anything", 8)));
    free(v.data);
    rocksdb_options_destroy(o);
  }
}

static void without_memory_a_merge_does_not_succeed(void **state) {
  (void)state;
  uint64_t seed = 3;
  for (uint32_t kind = RB_MERGE_INT64_ADD; kind <= RB_MERGE_SET; kind++) {
    rocksdb_options_t *o = make(kind, ",", 3);
    struct value ops[] = {random_value(&seed, kind, 0), random_value(&seed, kind, 0)};
    struct value bad = value_of("\377", 1);
    for (int full = 0; full < 2; full++) {
      unsigned failures = 0;
      struct value v;
      while ((v = (countdown = failures + 1, merge(full, nothing, ops, 2))).data == NULL) {
        failures++;
      }
      countdown = 0;
      free(v.data);
      assert_true(failures >= 1);
    }
    countdown = 1;
    assert_null(merge(true, bad, ops, 2).data);
    countdown = 0;
    free(bad.data);
    free(ops[0].data);
    free(ops[1].data);
    rocksdb_options_destroy(o);
  }
}

static void without_memory_no_operator_is_made(void **state) {
  (void)state;
  rb_operators o = {.merge_kind = RB_MERGE_APPEND,
                    .merge_name = "name",
                    .delimiter = U8(","),
                    .delimiter_len = 1};
  rocksdb_options_t *options = rocksdb_options_create();
  unsigned n = 1;
  for (;; n++) {
    countdown = n;
    rb_status s = rb_options_set_operators(options, o);
    countdown = 0;
    if (s.code == RB_OK) {
      break;
    }
    fx_error(s, RB_NO_MEMORY, NULL);
  }
  assert_int_equal(n, 5);
  rocksdb_options_destroy(options);
}

static void an_operator_that_is_not_there_is_refused(void **state) {
  (void)state;
  rocksdb_options_t *options = rocksdb_options_create();
  rb_operators kinds = {.merge_kind = RB_MERGE_SET + 1, .merge_name = "", .filter_name = ""};
  fx_error(rb_options_set_operators(options, kinds), RB_INVALID_ARGUMENT, "operator");
  kinds.merge_kind = RB_MERGE_LIST;
  fx_error(rb_options_set_operators(options, kinds), RB_INVALID_ARGUMENT, "operator");
  kinds.merge_kind = RB_MERGE_NONE;
  kinds.filter_kind = RB_FILTER_PREFIXES + 1;
  fx_error(rb_options_set_operators(options, kinds), RB_INVALID_ARGUMENT, "operator");
  rocksdb_options_destroy(options);
}

/* What a merge that does not succeed does to a database: reads fail, a flush fails, and every write
 * after it; all is there again when the merge can be made. */
static void a_failed_merge_loses_nothing(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.operators.merge_kind = RB_MERGE_APPEND;
  s.family.operators.merge_name = "name";
  fx_open(f, s);
  fx_put(f->family, "k", "a");
  fx_ok(rb_apply(f->family, RB_MERGE, 0, BYTES("k"), BYTES("b")));
  op.state->kind = RB_MERGE_NONE; /* nothing can be merged */
  fx_error(rb_get(f->family, NULL, 0, 0, BYTES("k"), NULL, 0).status, RB_CORRUPTION, NULL);
  fx_error(rb_flush(f->db, &f->family, 1), RB_CORRUPTION, NULL);
  fx_error(rb_apply(f->family, RB_PUT, 0, BYTES("x"), BYTES("y")), RB_CORRUPTION, NULL);
  fx_open(f, s);
  fx_expect(f->family, NULL, "k", "ab");
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  fx_expect(f->family, NULL, "k", "ab");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new_empty, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_grouping_gives_the_same),
      cmocka_unit_test(every_grouping_gives_the_same_at_the_limit_of_values),
      cmocka_unit_test(integers_add_up_and_wrap_around),
      cmocka_unit_test(the_largest_and_the_smallest_heed_the_sign),
      cmocka_unit_test(an_empty_value_is_a_value_to_append_to),
      cmocka_unit_test(a_list_keeps_its_newest_entries),
      cmocka_unit_test(sets_unite_in_order),
      cmocka_unit_test(operands_are_not_combined_with_malformed_ones),
      cmocka_unit_test(a_full_set_stays_a_set),
      cmocka_unit_test(members_that_do_not_fit_are_not_combined),
      cmocka_unit_test(without_operands_nothing_is_merged),
      cmocka_unit_test(without_memory_a_merge_does_not_succeed),
      cmocka_unit_test(without_memory_no_operator_is_made),
      cmocka_unit_test(an_operator_that_is_not_there_is_refused),
      CASE(a_failed_merge_loses_nothing),
  };
  return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
