/*
 * tagged_test.c: that the glue takes what C++ offers where the build tag rb_cxx has compiled it in,
 * and RocksDB's C API lacks it. This program has the functions of cxx.h in the place of those.
 */
/* link: -Wl,--wrap=calloc */
#include "fixture.h"

#include "cxx.h"
#include "handles.h"
#include "tablefilter.h"

static const char *unfit; /* why the C++ part must not be used; NULL: it may */
static rb_status told;    /* what the next call answers, if it is an error */
static char asked[256];   /* what was asked for */
static int alive;         /* objects of C++ */
static bool none;         /* memory is short for such objects */
static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

static rb_status answer(const char *what) {
  strcat(asked, what);
  rb_status s = told;
  told = rb_ok();
  return s;
}

const char *rb_cxx_refusal(void) { return unfit; }

rb_status rb_cxx_pause(rocksdb_t *db) {
  assert_non_null(db);
  return answer("pause ");
}

rb_status rb_cxx_continue(rocksdb_t *db) {
  assert_non_null(db);
  return answer("continue ");
}

void rb_cxx_ingest_no_copy(rocksdb_ingestexternalfileoptions_t *i) {
  assert_non_null(i);
  strcat(asked, "no copy ");
}

rb_status rb_cxx_sizes(rocksdb_t *db, rocksdb_column_family_handle_t *family,
                       const rb_size_options *o, const struct rb_ranges *r, uint64_t *sizes) {
  assert_non_null(db);
  assert_non_null(family);
  char text[64];
  snprintf(text, sizeof text, "%zu of %d %d %g ", r->n, o->memtables, o->no_files, o->margin);
  sizes[0] = 4711;
  return answer(text);
}

static uint8_t (*keeps)(const void *, const uint64_t *);
static const void *keeps_with;

rb_status rb_cxx_table_filter(rocksdb_readoptions_t *r,
                              uint8_t (*of)(const void *state, const uint64_t *values),
                              const void *state) {
  assert_non_null(r);
  keeps = of;
  keeps_with = state;
  return answer("tables ");
}

rb_status rb_cxx_all_files(rocksdb_t *db, rb_cxx_tell tell, void *to) {
  assert_non_null(db);
  const uint64_t numbers[RB_FILE_NUMBERS] = {100, RB_FILE_LOG, 7, 5, 2};
  const char *texts[] = {"7.log", "/d"};
  tell(to, numbers, texts);
  return answer("files ");
}

struct rb_cxx_trace {
  uint32_t kind;
};

rb_status rb_cxx_trace_start(rocksdb_t *db, uint32_t kind, const char *path,
                             const rb_trace_options *o, rb_cxx_trace **t) {
  assert_non_null(db);
  char text[64];
  snprintf(text, sizeof text, "%d in %s of %d ", (int)kind, path, (int)o->max_bytes);
  rb_status s = answer(text);
  *t = s.code == RB_OK ? calloc(1, sizeof(struct rb_cxx_trace)) : NULL;
  if (*t != NULL) {
    (*t)->kind = kind;
    alive++;
  }
  return s;
}

rb_status rb_cxx_trace_end(rocksdb_t *db, uint32_t kind, rb_cxx_trace *t) {
  assert_non_null(db);
  assert_int_equal(t->kind, kind);
  free(t);
  alive--;
  return answer("end ");
}

rb_status rb_cxx_compact_files(rocksdb_t *db, rocksdb_column_family_handle_t *family,
                               const char *names, size_t n, int32_t level, uint64_t most) {
  assert_non_null(db);
  assert_non_null(family);
  char text[64];
  snprintf(text, sizeof text, "%zu from %s to %d of %d ", n, names, (int)level, (int)most);
  return answer(text);
}

