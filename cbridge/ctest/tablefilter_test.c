/*
 * tablefilter_test.c: that the conditions on tables reach RocksDB, and what they let through. This
 * program has the functions that 11.6 brought in their place, and with them asks as RocksDB does.
 */
/* link: -Wl,--wrap=malloc -Wl,--wrap=calloc */
#include "fixture.h"

#include "iterate.h"
#include "later.h"
#include "tablefilter.h"

static bool no_memory, no_zeros;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return no_memory ? NULL : __real_malloc(n); }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_zeros ? NULL : __real_calloc(n, size); }

struct rocksdb_table_properties_t {
  uint64_t of[RB_TABLE_PROPERTIES];
};

#define GETTER(name, property)                                                                     \
  uint64_t rocksdb_table_properties_##name(const rocksdb_table_properties_t *p) {                  \
    return p->of[property];                                                                        \
  }
GETTER(orig_file_number, RB_TABLE_NUMBER)
GETTER(data_size, RB_TABLE_DATA_SIZE)
GETTER(raw_key_size, RB_TABLE_KEY_SIZE)
GETTER(raw_value_size, RB_TABLE_VALUE_SIZE)
GETTER(num_entries, RB_TABLE_ENTRIES)
GETTER(num_deletions, RB_TABLE_DELETIONS)
GETTER(num_merge_operands, RB_TABLE_MERGE_OPERANDS)
GETTER(num_range_deletions, RB_TABLE_RANGE_DELETIONS)
GETTER(creation_time, RB_TABLE_CREATION_TIME)
GETTER(oldest_key_time, RB_TABLE_OLDEST_KEY_TIME)
GETTER(newest_key_time, RB_TABLE_NEWEST_KEY_TIME)
GETTER(file_creation_time, RB_TABLE_FILE_CREATION_TIME)
GETTER(key_largest_seqno, RB_TABLE_LARGEST_SEQUENCE)

static unsigned char (*asked)(void *, const rocksdb_table_properties_t *);
static void *asked_with;
static unsigned filters; /* read options that were told of one */

void rocksdb_readoptions_set_table_filter(
    rocksdb_readoptions_t *o, void *state, void (*destructor)(void *),
    unsigned char (*filter)(void *, const rocksdb_table_properties_t *)) {
  assert_non_null(o);
  assert_null(destructor);
  asked = filter;
  asked_with = state;
  filters++;
}

static rb_iter_options with(const rb_table_range *ranges, size_t n) {
  rb_iter_options o = options(0);
  o.tables = ranges;
  o.n_tables = n;
  return o;
}

static bool kept(size_t property, uint64_t value) {
  rocksdb_table_properties_t p = {{0}};
  p.of[property] = value;
  return asked(asked_with, &p) != 0;
}

static void a_table_is_kept_within_its_range(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_supports(RB_FEATURE_TABLE_FILTER), 1);
  assert_int_equal(rb_supports(RB_FEATURE_TABLE_NEWEST), 1);
  for (uint64_t i = 0; i < RB_TABLE_PROPERTIES; i++) {
    rb_table_range r = {i, 10, 20};
    iterate(f, with(&r, 1), NULL, NULL);
    r.min = r.max = 0; /* it was copied */
    assert_false(kept(i, 9));
    assert_true(kept(i, 10));
    assert_true(kept(i, 20));
    assert_false(kept(i, 21));
    assert_false(kept((i + 1) % RB_TABLE_PROPERTIES, 15));
  }
}

static void every_condition_must_hold(void **state) {
  struct fixture *f = *state;
  const rb_table_range both[] = {{RB_TABLE_ENTRIES, 1, UINT64_MAX}, {RB_TABLE_DELETIONS, 0, 5}};
  iterate(f, with(both, 2), NULL, NULL);
  rocksdb_table_properties_t p = {{0}};
  p.of[RB_TABLE_ENTRIES] = UINT64_MAX;
  p.of[RB_TABLE_DELETIONS] = 5;
  assert_true(asked(asked_with, &p));
  p.of[RB_TABLE_DELETIONS] = 6;
  assert_false(asked(asked_with, &p));
  p.of[RB_TABLE_ENTRIES] = 0;
  p.of[RB_TABLE_DELETIONS] = 0;
  assert_false(asked(asked_with, &p));
}

static void an_iterator_without_conditions_has_no_filter(void **state) {
  struct fixture *f = *state;
  filters = 0;
  iterate(f, options(0), NULL, NULL);
  assert_int_equal(filters, 0);
  const rb_table_range r = {RB_TABLE_ENTRIES, 0, 0};
  iterate(f, with(&r, 1), NULL, NULL);
  filters = 0;
  fx_ok(rb_iter_refresh(f->it));
  assert_int_equal(filters, rocksdb_iter_refresh == NULL); /* one that makes a new iterator */
}

static void what_cannot_be_looked_at_is_refused(void **state) {
  struct fixture *f = *state;
  const rb_table_range r = {RB_TABLE_PROPERTIES, 0, 1};
  rb_iter_result made = rb_iter_new(f->family, NULL, with(&r, 1), NULL, 0, NULL, 0);
  fx_error(made.status, RB_UNSUPPORTED, NULL);
  assert_null(made.iter);
  const rb_table_range known = {RB_TABLE_ENTRIES, 0, 1};
  rb_iter_options o = with(&known, 1);
  o.versions = 1;
  made = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  fx_error(made.status, RB_UNSUPPORTED, NULL);
  assert_null(made.iter);
}

static void memory_that_is_short_leaves_nothing(void **state) {
  struct fixture *f = *state;
  const rb_table_range r = {RB_TABLE_ENTRIES, 0, 1};
  bool *const lacks[] = {&no_memory, &no_zeros};
  for (size_t i = 0; i < 2; i++) {
    *lacks[i] = true;
    rb_iter_result made = rb_iter_new(f->family, NULL, with(&r, 1), NULL, 0, NULL, 0);
    *lacks[i] = false;
    fx_error(made.status, RB_NO_MEMORY, NULL);
    assert_null(made.iter);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_table_is_kept_within_its_range),
      CASE(every_condition_must_hold),
      CASE(an_iterator_without_conditions_has_no_filter),
      CASE(what_cannot_be_looked_at_is_refused),
      CASE(memory_that_is_short_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
