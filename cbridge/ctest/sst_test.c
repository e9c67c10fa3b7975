/* sst_test.c: table files that are made outside of a database, and ingested. */
/* link: -Wl,--wrap=calloc */
#include "fixture.h"

static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

/* A plan with a family of the defaults. */
static rb_plan *new_plan(void) {
  struct setup s = fx_defaults();
  rb_plan *p = rb_plan_new("", s.db);
  assert_non_null(p);
  fx_ok(rb_plan_family(p, "default", s.family, NULL));
  return p;
}

static rb_sst *new_writer(const char *path) {
  rb_plan *p = new_plan();
  rb_sst_result r = rb_plan_sst(p, "default", path);
  rb_plan_free(p); /* the writer needs it no more */
  fx_ok(r.status);
  assert_non_null(r.writer);
  return r.writer;
}

/* Packs a record behind others. */
static size_t pack(uint8_t *rows, size_t at, uint32_t op, const char *key, const char *value) {
  uint32_t head[3] = {op, (uint32_t)strlen(key), (uint32_t)strlen(value)};
  memcpy(rows + at, head, sizeof head);
  at += sizeof head;
  memcpy(rows + at, key, head[1]);
  memcpy(rows + at + head[1], value, head[2]);
  return at + head[1] + head[2];
}

static void file_in(const struct fixture *f, const char *name, char path[RB_PATH]) {
  assert_true(snprintf(path, RB_PATH, "%s/%s", f->root, name) < RB_PATH);
}

static void records_are_written_and_ingested(void **state) {
  struct fixture *f = *state;
  char paths[RB_PATH + 1] = {0};
  file_in(f, "x.sst", paths);
  fx_put(f->family, "b", "old");
  fx_put(f->family, "c", "old");
  fx_put(f->family, "r", "old");
  rb_sst *w = new_writer(paths);
  uint8_t rows[256];
  size_t n = pack(rows, 0, RB_PUT, "", "empty");
  n = pack(rows, n, RB_PUT, "a", "");
  n = pack(rows, n, RB_DELETE, "b", "");
  n = pack(rows, n, RB_DELETE_RANGE, "q", "s");
  fx_ok(rb_sst_add(w, rows, n).status);
  fx_ok(rb_sst_add(w, NULL, 0).status);
  fx_ok(rb_sst_row(w, RB_PUT, BYTES("c"), BYTES("new")).status);
  rb_sst_state end = rb_sst_finish(w);
  fx_ok(end.status);
  rb_sst_free(w);
  struct stat st;
  assert_int_equal(stat(paths, &st), 0);
  assert_int_equal(end.size, st.st_size);
  rb_ingest_options o = {0};
  fx_ok(rb_ingest(f->family, paths, 1, o));
  fx_expect(f->family, NULL, "", "empty");
  fx_expect(f->family, NULL, "a", "");
  fx_expect(f->family, NULL, "b", NULL);
  fx_expect(f->family, NULL, "c", "new");
  fx_expect(f->family, NULL, "r", NULL);
}

static void several_files_are_moved(void **state) {
  struct fixture *f = *state;
  char paths[2 * RB_PATH];
  size_t at = 0;
  for (int i = 0; i < 2; i++) {
    char name[] = {(char)('a' + i), 0};
    file_in(f, name, paths + at);
    rb_sst *w = new_writer(paths + at);
    fx_ok(rb_sst_row(w, RB_PUT, BYTES(name), BYTES("moved")).status);
    fx_ok(rb_sst_finish(w).status);
    rb_sst_free(w);
    at += strlen(paths + at) + 1;
  }
  rb_ingest_options o = {.move = 1};
  fx_ok(rb_ingest(f->family, paths, 2, o));
  fx_expect(f->family, NULL, "a", "moved");
  fx_expect(f->family, NULL, "b", "moved");
  assert_int_not_equal(access(paths, F_OK), 0);
}

