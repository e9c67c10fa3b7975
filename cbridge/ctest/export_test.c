/* export_test.c: exported rows and their way back; errors of zstd, memory and the database. */
/* link: -Wl,--wrap=malloc,--wrap=realloc,--wrap=calloc,--wrap=rocksdb_write */
/* link: -Wl,--wrap=ZSTD_compressStream2,--wrap=ZSTD_decompressStream */
/* link: -Wl,--wrap=ZSTD_CCtx_setParameter,--wrap=ZSTD_DCtx_setParameter */
/* link: -Wl,--wrap=ZSTD_createCCtx,--wrap=ZSTD_createDCtx,--wrap=rocksdb_iter_get_error */
#include "fixture.h"
#include "rocksdb/c.h"
#include "stream.h"
#include "zstd.h"
#include "zstd_errors.h"

enum { NEVER = -1, CAP = 1 << 16 };

/* Which call of what is wrapped fails, counted down. */
static int memory_fails = NEVER;
static int zstd_fails = NEVER;
static int write_fails = NEVER;
static int iterator_fails = NEVER;
static size_t zstd_error;

static bool due(int *countdown) { return *countdown >= 0 && (*countdown)-- == 0; }

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return due(&memory_fails) ? NULL : __real_malloc(n); }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) {
  return due(&memory_fails) ? NULL : __real_calloc(n, size);
}

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n) { return due(&memory_fails) ? NULL : __real_realloc(p, n); }

ZSTD_CCtx *__real_ZSTD_createCCtx(void);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void) {
  return due(&memory_fails) ? NULL : __real_ZSTD_createCCtx();
}

ZSTD_DCtx *__real_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void) {
  return due(&memory_fails) ? NULL : __real_ZSTD_createDCtx();
}

size_t __real_ZSTD_CCtx_setParameter(ZSTD_CCtx *c, ZSTD_cParameter p, int v);
size_t __wrap_ZSTD_CCtx_setParameter(ZSTD_CCtx *c, ZSTD_cParameter p, int v);
size_t __wrap_ZSTD_CCtx_setParameter(ZSTD_CCtx *c, ZSTD_cParameter p, int v) {
  return due(&zstd_fails) ? zstd_error : __real_ZSTD_CCtx_setParameter(c, p, v);
}

size_t __real_ZSTD_DCtx_setParameter(ZSTD_DCtx *c, ZSTD_dParameter p, int v);
size_t __wrap_ZSTD_DCtx_setParameter(ZSTD_DCtx *c, ZSTD_dParameter p, int v);
size_t __wrap_ZSTD_DCtx_setParameter(ZSTD_DCtx *c, ZSTD_dParameter p, int v) {
  return due(&zstd_fails) ? zstd_error : __real_ZSTD_DCtx_setParameter(c, p, v);
}

size_t __real_ZSTD_compressStream2(ZSTD_CCtx *c, ZSTD_outBuffer *out, ZSTD_inBuffer *in,
                                   ZSTD_EndDirective how);
size_t __wrap_ZSTD_compressStream2(ZSTD_CCtx *c, ZSTD_outBuffer *out, ZSTD_inBuffer *in,
                                   ZSTD_EndDirective how);
size_t __wrap_ZSTD_compressStream2(ZSTD_CCtx *c, ZSTD_outBuffer *out, ZSTD_inBuffer *in,
                                   ZSTD_EndDirective how) {
  return due(&zstd_fails) ? zstd_error : __real_ZSTD_compressStream2(c, out, in, how);
}