rb_status rb_cxx_export(rocksdb_t *db, rocksdb_column_family_handle_t *family, const char *dir,
                        rb_cxx_tell tell, void *to, char **comparator) {
  assert_non_null(db);
  assert_non_null(family);
  uint64_t numbers[RB_FAMILY_FILE_NUMBERS] = {100, 2, 10, 20, 6, 1, 1, 9, 9};
  const char *texts[5] = {"/1.sst", "a", "z", "a\0\0\0\0\0\0\0\1", "z\0\0\0\0\0\0\0\2"};
  tell(to, numbers, texts);
  *comparator = strdup("order");
  return answer(dir);
}

struct rb_cxx_files {
  char list[128];
};

rb_cxx_files *rb_cxx_files_new(const char *dir, const char *comparator) {
  if (none) {
    return NULL;
  }
  alive++;
  rb_cxx_files *l = calloc(1, sizeof *l);
  snprintf(l->list, sizeof l->list, "%s by %s: ", dir, comparator);
  return l;
}

rb_status rb_cxx_files_add(rb_cxx_files *l, const uint64_t *numbers, const char *const *texts) {
  size_t n = strlen(l->list);
  snprintf(l->list + n, sizeof l->list - n, "%s %d %s %s %d %d ", texts[0], (int)numbers[0],
           texts[1], texts[2], texts[3][8], texts[4][8]);
  return answer("");
}

void rb_cxx_files_free(rb_cxx_files *l) {
  alive--;
  free(l);
}

rb_status rb_cxx_import(rocksdb_t *db, const rocksdb_options_t *o, const char *name,
                        rb_cxx_files *l, uint8_t move, rocksdb_column_family_handle_t **h) {
  char *err = NULL;
  *h = rocksdb_create_column_family(db, o, name, &err);
  assert_null(err);
  assert_int_equal(move, 1);
  return answer(l->list);
}

uint8_t rb_cxx_import_bounds(void) { return 1; }

struct rb_cxx_disk {
  rb_disk_limits limits;
};

rb_cxx_disk *rb_cxx_disk_new(void) {
  if (none) {
    return NULL;
  }
  alive++;
  return calloc(1, sizeof(struct rb_cxx_disk));
}

void rb_cxx_disk_free(rb_cxx_disk *d) {
  alive--;
  free(d);
}

void rb_cxx_disk_set(rb_cxx_disk *d, uint64_t rate, double share) {
  d->limits.rate = rate;
  d->limits.share = share;
}

uint64_t rb_cxx_disk_files(rb_cxx_disk *d) {
  assert_non_null(d);
  return 9;
}

uint64_t rb_cxx_disk_trash(rb_cxx_disk *d) { return d->limits.rate; }

void rb_cxx_disk_use(rb_cxx_disk *d, rocksdb_options_t *o) {
  assert_non_null(d);
  assert_non_null(o);
  answer("use ");
}

static int with_nothing(void **state) {
  unfit = NULL;
  told = rb_ok();
  asked[0] = 0;
  none = no_memory = false;
  return fx_new(state);
}

/* Where RocksDB's C API has something, it is called instead: then there is nothing to see here. */
static void pauses_and_compactions(void **state) {
  struct fixture *f = *state;
  if (rb_pause_offered() || rb_compact_files_offered()) {
    skip();
  }
  rb_stop *s = rb_stop_new();
  assert_non_null(s);
  fx_ok(rb_pause_background(f->db));
  fx_ok(rb_compact_files(f->family, "7.sst", 1, 2, 9, s));
  fx_ok(rb_continue_background(f->db));
  rb_stop_set(s);
  assert_string_equal(asked, "pause 1 from 7.sst to 2 of 9 continue ");
  told = rb_status_make(RB_ABORTED, "busy");
  fx_error(rb_compact_files(f->family, "7.sst", 1, 2, 9, s), RB_ABORTED, "busy");
  unfit = "another version";
  fx_error(rb_pause_background(f->db), RB_UNSUPPORTED, NULL);
  fx_error(rb_continue_background(f->db), RB_UNSUPPORTED, NULL);
  fx_error(rb_compact_files(f->family, "7.sst", 1, 2, 9, s), RB_UNSUPPORTED, NULL);
  assert_int_equal(rb_supports(RB_FEATURE_PAUSE), 0);
  assert_int_equal(rb_supports(RB_FEATURE_COMPACT_FILES), 0);
  rb_stop_free(s);
}