static void operands_are_written_and_merged(void **state) {
  struct fixture *f = *state;
  char paths[RB_PATH + 1] = {0};
  file_in(f, "m.sst", paths);
  struct setup s = fx_defaults();
  s.family.operators.merge_kind = RB_MERGE_UINT64_ADD;
  fx_open(f, s);
  const uint64_t two = 2, three = 3;
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("n"), (const uint8_t *)&two, 8));
  rb_plan *p = rb_plan_new("", s.db);
  assert_non_null(p);
  fx_ok(rb_plan_family(p, "default", s.family, NULL));
  rb_sst_result r = rb_plan_sst(p, "default", paths);
  rb_plan_free(p);
  fx_ok(r.status);
  fx_ok(rb_sst_row(r.writer, RB_MERGE, BYTES("n"), (const uint8_t *)&three, 8).status);
  fx_ok(rb_sst_finish(r.writer).status);
  rb_sst_free(r.writer);
  fx_ok(rb_ingest(f->family, paths, 1, (rb_ingest_options){0}));
  uint8_t buf[8];
  fx_ok(rb_get(f->family, NULL, 0, 0, BYTES("n"), buf, sizeof buf).status);
  assert_int_equal(buf[0], 5);
}

static void malformed_rows_are_refused(void **state) {
  struct fixture *f = *state;
  char path[RB_PATH];
  file_in(f, "x.sst", path);
  rb_sst *w = new_writer(path);
  uint8_t rows[64];
  size_t n = pack(rows, 0, RB_PUT, "key", "value");
  for (size_t i = 1; i < n; i++) {
    uint8_t *exact = malloc(i); /* so that a read behind it is found */
    assert_non_null(exact);
    memcpy(exact, rows, i);
    fx_error(rb_sst_add(w, exact, i).status, RB_INVALID_ARGUMENT, "malformed");
    free(exact);
  }
  uint32_t huge[3] = {RB_PUT, UINT32_MAX, UINT32_MAX};
  fx_error(rb_sst_add(w, (const uint8_t *)huge, sizeof huge).status, RB_INVALID_ARGUMENT,
           "malformed");
  fx_error(rb_sst_row(w, 99, BYTES("k"), NULL, 0).status, RB_INVALID_ARGUMENT, "operation");
  fx_ok(rb_sst_add(w, rows, n).status);
  fx_error(rb_sst_add(w, rows, n).status, RB_INVALID_ARGUMENT, "order");
  rb_sst_free(w);
  assert_int_equal(access(path, F_OK), 0); /* unfinished, it stays */
}

static void what_cannot_be_made_is_told(void **state) {
  struct fixture *f = *state;
  char path[RB_PATH];
  file_in(f, "no/such/folder", path);
  rb_plan *p = new_plan();
  fx_error(rb_plan_sst(p, "default", path).status, RB_IO, NULL);
  fx_error(rb_plan_sst(p, "other", path).status, RB_NOT_FOUND, "no such family");
  no_memory = true;
  rb_sst_result r = rb_plan_sst(p, "default", path);
  no_memory = false;
  fx_error(r.status, RB_NO_MEMORY, NULL);
  assert_null(r.writer);
  rb_plan_free(p);
  file_in(f, "x.sst", path);
  rb_sst *w = new_writer(path);
  fx_error(rb_sst_finish(w).status, RB_INVALID_ARGUMENT, "no entries");
  rb_sst_free(w);
  rb_sst_free(NULL);
}

static void ingest_is_refused(void **state) {
  struct fixture *f = *state;
  rb_ingest_options o = {0};
  fx_error(rb_ingest(f->family, "no such file", 1, o), RB_IO, NULL);
  o.behind = 1;
  fx_error(rb_ingest(f->family, "no such file", 1, o), RB_INVALID_ARGUMENT, "ingest_behind");
  o.behind = 0;
  no_memory = true;
  rb_status s = rb_ingest(f->family, "x", 1, o);
  no_memory = false;
  fx_error(s, RB_NO_MEMORY, NULL);
  o.bottommost = 1;
  fx_error(rb_ingest(f->family, "no such file", 1, o),
           rb_supports(RB_FEATURE_INGEST_BOTTOMMOST) ? RB_IO : RB_UNSUPPORTED, NULL);
  struct setup read_only = fx_defaults();
  read_only.db.read_only = 1;
  fx_open(f, read_only);
  fx_error(rb_ingest(f->family, "x", 1, o), RB_READ_ONLY, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(records_are_written_and_ingested), CASE(several_files_are_moved),
      CASE(operands_are_written_and_merged),  CASE(malformed_rows_are_refused),
      CASE(what_cannot_be_made_is_told),      CASE(ingest_is_refused),
  };
  return cmocka_run_group_tests_name("sst", tests, NULL, NULL);
}