size_t __real_ZSTD_decompressStream(ZSTD_DCtx *c, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
size_t __wrap_ZSTD_decompressStream(ZSTD_DCtx *c, ZSTD_outBuffer *out, ZSTD_inBuffer *in);
size_t __wrap_ZSTD_decompressStream(ZSTD_DCtx *c, ZSTD_outBuffer *out, ZSTD_inBuffer *in) {
  return due(&zstd_fails) ? zstd_error : __real_ZSTD_decompressStream(c, out, in);
}

void __real_rocksdb_write(rocksdb_t *db, const rocksdb_writeoptions_t *o, rocksdb_writebatch_t *b,
                          char **err);
void __wrap_rocksdb_write(rocksdb_t *db, const rocksdb_writeoptions_t *o, rocksdb_writebatch_t *b,
                          char **err);
void __wrap_rocksdb_write(rocksdb_t *db, const rocksdb_writeoptions_t *o, rocksdb_writebatch_t *b,
                          char **err) {
  if (due(&write_fails)) {
    *err = strdup("IO error: No space left on device: While appending to file: x");
    return;
  }
  __real_rocksdb_write(db, o, b, err);
}

void __real_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err);
void __wrap_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err);
void __wrap_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err) {
  if (due(&iterator_fails)) {
    *err = strdup("Corruption: block checksum mismatch");
    return;
  }
  __real_rocksdb_iter_get_error(it, err);
}

static void nothing_fails(void) {
  memory_fails = zstd_fails = write_fails = iterator_fails = NEVER;
  zstd_error = (size_t)-ZSTD_error_memory_allocation;
}

/* A head as Go writes it. */
static const uint8_t head[] = "RBEXPORT\x01what Go wrote";
enum { HEAD_LEN = sizeof head - 1 };

static rb_export *begin_some(rb_stream_position from, const uint8_t *first, const uint8_t *last,
                             uint64_t rows) {
  rb_export_options o = {
      .from = from, .open_len = from.offset == 0 ? HEAD_LEN : 0, .max_rows = rows, .level = 3};
  rb_export_result r = rb_export_new(o, head, first, last);
  fx_ok(r.status);
  assert_non_null(r.made);
  return r.made;
}

static rb_export *begin(rb_stream_position from, const uint8_t *first, const uint8_t *last) {
  return begin_some(from, first, last, UINT64_MAX);
}

static void iterate(struct fixture *f) {
  rb_iter_free(f->it);
  f->it = NULL;
  rb_iter_options o = {0};
  rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
}

/* 40 small rows, one that is larger than what is gathered, and one that is larger than a block. */
static int with_rows(void **state) {
  nothing_fails();
  fx_new(state);
  struct fixture *f = *state;
  for (int i = 0; i < 40; i++) {
    char key[16];
    snprintf(key, sizeof key, "a%02d", i);
    fx_put(f->family, key, i == 7 ? "" : "some value");
  }
  size_t size = 3 << 20;
  uint8_t *large = malloc(size);
  assert_non_null(large);
  uint64_t seed = 1;
  for (size_t i = 0; i < size; i++) {
    large[i] = (uint8_t)fx_random(&seed);
  }
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("b"), large, 300 << 10));
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("c"), large, size));
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("d"), large, 70 << 10));
  free(large);
  iterate(f);
  return 0;
}

/* The rest of an export that began at a position, in buffers of cap bytes. */
static size_t export_all(struct fixture *f, rb_export *e, uint64_t from, size_t cap,
                         uint8_t **out) {
  size_t n = 0, room = 8 << 20;
  *out = malloc(room);
  assert_non_null(*out);
  for (int calls = 0; calls < 1 << 20; calls++) {
    assert_true(n + cap <= room);
    rb_exported x = rb_export_fill(e, f->it, *out + n, cap, 1 << 20);
    fx_ok(x.status);
    n += x.used;
    if (x.position.whole) {
      assert_int_equal(x.position.offset, from + n);
      return n;
    }
  }
  fail_msg("an export without an end");
  return 0;
}

/* Feeds a file in pieces; what the last call answered. */
static rb_imported import_all(rb_import *d, rb_family *to, const uint8_t *in, size_t n,
                              size_t piece) {
  rb_imported r = {0};
  for (size_t at = 0; (at < n || r.more) && r.status.code == RB_OK;) {
    size_t size = n - at < piece ? n - at : piece;
    r = rb_import_feed(d, to, 0, in + at, size, 1 << 20);
    at += r.taken;
  }
  return r;
}