/* A call of C++ is asked for where RocksDB's C API has none. */
static void ingestions(void **state) {
  struct fixture *f = *state;
  const rb_ingest_options o = {.move = 1, .no_copy = 1};
  fx_error(rb_ingest(f->family, "no such file", 1, (rb_ingest_options){.move = 1}), RB_IO, NULL);
  assert_string_equal(asked, "");
  fx_error(rb_ingest(f->family, "no such file", 1, o), RB_IO, NULL);
  assert_true(rb_ingest_no_copy_offered() || strcmp(asked, "no copy ") == 0);
  unfit = "no";
  fx_error(rb_ingest(f->family, "no such file", 1, o),
           rb_ingest_no_copy_offered() ? RB_IO : RB_UNSUPPORTED, NULL);
}

static void sizes(void **state) {
  struct fixture *f = *state;
  const uint64_t lens[] = {0, RB_NO_END};
  const rb_size_options o = {.memtables = 1, .margin = 0.5};
  uint64_t size = 0;
  if (rb_size_options_offered()) {
    return; /* of RocksDB's C API */
  }
  fx_ok(rb_approximate_sizes(f->family, o, lens, NULL, 1, &size));
  assert_string_equal(asked, "1 of 1 0 0.5 ");
  assert_int_equal(size, 4711);
  told = rb_status_make(RB_IO, "no");
  fx_error(rb_approximate_sizes(f->family, o, lens, NULL, 1, &size), RB_IO, "no");
}

static bool kept(size_t property, uint64_t value) {
  uint64_t values[RB_TABLE_TAGGED] = {0};
  values[property] = value;
  return keeps(keeps_with, values) != 0;
}

static void filters_of_tables(void **state) {
  struct fixture *f = *state;
  if (rb_table_filter_offered()) {
    return; /* of RocksDB's C API */
  }
  for (uint64_t i = 0; i < RB_TABLE_TAGGED; i++) {
    const rb_table_range r[] = {{i, 10, 20}, {(i + 1) % RB_TABLE_TAGGED, 0, 5}};
    rb_iter_options o = {.tables = r, .n_tables = 2};
    rb_iter_result made = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
    fx_ok(made.status);
    assert_false(kept(i, 9));
    assert_true(kept(i, 10));
    assert_true(kept(i, 20));
    assert_false(kept(i, 21));
    assert_false(kept((i + 1) % RB_TABLE_TAGGED, 6));
    rb_iter_free(made.iter);
  }
  const rb_table_range r = {RB_TABLE_TAGGED, 0, 1};
  rb_iter_options o = {.tables = &r, .n_tables = 1};
  fx_error(rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0).status, RB_UNSUPPORTED, NULL);
  const rb_table_range known = {RB_TABLE_ENTRIES, 0, 1};
  o.tables = &known;
  told = rb_status_make(RB_NO_MEMORY, "no");
  fx_error(rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0).status, RB_NO_MEMORY, NULL);
}

static void all_files(void **state) {
  struct fixture *f = *state;
  if (rb_all_files_offered()) {
    return; /* of RocksDB's C API */
  }
  rb_live_files r = rb_all_files_get(f->db);
  fx_ok(r.status);
  assert_string_equal(asked, "files ");
  assert_int_equal(r.count, 1);
  assert_int_equal(r.len, RB_FILE_NUMBERS * 8 + 7);
  assert_memory_equal(r.data + RB_FILE_NUMBERS * 8, "7.log/d", 7);
  rb_free(r.data);
  told = rb_status_make(RB_IO, "no");
  r = rb_all_files_get(f->db);
  assert_null(r.data);
  fx_error(r.status, RB_IO, "no");
}

