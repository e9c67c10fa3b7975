/* import_damage_test.c: streams that are no exports, or none any more: each is refused in words
 * that say what is wrong, and writes nothing of the section that is at fault. */
#include "fixture.h"

#include <zstd.h>

#include "stream.h"

enum { ROOM = 4 << 20, MAX_ROW = 1 << 20 };

/* A stream that is being forged: sections with the right checksums, whatever is in them. */
struct forged {
  struct rb_crc crc;
  uint32_t sum;
  size_t len;
  uint8_t bytes[ROOM];
};

static struct forged *forged_new(void) {
  struct forged *f = calloc(1, sizeof *f);
  assert_non_null(f);
  rb_crc_init(&f->crc);
  return f;
}

/* Appends n bytes as a frame. */
static void frame(struct forged *f, const uint8_t *bytes, size_t n) {
  size_t made = ZSTD_compress(f->bytes + f->len, ROOM - f->len, bytes, n, 1);
  assert_false(ZSTD_isError(made));
  f->len += made;
}

/* Appends a section of n bytes with its checksum. */
static void section(struct forged *f, const void *bytes, size_t n) {
  uint8_t *whole = malloc(n + RB_STREAM_SUM_LEN);
  assert_non_null(whole);
  memcpy(whole, bytes, n);
  f->sum = rb_crc_add(&f->crc, f->sum, whole, n);
  rb_sum_put(whole + n, f->sum);
  frame(f, whole, n + RB_STREAM_SUM_LEN);
  free(whole);
}

#define SECTION(f, text) section(f, text, sizeof(text) - 1)

#define HEAD "RBEXPORT\x01head"
#define BLOCK "B\x02\x01kv\0\x01"     /* k=v, one row */
#define TRAILER "E\x01\x02\x01k\x01k" /* one row of two bytes, from k to k */

/* What the import of a stream answers; the caller frees the words. */
static rb_imported import(rb_family *to, const struct forged *f, uint64_t *rows) {
  rb_stream_position start = {0};
  rb_import *d = rb_import_new(start, NULL, NULL, MAX_ROW);
  assert_non_null(d);
  rb_imported r = {0};
  for (size_t at = 0; (at < f->len || r.more) && r.status.code == RB_OK; at += r.taken) {
    r = rb_import_feed(d, to, 0, f->bytes + at, f->len - at, 1 << 16);
  }
  *rows = r.position.rows;
  if (r.status.code != RB_OK) { /* it stays so */
    rb_imported again = rb_import_feed(d, to, 0, f->bytes, f->len, 1 << 16);
    assert_int_equal(again.status.code, r.status.code);
    assert_int_equal(again.taken, 0);
  }
  rb_import_free(d);
  return r;
}

static void whole_streams_are_taken(void **state) {
  struct fixture *f = *state;
  struct forged *s = forged_new();
  SECTION(s, HEAD);
  SECTION(s, BLOCK);
  SECTION(s, "S12345678");
  SECTION(s, "B\x02\x01lw\0\x01");
  SECTION(s, "E\x02\x04\x01k\x01l");
  uint64_t rows = 0;
  rb_imported r = import(f->family, s, &rows);
  fx_ok(r.status);
  assert_int_equal(rows, 2);
  assert_int_equal(r.position.whole, 1);
  assert_int_equal(r.position.mixed, 1);
  fx_expect(f->family, NULL, "k", "v");
  fx_expect(f->family, NULL, "l", "w");
  free(s);
}

/* Two sections at most, the last of which is at fault. */
struct damage {
  const char *first;
  size_t first_len;
  const char *last;
  size_t last_len;
  const char *words;
};

#define AFTER_HEAD(last, words) {HEAD, sizeof HEAD - 1, last, sizeof(last) - 1, words}
#define ALONE(last, words) {NULL, 0, last, sizeof(last) - 1, words}