static rb_import *importer(void) {
  rb_stream_position start = {0};
  rb_import *d = rb_import_new(start, NULL, NULL, 64 << 20);
  assert_non_null(d);
  return d;
}

static uint64_t rows_there(struct fixture *f) {
  iterate(f);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, UINT64_MAX);
  fx_ok(c.status);
  return c.rows;
}

static void clear(struct fixture *f) {
  fx_ok(rb_apply(f->family, RB_DELETE_RANGE, 0, NULL, 0, BYTES("~")));
}

static void what_goes_out_comes_back_in_buffers_of_any_size(void **state) {
  struct fixture *f = *state;
  uint8_t *first = NULL;
  size_t first_len = 0;
  const size_t caps[] = {1 << 20, 40000, 1000, 37};
  for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
    iterate(f);
    rb_stream_position start = {0};
    rb_export *e = begin(start, NULL, NULL);
    uint8_t *out = NULL;
    size_t n = export_all(f, e, 0, caps[i], &out);
    rb_export_free(e);
    rb_import *d = importer();
    rb_imported r = import_all(d, NULL, out, n, caps[i]);
    fx_ok(r.status);
    assert_int_equal(r.position.rows, 43);
    assert_int_equal(r.position.whole, 1);
    assert_int_equal(r.position.offset, n);
    assert_int_equal(r.head_len, HEAD_LEN - 9);
    assert_memory_equal(r.head, "what Go wrote", r.head_len);
    assert_memory_equal(r.position.first, "a00", 3);
    assert_memory_equal(r.position.last, "d", 1);
    rb_import_free(d);
    if (first == NULL) {
      first = out;
      first_len = n;
    } else {
      free(out);
    }
  }
  clear(f);
  assert_int_equal(rows_there(f), 0);
  rb_import *d = importer();
  fx_ok(import_all(d, f->family, first, first_len, 10000).status);
  rb_import_free(d);
  assert_int_equal(rows_there(f), 43);
  fx_expect(f->family, NULL, "a07", "");
  fx_expect(f->family, NULL, "a39", "some value");
  free(first);
}

/* Every allocation of an export fails once: never more than an error. */
static void an_export_without_memory_is_an_error(void **state) {
  struct fixture *f = *state;
  int failures = 0;
  for (int at = 0;; at++) {
    iterate(f);
    rb_export_options o = {.open_len = HEAD_LEN, .max_rows = UINT64_MAX, .level = 3};
    memory_fails = at;
    rb_export_result r = rb_export_new(o, head, NULL, NULL);
    bool failed = memory_fails < 0;
    memory_fails = NEVER;
    if (!failed) {
      fx_ok(r.status);
      rb_export_free(r.made);
      break;
    }
    failures++;
    assert_null(r.made);
    fx_error(r.status, RB_NO_MEMORY, NULL);
  }
  assert_true(failures >= 4);
}

static void keys_that_cannot_be_kept_end_an_export(void **state) {
  struct fixture *f = *state;
  uint8_t buf[CAP];
  for (int at = 0; at < 3; at++) { /* the first key, the newest one, that which is told */
    iterate(f);
    rb_stream_position start = {0};
    rb_export *e = begin(start, NULL, NULL);
    rb_exported x = rb_export_fill(e, f->it, buf, 1, 1 << 20); /* zstd takes its memory */
    fx_ok(x.status);
    memory_fails = at;
    do {
      x = rb_export_fill(e, f->it, buf, sizeof buf, 1 << 20);
    } while (x.status.code == RB_OK && !x.position.whole);
    bool failed = memory_fails < 0;
    memory_fails = NEVER;
    assert_true(failed);
    int32_t code = x.status.code;
    rb_free(x.status.msg);
    assert_int_equal(code, RB_NO_MEMORY);
    rb_free(rb_export_fill(e, f->it, buf, sizeof buf, 1 << 20).status.msg);
    rb_export_free(e);
  }
}

