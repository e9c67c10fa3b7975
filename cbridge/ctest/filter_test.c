/* filter_test.c: compaction filters as RocksDB calls them, with any bytes, and without memory. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup */
/* link: -Wl,--wrap=rocksdb_compactionfilterfactory_create,--wrap=rocksdb_compactionfilter_create */
#include "fixture.h"

#include <time.h>

#include "handles.h"
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

typedef void end_fn(void *);
typedef const char *name_fn(void *);
typedef rocksdb_compactionfilter_t *begin_fn(void *, rocksdb_compactionfiltercontext_t *);
typedef unsigned char filter_fn(void *, int, const char *, size_t, const char *, size_t, char **,
                                size_t *, unsigned char *);

/* What the glue made last, as RocksDB knows it. */
static struct {
  void *state;
  begin_fn *begin;
  name_fn *name;
} factory;
static struct {
  void *state;
  filter_fn *removes;
  name_fn *name;
} filter;

rocksdb_compactionfilterfactory_t *
__real_rocksdb_compactionfilterfactory_create(void *, end_fn *, begin_fn *, name_fn *);
rocksdb_compactionfilterfactory_t *
__wrap_rocksdb_compactionfilterfactory_create(void *, end_fn *, begin_fn *, name_fn *);
rocksdb_compactionfilterfactory_t *__wrap_rocksdb_compactionfilterfactory_create(void *state,
                                                                                 end_fn *end,
                                                                                 begin_fn *begin,
                                                                                 name_fn *name) {
  if (fails()) {
    return NULL;
  }
  factory.state = state;
  factory.begin = begin;
  factory.name = name;
  return __real_rocksdb_compactionfilterfactory_create(state, end, begin, name);
}

rocksdb_compactionfilter_t *__real_rocksdb_compactionfilter_create(void *, end_fn *, filter_fn *,
                                                                   name_fn *);
rocksdb_compactionfilter_t *__wrap_rocksdb_compactionfilter_create(void *, end_fn *, filter_fn *,
                                                                   name_fn *);
rocksdb_compactionfilter_t *__wrap_rocksdb_compactionfilter_create(void *state, end_fn *end,
                                                                   filter_fn *removes,
                                                                   name_fn *name) {
  filter.state = state;
  filter.removes = removes;
  filter.name = name;
  return __real_rocksdb_compactionfilter_create(state, end, removes, name);
}

/* Whether a filter removes a row whose key and value lie in memory of exactly their size. */
static bool removes(const void *key, size_t klen, const void *value, size_t vlen) {
  char *k = __real_malloc(klen > 0 ? klen : 1), *v = __real_malloc(vlen > 0 ? vlen : 1),
       *new = NULL;
  assert_non_null(k);
  assert_non_null(v);
  memcpy(k, key, klen);
  memcpy(v, value, vlen);
  unsigned char changed = 9;
  size_t len = 0;
  unsigned char gone = filter.removes(filter.state, 1, k, klen, v, vlen, &new, &len, &changed);
  assert_int_equal(changed, 0);
  free(k);
  free(v);
  return gone != 0;
}

/* The options of a family with a filter, in whose first compaction we are; ended by end. */
static struct {
  rocksdb_options_t *options;
  rocksdb_compactionfilter_t *filter;
} run;

static void begin(uint32_t kind, const void *prefixes, size_t len) {
  rb_operators o = {
      .filter_kind = kind, .filter_name = "n", .prefixes = prefixes, .prefixes_len = len};
  run.options = rocksdb_options_create();
  fx_ok(rb_options_set_operators(run.options, o));
  assert_string_equal(factory.name(factory.state), "n");
  run.filter = factory.begin(factory.state, NULL);
  assert_non_null(run.filter);
  assert_string_equal(filter.name(filter.state), "n");
}

static void end(void) {
  rocksdb_compactionfilter_destroy(run.filter);
  rocksdb_options_destroy(run.options);
}

static bool expires(uint64_t at, size_t extra) {
  uint8_t value[32] = {0};
  for (size_t i = 0; i < 8; i++) {
    value[i] = (uint8_t)(at >> (8 * i));
  }
  return removes("key", 3, value, 8 + extra);
}

static void what_has_expired_is_removed(void **state) {
  (void)state;
  uint64_t now = (uint64_t)time(NULL);
  begin(RB_FILTER_TTL, NULL, 0);
  for (size_t extra = 0; extra <= 20; extra += 20) {
    assert_false(expires(0, extra)); /* never */
    assert_true(expires(1, extra));
    assert_true(expires(now, extra));
    assert_false(expires(now + 1000, extra));
    assert_false(expires(UINT64_MAX, extra));
  }
  for (size_t len = 0; len < 8; len++) { /* shorter than a time */
    assert_false(removes("", 0, "\1\0\0\0\0\0\0", len));
  }
  end();
}

static void keys_with_one_of_the_prefixes_are_removed(void **state) {
  (void)state;
  begin(RB_FILTER_PREFIXES, "\1\0\0\0a\2\0\0\0b\0", 11);
  assert_true(removes("a", 1, "", 0));
  assert_true(removes("ab", 2, "x", 1));
  assert_true(removes("b\0c", 3, "", 0));
  assert_false(removes("b", 1, "a", 1));
  assert_false(removes("", 0, "a", 1));
  assert_false(removes("ca", 2, "a", 1));
  end();
  /* Malformed prefixes end the list of them. */
  begin(RB_FILTER_PREFIXES, "\1\0\0\0a\377\0\0\0b", 10);
  assert_true(removes("a", 1, "", 0));
  assert_false(removes("b", 1, "", 0));
  end();
}

static void without_memory_no_filter_is_made(void **state) {
  (void)state;
  rb_operators o = {.filter_kind = RB_FILTER_TTL, .filter_name = "n"};
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
  countdown = 1;
  assert_null(factory.begin(factory.state, NULL));
  countdown = 0;
  rocksdb_options_destroy(options);
}

static void a_compaction_filters(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family_extra = "disable_auto_compactions=true;level0_file_num_compaction_trigger=2";
  s.family.operators.filter_kind = RB_FILTER_PREFIXES;
  s.family.operators.filter_name = "n";
  s.family.operators.prefixes = U8("\1\0\0\0b");
  s.family.operators.prefixes_len = 5;
  fx_open(f, s);
  fx_put(f->family, "a", "1");
  fx_put(f->family, "b", "2");
  fx_flush(f);
  fx_put(f->family, "b", "3");
  fx_put(f->family, "c", "4");
  fx_flush(f);
  fx_expect(f->family, NULL, "b", "3");
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  fx_expect(f->family, NULL, "a", "1");
  fx_expect(f->family, NULL, "b", NULL);
  fx_expect(f->family, NULL, "c", "4");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new_empty, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_has_expired_is_removed),
      cmocka_unit_test(keys_with_one_of_the_prefixes_are_removed),
      cmocka_unit_test(without_memory_no_filter_is_made),
      CASE(a_compaction_filters),
  };
  return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