/* C++ is asked whatever RocksDB's C API has: it hears of errors. */
static void traces(void **state) {
  struct fixture *f = *state;
  const rb_trace_options o = {.max_bytes = 9, .every = 1};
  fx_ok(rb_tracing_start(f->db, RB_TRACE_CALLS, "a", o));
  fx_ok(rb_tracing_start(f->db, RB_TRACE_CACHE, "c", o));
  fx_error(rb_tracing_start(f->db, RB_TRACE_CALLS, "b", o), RB_BUSY, NULL);
  told = rb_status_make(RB_NO_SPACE, "full");
  fx_error(rb_tracing_end(f->db, RB_TRACE_CALLS), RB_NO_SPACE, "full");
  fx_error(rb_tracing_end(f->db, RB_TRACE_CALLS), RB_INVALID_ARGUMENT, NULL);
  assert_string_equal(asked, "0 in a of 9 2 in c of 9 end ");
  told = rb_status_make(RB_IO, "no");
  fx_error(rb_tracing_start(f->db, RB_TRACE_IO, "b", o), RB_IO, "no");
  fx_error(rb_tracing_end(f->db, RB_TRACE_IO), RB_INVALID_ARGUMENT, NULL);
  assert_int_equal(alive, 1);
  rb_close(f->db);
  f->db = NULL;
  assert_int_equal(alive, 0);
}

static void families_as_files(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_family_import_bounds(), 1);
  rb_family_exported x = rb_family_export(f->family, "/folder");
  fx_ok(x.status);
  assert_int_equal(x.count, 1);
  asked[0] = 0;
  rb_family_options o = {.compression = RB_NO_COMPRESSION};
  rb_family_source from = {"/folder", x.comparator, {x.data, x.len, x.count}, 1};
  rb_family_result r = rb_family_import(f->db, "g", o, "", from);
  fx_ok(r.status);
  assert_string_equal(asked, "/folder by order: /1.sst 100 a z 1 2 ");
  told = rb_status_make(RB_CORRUPTION, "a file");
  r = rb_family_import(f->db, "h", o, "", from);
  assert_null(r.family);
  fx_error(r.status, RB_CORRUPTION, "a file");
  none = true;
  r = rb_family_import(f->db, "i", o, "", from);
  assert_null(r.family);
  fx_error(r.status, RB_NO_MEMORY, NULL);
  none = false;
  assert_int_equal(alive, 0);
  if (!rb_family_files_offered()) {
    unfit = "another version";
    assert_int_equal(rb_family_import_bounds(), 0);
    fx_error(rb_family_export(f->family, "/folder").status, RB_UNSUPPORTED, NULL);
    fx_error(rb_family_import(f->db, "j", o, "", from).status, RB_UNSUPPORTED, NULL);
  }
  rb_free(x.data);
  rb_free(x.comparator);
}

static void a_manager_of_files(void **state) {
  struct fixture *f = *state;
  if (rb_disk_offered()) {
    skip();
  }
  rb_disk *d = rb_disk_new((rb_disk_limits){.limit = 9, .rate = 7, .share = 0.5});
  assert_non_null(d);
  rb_disk_use u = rb_disk_used(d);
  assert_int_equal(u.files, 9);
  assert_int_equal(u.trash, 7);
  assert_int_equal(u.full, 1);
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){.block_cache_size = -1});
  assert_non_null(p);
  rb_plan_disk(p, d);
  assert_string_equal(asked, "use ");
  rb_disk_free(d);
  assert_int_equal(alive, 1);
  rb_plan_free(p);
  assert_int_equal(alive, 0);
  none = true;
  assert_null(rb_disk_new((rb_disk_limits){.share = 0.5}));
  unfit = "another version";
  assert_null(rb_disk_new((rb_disk_limits){.share = 0.5}));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_nothing, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(pauses_and_compactions), CASE(ingestions),         CASE(sizes),
      CASE(filters_of_tables),      CASE(all_files),          CASE(traces),
      CASE(families_as_files),      CASE(a_manager_of_files),
  };
  return cmocka_run_group_tests_name("tagged", tests, NULL, NULL);
}