static void zstds_errors_end_an_export(void **state) {
  struct fixture *f = *state;
  uint8_t buf[CAP];
  for (int at = 0; at < 5; at++) {
    for (int kind = 0; kind < 2; kind++) {
      iterate(f);
      rb_stream_position start = {0};
      rb_export *e = begin(start, NULL, NULL);
      zstd_error = (size_t)(kind == 0 ? -ZSTD_error_memory_allocation : -ZSTD_error_GENERIC);
      zstd_fails = at;
      rb_exported x = {0};
      do {
        x = rb_export_fill(e, f->it, buf, sizeof buf, 1 << 20);
      } while (x.status.code == RB_OK && !x.position.whole);
      assert_true(zstd_fails < 0);
      fx_error(x.status, kind == 0 ? RB_NO_MEMORY : RB_UNKNOWN, NULL);
      x = rb_export_fill(e, f->it, buf, sizeof buf, 1 << 20);
      fx_error(x.status, kind == 0 ? RB_NO_MEMORY : RB_UNKNOWN, NULL);
      assert_int_equal(x.used, 0);
      rb_export_free(e);
    }
  }
  for (int at = 0; at < 3; at++) {
    rb_export_options o = {.open_len = HEAD_LEN, .max_rows = UINT64_MAX, .level = 3};
    zstd_error = (size_t)-ZSTD_error_parameter_unsupported;
    zstd_fails = at;
    rb_export_result r = rb_export_new(o, head, NULL, NULL);
    assert_null(r.made);
    fx_error(r.status, RB_UNKNOWN, "nsupported");
  }
  zstd_fails = 0;
  rb_stream_position start = {0};
  assert_null(rb_import_new(start, NULL, NULL, 1));
}

/* An iterator's error looks like the end of its rows: no trailer must follow. */
static void an_iterators_error_is_no_end(void **state) {
  struct fixture *f = *state;
  uint8_t *out = malloc(8 << 20);
  assert_non_null(out);
  rb_stream_position start = {0};
  rb_export *e = begin(start, NULL, NULL);
  iterator_fails = 0;
  rb_exported x = rb_export_fill(e, f->it, out, 8 << 20, UINT64_MAX);
  fx_error(x.status, RB_CORRUPTION, "block checksum");
  assert_int_equal(x.position.whole, 0);
  rb_import *d = importer();
  rb_imported r = import_all(d, NULL, out, x.used, 1 << 20);
  fx_ok(r.status);
  assert_int_equal(r.position.whole, 0);
  assert_int_equal(r.position.offset, x.position.offset);
  assert_int_equal(r.position.rows, x.position.rows);
  rb_import_free(d);
  rb_export_free(e);
  free(out);
}

/* At each place where the end of the rows is looked at: an error may stand there. */
static void an_iterators_error_is_no_end_anywhere(void **state) {
  struct fixture *f = *state;
  uint8_t *out = malloc(8 << 20);
  assert_non_null(out);
  rb_stream_position start = {0};
  int failures = 0;
  for (bool whole = false; !whole; failures++) {
    clear(f);
    fx_put(f->family, "a", "small");
    iterate(f);
    rb_export *e = begin(start, NULL, NULL);
    iterator_fails = failures;
    rb_exported x = rb_export_fill(e, f->it, out, 8 << 20, UINT64_MAX);
    whole = iterator_fails >= 0;
    iterator_fails = NEVER;
    if (whole) {
      fx_ok(x.status);
      assert_int_equal(x.position.whole, 1);
    } else {
      fx_error(x.status, RB_CORRUPTION, "block checksum");
      assert_int_equal(x.position.whole, 0);
    }
    rb_export_free(e);
  }
  assert_true(failures >= 3);
  free(out);
}