static const struct damage damages[] = {
    ALONE("RBEXPORX\x01", "does not begin with"),
    ALONE("R", "does not begin with"),
    ALONE("RBEXPORT\x02head", "another version"),
    AFTER_HEAD(HEAD, "a second head"),
    AFTER_HEAD("S1234567", "a short section"),
    AFTER_HEAD("S123456789", "a short section"),
    AFTER_HEAD("?", "no known kind"),
    AFTER_HEAD("B\x80\x01", "does not end with its number of rows"),
    AFTER_HEAD("B\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", "length is no number"),
    AFTER_HEAD("B\x82\x00\x01kv\0\x01", "length is no number"), /* longer than it need be */
    AFTER_HEAD("B\x82\x80\x80\x08\x01kv", "longer than any can be"),
    AFTER_HEAD("B\x02\xff\xff\xff\xff\xff\x0fk", "longer than any can be"),
    AFTER_HEAD("B\x02\x01kv\x02\x01kw\0\x02", "do not ascend"),
    AFTER_HEAD("B\x02\x01kv\x02\x01jw\0\x02", "do not ascend"),
    AFTER_HEAD("B\x02\x01kv\0", "does not end with its number of rows"),
    AFTER_HEAD("B\x02\x01kv\0\x01\x01", "does not end with its number of rows"),
    AFTER_HEAD("B\x02\x01kv", "does not end with its number of rows"),
    AFTER_HEAD("B\x02\x01kv\0\x02", "another number of rows"),
    AFTER_HEAD("B\0\0", "another number of rows"),
    AFTER_HEAD("E", "tells of other rows"),
    AFTER_HEAD("E\0", "tells of other rows"),
    AFTER_HEAD("E\x01\0\0\0", "tells of other rows"),
    AFTER_HEAD("E\0\x01\0\0", "tells of other rows"),
    AFTER_HEAD("E\0\0\x01k\0", "tells of other rows"),
    AFTER_HEAD("E\0\0\0", "tells of other rows"),
    AFTER_HEAD("E\0\0\0\x01k", "tells of other rows"),
    AFTER_HEAD("E\0\0\0\0\0", "tells of other rows"),
};

static void what_is_wrong_is_said(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
    struct forged *s = forged_new();
    if (damages[i].first != NULL) {
      section(s, damages[i].first, damages[i].first_len);
    }
    section(s, damages[i].last, damages[i].last_len);
    uint64_t rows = 0;
    rb_imported r = import(f->family, s, &rows);
    assert_int_equal(r.wrong, RB_STREAM_WRONG);
    fx_error(r.status, RB_CORRUPTION, damages[i].words);
    assert_int_equal(rows, 0);
    fx_expect(f->family, NULL, "k", NULL);
    free(s);
  }
}

/* The keys of a trailer are compared within it: one that it announces and has not is none. */
static void a_trailer_ends_within_its_keys(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *bytes;
    size_t len;
  } trailers[] = {{"E\x01\x02\x01", 4},        {"E\x01\x02\x01k\x01", 6},
                  {"E\x01\x02\x01l\x01k", 7},  {"E\x01\x02\x01k\x01l", 7},
                  {"E\x01\x02\x01k\x01k!", 8}, {"E\x01\x03\x01k\x01k", 7}};
  for (size_t i = 0; i < sizeof trailers / sizeof trailers[0]; i++) {
    struct forged *s = forged_new();
    SECTION(s, HEAD);
    SECTION(s, BLOCK);
    section(s, trailers[i].bytes, trailers[i].len);
    uint64_t rows = 0;
    fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "tells of other rows");
    assert_int_equal(rows, 1);
    free(s);
  }
}

/* Appends a number and n bytes of 'k'. */
static size_t long_key(uint8_t *to, uint64_t number, size_t n) {
  size_t at = 0;
  for (; number >= 0x80; number >>= 7) {
    to[at++] = (uint8_t)(number | 0x80);
  }
  to[at++] = (uint8_t)number;
  memset(to + at, 'k', n);
  return at + n;
}

/* A key that the trailer has not is not looked for behind the memory of its frame either. */
static void a_long_key_is_not_sought_behind_the_trailer(void **state) {
  struct fixture *f = *state;
  enum { LONG = 700000 }; /* twice as much is more than a frame has room for at first */
  struct forged *s = forged_new();
  uint8_t *bytes = malloc(LONG + 32);
  assert_non_null(bytes);
  SECTION(s, HEAD);
  bytes[0] = 'B';
  size_t n = 1 + long_key(bytes + 1, LONG + 1, 0);
  bytes[n++] = 0; /* no value */
  memset(bytes + n, 'k', LONG);
  n += LONG;
  bytes[n++] = 0; /* the end, and one row */
  bytes[n++] = 1;
  section(s, bytes, n);
  memcpy(bytes, "E\x01", 2);
  n = 2 + long_key(bytes + 2, LONG, 0); /* its bytes */
  n += long_key(bytes + n, LONG, LONG); /* the first key */
  n += long_key(bytes + n, LONG, 0);    /* the length of the last one */
  section(s, bytes, n);
  uint64_t rows = 0;
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "tells of other rows");
  assert_int_equal(rows, 1);
  free(bytes);
  free(s);
}

static void keys_ascend_over_blocks(void **state) {
  struct fixture *f = *state;
  struct forged *s = forged_new();
  SECTION(s, HEAD);
  SECTION(s, BLOCK);
  SECTION(s, BLOCK);
  uint64_t rows = 0;
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "do not ascend");
  assert_int_equal(rows, 1);
  free(s);
}