static void an_export_ends_at_its_deadline(void **state) {
  struct fixture *f = *state;
  uint8_t buf[CAP];
  rb_stream_position start = {0};
  rb_iter_free(f->it);
  rb_iter_result r =
      rb_iter_new(f->family, NULL, (rb_iter_options){.deadline = 1}, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  rb_export *e = begin(start, NULL, NULL);
  for (int i = 0; i < 2; i++) {
    rb_exported x = rb_export_fill(e, f->it, buf, sizeof buf, UINT64_MAX);
    fx_error(x.status, RB_TIMED_OUT, NULL);
    assert_int_equal(x.position.whole, 0);
  }
  rb_export_free(e);
}

/* An export that goes on keeps the keys that it began with, for which there may be no memory. */
static void an_export_that_goes_on_without_memory_is_an_error(void **state) {
  (void)state;
  rb_export_options o = {
      .from = {.offset = 1, .rows = 1, .has_keys = 1, .first_len = 1, .last_len = 1},
      .max_rows = UINT64_MAX,
      .level = 3};
  int failures = 0;
  for (;; failures++) {
    memory_fails = failures;
    rb_export_result r = rb_export_new(o, NULL, U8("a"), U8("b"));
    bool failed = memory_fails < 0;
    memory_fails = NEVER;
    if (!failed) {
      fx_ok(r.status);
      rb_export_free(r.made);
      break;
    }
    assert_null(r.made);
    fx_error(r.status, RB_NO_MEMORY, NULL);
  }
  assert_true(failures >= 7);
}

/* Of an import, the same. */
static void an_import_that_goes_on_without_memory_is_none(void **state) {
  (void)state;
  rb_stream_position from = {.offset = 1, .rows = 1, .has_keys = 1, .first_len = 1, .last_len = 1};
  int failures = 0;
  for (;; failures++) {
    memory_fails = failures;
    rb_import *d = rb_import_new(from, U8("a"), U8("b"), 1 << 20);
    bool failed = memory_fails < 0;
    memory_fails = NEVER;
    assert_int_equal(d == NULL, failed);
    rb_import_free(d);
    if (!failed) {
      break;
    }
  }
  assert_true(failures >= 5);
}

static void an_iterator_that_somebody_moved_is_noticed(void **state) {
  struct fixture *f = *state;
  uint8_t buf[CAP];
  rb_stream_position start = {0};
  rb_export *e = begin(start, NULL, NULL);
  rb_exported x = {0};
  do { /* into the row of 3 MiB, which does not compress */
    x = rb_export_fill(e, f->it, buf, sizeof buf, UINT64_MAX);
    fx_ok(x.status);
  } while (x.rows > 0);
  rb_row row = rb_iter_step(f->it, RB_MOVE_FIRST, 0, NULL, 0);
  fx_ok(row.status);
  x = rb_export_fill(e, f->it, buf, sizeof buf, UINT64_MAX);
  fx_error(x.status, RB_INVALID_ARGUMENT, "moved");
  rb_export_free(e);
}

/* Where one export stopped, another goes on. */
static void an_export_goes_on_behind_a_key(void **state) {
  struct fixture *f = *state;
  uint8_t *out = malloc(8 << 20), *rest = NULL;
  assert_non_null(out);
  rb_stream_position at = {0};
  rb_export *e = begin(at, NULL, NULL);
  size_t n = 0;
  do {
    rb_exported x = rb_export_fill(e, f->it, out + n, 1000, UINT64_MAX);
    fx_ok(x.status);
    n += x.used;
    at = x.position;
  } while (at.rows == 0);
  iterate(f);
  rb_export *on = begin(at, at.first, at.last);
  rb_export_free(e);
  uint64_t from = at.offset;
  size_t more = export_all(f, on, from, 50000, &rest);
  rb_export_free(on);
  memcpy(out + from, rest, more);
  rb_import *d = importer();
  rb_imported r = import_all(d, NULL, out, from + more, 1 << 20);
  fx_ok(r.status);
  assert_int_equal(r.position.whole, 1);
  assert_int_equal(r.position.rows, 43);
  rb_import_free(d);
  free(rest);
  free(out);
}

static void what_cannot_be_written_does_not_count(void **state) {
  struct fixture *f = *state;
  rb_stream_position start = {0};
  rb_export *e = begin(start, NULL, NULL);
  uint8_t *out = NULL;
  size_t n = export_all(f, e, 0, 1 << 20, &out);
  rb_export_free(e);
  clear(f);
  rb_import *d = importer();
  write_fails = 1;
  rb_imported r = import_all(d, f->family, out, n, 100000);
  fx_error(r.status, RB_NO_SPACE, NULL);
  assert_int_equal(r.wrong, RB_STREAM_FINE);
  uint64_t rows = r.position.rows;
  assert_true(rows > 0 && rows < 43);
  fx_error(rb_import_feed(d, f->family, 0, out, n, 1).status, RB_NO_SPACE, NULL);
  assert_int_equal(rows_there(f), rows);
  rb_import *on = rb_import_new(r.position, r.position.first, r.position.last, 64 << 20);
  assert_non_null(on);
  size_t at = r.position.offset;
  rb_import_free(d);
  r = import_all(on, f->family, out + at, n - at, 100000);
  fx_ok(r.status);
  assert_int_equal(r.position.whole, 1);
  assert_int_equal(rows_there(f), 43);
  rb_import_free(on);
  free(out);
}

/* Every allocation of an import fails once: an error, and the rows that it tells of. */
static void an_import_without_memory_is_an_error(void **state) {
  struct fixture *f = *state;
  rb_stream_position start = {0};
  rb_export *e = begin(start, NULL, NULL);
  uint8_t *out = NULL;
  size_t n = export_all(f, e, 0, 1 << 20, &out);
  rb_export_free(e);
  int failures = 0;
  for (int at = 0;; at++) {
    memory_fails = at;
    rb_import *d = rb_import_new(start, NULL, NULL, 64 << 20);
    rb_imported r = {0};
    if (d != NULL) {
      r = import_all(d, NULL, out, n, 100000);
    }
    bool failed = memory_fails < 0;
    memory_fails = NEVER;
    if (failed && d != NULL) {
      int32_t code = r.status.code;
      rb_free(r.status.msg);
      assert_int_equal(code, RB_NO_MEMORY);
      assert_int_equal(r.position.whole, 0);
    }
    rb_import_free(d);
    if (!failed) {
      fx_ok(r.status);
      break;
    }
    failures++;
  }
  assert_true(failures >= 6);
  for (int kind = 0; kind < 2; kind++) {
    rb_import *d = importer();
    zstd_error = (size_t)(kind == 0 ? -ZSTD_error_memory_allocation : -ZSTD_error_GENERIC);
    zstd_fails = 2;
    rb_imported r = import_all(d, NULL, out, n, 100000);
    fx_error(r.status, kind == 0 ? RB_NO_MEMORY : RB_CORRUPTION, NULL);
    assert_int_equal(r.wrong, kind == 0 ? RB_STREAM_FINE : RB_STREAM_WRONG);
    rb_import_free(d);
  }
  free(out);
}

static void numbers_come_back_and_padding_does_not(void **state) {
  (void)state;
  uint8_t p[RB_VARINT_MOST];
  for (int shift = 0; shift < 64; shift++) {
    for (int64_t by = -1; by <= 1; by++) {
      uint64_t v = ((uint64_t)1 << shift) + (uint64_t)by, got = ~v;
      size_t n = rb_varint_put(p, v);
      assert_true(n >= 1 && n <= RB_VARINT_MOST);
      assert_int_equal(rb_varint_get(p, n, &got), n);
      assert_true(got == v);
      for (size_t less = 0; less < n; less++) {
        assert_int_equal(rb_varint_get(p, less, &got), 0);
      }
    }
  }
  uint64_t v = 0;
  assert_true(rb_varint_get(U8("\x80\x00"), 2, &v) == RB_VARINT_BAD);
  assert_true(rb_varint_get(U8("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), 10, &v) ==
              RB_VARINT_BAD);
  assert_true(rb_varint_get(U8("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"), 11, &v) ==
              RB_VARINT_BAD);
}

/* The check value that everybody gives for this checksum, and sums of pieces. */
static void the_checksum_is_that_of_zlib(void **state) {
  (void)state;
  struct rb_crc *c = malloc(sizeof *c);
  assert_non_null(c);
  rb_crc_init(c);
  assert_int_equal(rb_crc_add(c, 0, U8("123456789"), 9), 0xCBF43926U);
  uint8_t bytes[300];
  for (size_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = (uint8_t)(i * 7);
  }
  uint32_t whole = rb_crc_add(c, 0, bytes, sizeof bytes);
  for (size_t cut = 0; cut <= sizeof bytes; cut++) {
    uint32_t sum = rb_crc_add(c, 0, bytes, cut);
    assert_int_equal(rb_crc_add(c, sum, bytes + cut, sizeof bytes - cut), whole);
    uint32_t slow = 0;
    for (size_t i = 0; i < cut; i++) {
      slow = rb_crc_add(c, slow, bytes + i, 1);
    }
    assert_int_equal(slow, sum);
  }
  free(c);
}

static void nothing_is_freed_twice(void **state) {
  (void)state;
  rb_export_free(NULL);
  rb_import_free(NULL);
  assert_true(rb_zstd_version() >= 10400);
}

static void an_export_of_some_rows_ends_with_the_last_of_them(void **state) {
  struct fixture *f = *state;
  for (uint64_t rows = 0; rows < 44; rows += 6) {
    iterate(f);
    rb_stream_position start = {0};
    rb_export *e = begin_some(start, NULL, NULL, rows);
    uint8_t *out = NULL;
    size_t n = export_all(f, e, 0, 1000, &out);
    rb_export_free(e);
    rb_import *d = importer();
    rb_imported r = import_all(d, NULL, out, n, n);
    fx_ok(r.status);
    assert_int_equal(r.position.whole, 1);
    assert_int_equal(r.position.rows, rows);
    rb_import_free(d);
    free(out);
  }
}

static void the_last_key_may_be_longer_than_those_before(void **state) {
  struct fixture *f = *state;
  clear(f);
  uint8_t longest[300];
  memset(longest, 'z', sizeof longest);
  fx_put(f->family, "", "the empty key");
  fx_put(f->family, "a", "v");
  fx_ok(rb_apply(f->family, RB_PUT, 0, longest, sizeof longest, BYTES("v")));
  iterate(f);
  rb_stream_position start = {0};
  rb_export *e = begin(start, NULL, NULL);
  uint8_t *out = NULL;
  size_t n = export_all(f, e, 0, 1000, &out);
  rb_export_free(e);
  rb_import *d = importer();
  rb_imported r = import_all(d, NULL, out, n, n);
  fx_ok(r.status);
  assert_int_equal(r.position.rows, 3);
  assert_non_null(r.position.first);
  assert_int_equal(r.position.first_len, 0);
  assert_int_equal(r.position.last_len, sizeof longest);
  assert_memory_equal(r.position.last, longest, sizeof longest);
  rb_import_free(d);
  free(out);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_rows, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(what_goes_out_comes_back_in_buffers_of_any_size),
      CASE(an_export_without_memory_is_an_error),
      CASE(keys_that_cannot_be_kept_end_an_export),
      CASE(zstds_errors_end_an_export),
      CASE(an_iterators_error_is_no_end),
      CASE(an_iterators_error_is_no_end_anywhere),
      CASE(an_export_ends_at_its_deadline),
      CASE(an_export_that_goes_on_without_memory_is_an_error),
      CASE(an_import_that_goes_on_without_memory_is_none),
      CASE(an_iterator_that_somebody_moved_is_noticed),
      CASE(an_export_goes_on_behind_a_key),
      CASE(what_cannot_be_written_does_not_count),
      CASE(an_import_without_memory_is_an_error),
      CASE(an_export_of_some_rows_ends_with_the_last_of_them),
      CASE(the_last_key_may_be_longer_than_those_before),
      cmocka_unit_test(numbers_come_back_and_padding_does_not),
      cmocka_unit_test(the_checksum_is_that_of_zlib),
      cmocka_unit_test(nothing_is_freed_twice),
  };
  return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