static void what_follows_the_end_is_refused(void **state) {
  struct fixture *f = *state;
  struct forged *s = forged_new();
  SECTION(s, HEAD);
  SECTION(s, BLOCK);
  SECTION(s, TRAILER);
  SECTION(s, BLOCK);
  uint64_t rows = 0;
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "bytes follow the end");
  free(s);
}

static void a_wrong_checksum_is_seen(void **state) {
  struct fixture *f = *state;
  struct forged *s = forged_new();
  SECTION(s, HEAD);
  s->sum ^= 1;
  SECTION(s, BLOCK);
  uint64_t rows = 0;
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "checksum does not match");
  s->len = 0;
  s->sum = 0;
  SECTION(s, HEAD);
  frame(s, U8("B\0\0"), 3);
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "without a checksum");
  free(s);
}

static void what_zstd_does_not_know_is_refused(void **state) {
  struct fixture *f = *state;
  struct forged *s = forged_new();
  memcpy(s->bytes, "not compressed", 14);
  s->len = 14;
  uint64_t rows = 0;
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "not compressed by zstd");
  s->len = 0;
  SECTION(s, HEAD);
  memcpy(s->bytes + s->len, "not compressed", 14);
  s->len += 14;
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "no frame of zstd");
  s->len = 0;
  s->sum = 0;
  SECTION(s, HEAD);
  size_t second = s->len;
  SECTION(s, BLOCK);
  s->bytes[second + 4] ^= 0xFF; /* the descriptor of the frame */
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, NULL);
  free(s);
}

/* Nothing is decompressed which no length announces, and no row above the limit is. */
static void sizes_have_limits(void **state) {
  struct fixture *f = *state;
  struct forged *s = forged_new();
  size_t n = 3 << 20;
  uint8_t *zeros = calloc(1, n);
  assert_non_null(zeros);
  frame(s, zeros, n);
  uint64_t rows = 0;
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, NULL);
  s->len = 0;
  SECTION(s, HEAD);
  zeros[0] = RB_STREAM_OTHER;
  frame(s, zeros, n);
  fx_error(import(f->family, s, &rows).status, RB_CORRUPTION, "longer than what it holds");
  s->len = 0;
  s->sum = 0;
  SECTION(s, HEAD);
  zeros[0] = RB_STREAM_ROWS;
  size_t at = 1 + rb_varint_put(zeros + 1, 2);
  at += rb_varint_put(zeros + at, MAX_ROW);
  section(s, zeros, at + 1 + MAX_ROW);
  rb_imported r = import(f->family, s, &rows);
  assert_int_equal(r.wrong, RB_STREAM_TOO_LARGE);
  fx_error(r.status, RB_INVALID_ARGUMENT, NULL);
  free(zeros);
  free(s);
}

/* A block may be longer than its size by its last row only, of which memory is made as it comes. */
static void a_block_ends_with_the_row_that_fills_it(void **state) {
  struct fixture *f = *state;
  struct forged *s = forged_new();
  for (int more = 0; more < 2; more++) {
    uint8_t *block = calloc(1, 3 << 20);
    assert_non_null(block);
    block[0] = RB_STREAM_ROWS;
    size_t at = 1;
    for (uint8_t row = 0; row < 2 + more; row++) {
      at += rb_varint_put(block + at, 2);
      at += rb_varint_put(block + at, MAX_ROW / 2);
      block[at] = 'a' + row;
      at += 1 + MAX_ROW / 2;
    }
    block[at++] = 0;
    at += rb_varint_put(block + at, 2 + (uint64_t)more);
    s->len = 0;
    s->sum = 0;
    SECTION(s, HEAD);
    section(s, block, at);
    free(block);
    uint64_t rows = 0;
    rb_imported r = import(f->family, s, &rows);
    if (more > 0) {
      fx_error(r.status, RB_CORRUPTION, "goes on past its size");
    } else {
      fx_ok(r.status);
      assert_int_equal(rows, 2);
    }
  }
  free(s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(whole_streams_are_taken),
      CASE(what_is_wrong_is_said),
      CASE(a_trailer_ends_within_its_keys),
      CASE(a_long_key_is_not_sought_behind_the_trailer),
      CASE(keys_ascend_over_blocks),
      CASE(what_follows_the_end_is_refused),
      CASE(a_wrong_checksum_is_seen),
      CASE(what_zstd_does_not_know_is_refused),
      CASE(sizes_have_limits),
      CASE(a_block_ends_with_the_row_that_fills_it),
  };
  return cmocka_run_group_tests_name("import damage", tests, NULL, NULL);
}
