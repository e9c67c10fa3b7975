/* import.c: exported rows, decompressed, verified and written, frame by frame. */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "handles.h"
#include "stream.h"

/* Sizes of a frame, decompressed. A block may be longer by its last row. */
enum {
  RB_FRAME_FIRST = RB_STREAM_BLOCK + (256 << 10), /* memory that is taken at once */
  RB_FRAME_SLACK = 64,                            /* what stands round the rows of a block */
  RB_FRAME_KEYS = (2 << 23) + (64 << 10)          /* of the head and the trailer: two keys */
};

struct rb_import {
  ZSTD_DCtx *zstd;
  struct rb_crc crc;
  uint8_t *frame; /* decompressed, as far as it has come */
  size_t have;
  size_t cap;
  size_t parsed;   /* whole rows of the block end here */
  size_t row_end;  /* where the row that begins there ends; 0: not known yet */
  size_t key_at;   /* the last whole row's key */
  size_t key_len;  /* its length */
  uint64_t rows;   /* whole rows of the block */
  uint64_t bytes;  /* of their keys and values */
  bool rows_ended; /* the 0 behind them stands at parsed */
  bool pending;    /* zstd may hold more of what it was given */
  uint64_t max_row;
  uint64_t taken; /* compressed bytes, from the file's start */
  rb_stream_position told;
  struct rb_held first;
  struct rb_held newest;
  uint8_t *head;
  size_t head_len;
  uint32_t wrong;
  int32_t failed; /* RB_OK, or the code of the error that ended it */
  rocksdb_writebatch_t *batch;
};

/* A row within a block. */
struct rb_row_at {
  size_t key;
  size_t klen;
  size_t vlen;
};

static rb_status rb_import_wrong(rb_import *d, const char *what) {
  d->wrong = RB_STREAM_WRONG;
  return rb_status_make(RB_CORRUPTION, what);
}

uint32_t rb_zstd_version(void) { return ZSTD_versionNumber(); }

rb_import *rb_import_new(rb_stream_position from, const uint8_t *first, const uint8_t *last,
                         uint64_t max_row) {
  rb_import *d = calloc(1, sizeof *d);
  if (d == NULL) {
    return NULL;
  }
  d->zstd = ZSTD_createDCtx();
  d->frame = malloc(RB_FRAME_FIRST);
  d->cap = RB_FRAME_FIRST;
  d->batch = rocksdb_writebatch_create();
  if (d->zstd == NULL || d->frame == NULL || d->batch == NULL ||
      ZSTD_isError(ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, RB_STREAM_WINDOW_LOG)) ||
      (from.has_keys && (!rb_held_set(&d->first, first, from.first_len) ||
                         !rb_held_set(&d->newest, last, from.last_len)))) {
    rb_import_free(d);
    return NULL;
  }
  d->max_row = max_row;
  d->taken = from.offset;
  d->told = from;
  d->told.whole = 0;
  d->told.first = d->first.data;
  d->told.last = d->newest.data;
  rb_crc_init(&d->crc);
  return d;
}

void rb_import_free(rb_import *d) {
  if (d == NULL) {
    return;
  }
  ZSTD_freeDCtx(d->zstd);
  if (d->batch != NULL) {
    rocksdb_writebatch_destroy(d->batch);
  }
  free(d->frame);
  free(d->first.data);
  free(d->newest.data);
  free(d->head);
  free(d);
}

/* Reads the lengths of the row at p, whose bytes end at end: how many they take, as rb_varint_get
 * tells it. A klen of 0 is the end of the rows. */
static size_t rb_row_lengths(const uint8_t *p, const uint8_t *end, uint64_t *klen, uint64_t *vlen) {
  size_t k = rb_varint_get(p, (size_t)(end - p), klen);
  if (k == 0 || k == RB_VARINT_BAD || *klen == 0) {
    return k;
  }
  size_t v = rb_varint_get(p + k, (size_t)(end - p) - k, vlen);
  return v == 0 || v == RB_VARINT_BAD ? v : k + v;
}

/* Whether the key at offset at is above the one of the row before it. */
static bool rb_import_ascends(const rb_import *d, size_t at, size_t klen) {
  if (d->rows > 0) {
    return rb_compare(d->frame + at, klen, d->frame + d->key_at, d->key_len) > 0;
  }
  return !d->newest.set || rb_compare(d->frame + at, klen, d->newest.data, d->newest.len) > 0;
}

/* Goes over one row of the block, if all of it is there: *on says so. */
static rb_status rb_import_row(rb_import *d, bool *on) {
  *on = false;
  uint64_t klen = 0, vlen = 0;
  size_t head = rb_row_lengths(d->frame + d->parsed, d->frame + d->have, &klen, &vlen);
  if (head == 0) {
    return rb_ok();
  }
  if (head == RB_VARINT_BAD) {
    return rb_import_wrong(d, "a row's length is no number");
  }
  if (klen == 0) {
    d->rows_ended = true;
    return rb_ok();
  }
  klen--;
  if (klen > RB_MAX_KEY || vlen > RB_MAX_VALUE) {
    return rb_import_wrong(d, "a row is longer than any can be");
  }
  if (klen + vlen > d->max_row) {
    d->wrong = RB_STREAM_TOO_LARGE;
    return rb_status_make(RB_INVALID_ARGUMENT, NULL);
  }
  if (d->parsed - 1 >= RB_STREAM_BLOCK) {
    return rb_import_wrong(d, "a block goes on past its size");
  }
  size_t key = d->parsed + head;
  d->row_end = key + (size_t)(klen + vlen);
  if (d->row_end > d->have) {
    return rb_ok();
  }
  if (!rb_import_ascends(d, key, (size_t)klen)) {
    return rb_import_wrong(d, "keys do not ascend");
  }
  d->key_at = key;
  d->key_len = (size_t)klen;
  d->rows++;
  d->bytes += klen + vlen;
  d->parsed = d->row_end;
  d->row_end = 0;
  *on = true;
  return rb_ok();
}

/* Goes over the rows that have come, so that nothing is decompressed which no length announces. */
static rb_status rb_import_rows(rb_import *d) {
  if (d->have == 0 || d->frame[0] != RB_STREAM_ROWS) {
    return rb_ok();
  }
  if (d->parsed == 0) {
    d->parsed = 1;
  }
  for (bool on = true; on && !d->rows_ended;) {
    rb_status s = rb_import_row(d, &on);
    if (s.code != RB_OK) {
      return s;
    }
  }
  return rb_ok();
}

/* How many bytes the frame may have, by what has come of it. */
static size_t rb_import_limit(const rb_import *d) {
  if (d->have == 0) {
    return RB_FRAME_FIRST;
  }
  switch (d->frame[0]) {
    case RB_STREAM_HEAD:
    case RB_STREAM_END:
      return RB_FRAME_KEYS;
    case RB_STREAM_ROWS: {
      size_t rows = d->rows_ended || d->row_end == 0 ? d->parsed : d->row_end;
      return (rows > RB_STREAM_BLOCK || d->rows_ended ? rows : RB_STREAM_BLOCK) + RB_FRAME_SLACK;
    }
    default:
      return RB_STREAM_OTHER_LEN;
  }
}

/* Refuses what is no export, or one of another version, by its first bytes. */
static rb_status rb_import_known(rb_import *d, size_t len) {
  if (len <= RB_STREAM_MAGIC_LEN || memcmp(d->frame, RB_STREAM_MAGIC, RB_STREAM_MAGIC_LEN) != 0) {
    return rb_import_wrong(d, "no export: it does not begin with " RB_STREAM_MAGIC);
  }
  if (d->frame[RB_STREAM_MAGIC_LEN] != RB_STREAM_VERSION) {
    return rb_import_wrong(d, "an export of another version than 1");
  }
  return rb_ok();
}

/* Makes room for more of the frame, with *room how much of the memory may be used. */
static rb_status rb_import_make_room(rb_import *d, size_t *room) {
  size_t limit = rb_import_limit(d);
  if (d->have >= limit) {
    rb_status s = d->told.offset == 0 ? rb_import_known(d, d->have) : rb_ok();
    return s.code != RB_OK ? s : rb_import_wrong(d, "a frame is longer than what it holds");
  }
  if (d->have == d->cap) {
    size_t cap = 2 * d->cap < limit ? 2 * d->cap : limit; /* above have, so not 0 */
    if (cap <= d->have) {
      return rb_status_make(RB_UNKNOWN, "no room for a frame");
    }
    uint8_t *more = realloc(d->frame, cap);
    if (more == NULL) {
      return rb_status_make(RB_NO_MEMORY, NULL);
    }
    d->frame = more;
    d->cap = cap;
  }
  *room = d->cap < limit ? d->cap : limit;
  return rb_ok();
}

/* Reads a number of a section at *at. */
static bool rb_section_number(const uint8_t *p, size_t len, size_t *at, uint64_t *v) {
  size_t n = rb_varint_get(p + *at, len - *at, v);
  if (n == 0 || n == RB_VARINT_BAD) {
    return false;
  }
  *at += n;
  return true;
}

/* Whether a key with its length before it stands at *at, and is the one held. */
static bool rb_section_key(const uint8_t *p, size_t len, size_t *at, const struct rb_held *h) {
  uint64_t n = 0;
  if (!rb_section_number(p, len, at, &n) || n != h->len || n > len - *at ||
      (n > 0 && memcmp(p + *at, h->data, (size_t)n) != 0)) {
    return false;
  }
  *at += (size_t)n;
  return true;
}

static rb_status rb_import_head(rb_import *d, size_t len) {
  const size_t before = RB_STREAM_MAGIC_LEN + 1;
  if (d->told.offset > 0) {
    return rb_import_wrong(d, "a second head");
  }
  d->head = malloc(len - before + 1);
  if (d->head == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  d->head_len = len - before;
  memcpy(d->head, d->frame + before, d->head_len);
  return rb_ok();
}

/* The first row of a block at *at, which has been gone over before; moves *at behind it. */
static struct rb_row_at rb_import_next(const rb_import *d, size_t *at) {
  uint64_t klen = 0, vlen = 0;
  size_t head = rb_row_lengths(d->frame + *at, d->frame + d->parsed, &klen, &vlen);
  struct rb_row_at r = {*at + head, (size_t)klen - 1, (size_t)vlen};
  *at = r.key + r.klen + r.vlen;
  return r;
}

/* Writes the rows of a block in one batch. */
static rb_status rb_import_write(rb_import *d, rb_family *f, uint32_t flags) {
  rocksdb_writebatch_clear(d->batch);
  for (size_t at = 1; at < d->parsed;) {
    struct rb_row_at r = rb_import_next(d, &at);
    const char *key = (const char *)d->frame + r.key;
    rocksdb_writebatch_put_cf(d->batch, f->handle, key, r.klen, key + r.klen, r.vlen);
  }
  char *err = NULL;
  rocksdb_write(f->db->db, f->db->writes[flags & (RB_WRITE_COMBINATIONS - 1)], d->batch, &err);
  return rb_status_from(err);
}

static rb_status rb_import_block(rb_import *d, size_t len, rb_family *f, uint32_t flags) {
  uint64_t rows = 0;
  size_t at = d->parsed + 1;
  if (!d->rows_ended || at > len || !rb_section_number(d->frame, len, &at, &rows) || at != len) {
    return rb_import_wrong(d, "a block does not end with its number of rows");
  }
  if (rows != d->rows || rows == 0) {
    return rb_import_wrong(d, "a block has another number of rows than it says");
  }
  rb_status s = f == NULL ? rb_ok() : rb_import_write(d, f, flags);
  if (s.code != RB_OK) {
    return s;
  }
  size_t first = 1;
  struct rb_row_at r = rb_import_next(d, &first);
  if (!rb_held_set(&d->newest, d->frame + d->key_at, d->key_len) ||
      (!d->first.set && !rb_held_set(&d->first, d->frame + r.key, r.klen))) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  return s;
}

static rb_status rb_import_trailer(rb_import *d, size_t len) {
  uint64_t rows = 0, bytes = 0;
  size_t at = 1;
  if (!rb_section_number(d->frame, len, &at, &rows) ||
      !rb_section_number(d->frame, len, &at, &bytes) || rows != d->told.rows ||
      bytes != d->told.bytes || !rb_section_key(d->frame, len, &at, &d->first) ||
      !rb_section_key(d->frame, len, &at, &d->newest) || at != len) {
    return rb_import_wrong(d, "the trailer tells of other rows than those before it");
  }
  return rb_ok();
}

/* What a section holds, len bytes and the checksum. */
static rb_status rb_import_section(rb_import *d, size_t len, rb_family *f, uint32_t flags) {
  switch (d->frame[0]) {
    case RB_STREAM_HEAD:
      return rb_import_head(d, len);
    case RB_STREAM_ROWS:
      return rb_import_block(d, len, f, flags);
    case RB_STREAM_END:
      return rb_import_trailer(d, len);
    case RB_STREAM_OTHER:
      return len == RB_STREAM_OTHER_LEN - RB_STREAM_SUM_LEN ? rb_ok()
                                                            : rb_import_wrong(d, "a short section");
    default:
      return rb_import_wrong(d, "a section of no known kind");
  }
}

/* Verifies and writes a frame that has ended, and moves the position behind it. */
static rb_status rb_import_frame(rb_import *d, rb_family *f, uint32_t flags) {
  size_t len = d->have > RB_STREAM_SUM_LEN ? d->have - RB_STREAM_SUM_LEN : 0;
  rb_status s = d->told.offset == 0 ? rb_import_known(d, len) : rb_ok();
  if (s.code != RB_OK) {
    return s;
  }
  if (len == 0) {
    return rb_import_wrong(d, "a frame without a checksum");
  }
  uint32_t sum = rb_crc_add(&d->crc, d->told.sum, d->frame, len);
  if (sum != rb_sum_get(d->frame + len)) {
    return rb_import_wrong(d, "the checksum does not match");
  }
  uint8_t kind = d->frame[0];
  s = rb_import_section(d, len, f, flags);
  if (s.code != RB_OK) {
    return s;
  }
  d->told.offset = d->taken;
  d->told.rows += d->rows;
  d->told.bytes += d->bytes;
  d->told.sum = sum;
  d->told.mixed = d->told.mixed || kind == RB_STREAM_OTHER;
  d->told.whole = kind == RB_STREAM_END;
  d->have = d->parsed = d->row_end = 0;
  d->rows = d->bytes = 0;
  d->rows_ended = false;
  return s;
}

static rb_status rb_import_unpacked(rb_import *d, size_t result) {
  switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
      return rb_status_make(RB_NO_MEMORY, NULL);
    case ZSTD_error_prefix_unknown:
      return rb_import_wrong(d, d->told.offset == 0 ? "no export: it is not compressed by zstd"
                                                    : "no frame of zstd begins here");
    default:
      return rb_import_wrong(d, ZSTD_getErrorName(result));
  }
}

/* Decompresses once, and goes over what came of it. */
static rb_status rb_import_step(rb_import *d, rb_family *f, uint32_t flags, ZSTD_inBuffer *in,
                                uint64_t *made) {
  if (d->told.whole) {
    return rb_import_wrong(d, "bytes follow the end");
  }
  size_t room = 0;
  rb_status s = rb_import_make_room(d, &room);
  if (s.code != RB_OK) {
    return s;
  }
  ZSTD_outBuffer out = {d->frame, room, d->have};
  size_t before = in->pos;
  size_t left = ZSTD_decompressStream(d->zstd, &out, in);
  d->taken += in->pos - before;
  if (ZSTD_isError(left)) {
    return rb_import_unpacked(d, left);
  }
  *made += out.pos - d->have;
  d->have = out.pos;
  d->pending = left > 0 && out.pos == out.size;
  s = rb_import_rows(d);
  if (s.code != RB_OK || left > 0) {
    return s;
  }
  return rb_import_frame(d, f, flags);
}

rb_imported rb_import_feed(rb_import *d, rb_family *f, uint32_t flags, const uint8_t *in, size_t n,
                           uint64_t most) {
  rb_imported r = {.status = {d->failed, NULL}};
  ZSTD_inBuffer src = {in, n, 0};
  uint64_t made = 0;
  bool headless = d->head == NULL; /* Go looks at the head before rows are written */
  while (r.status.code == RB_OK && (src.pos < n || d->pending) && made < most &&
         (d->head == NULL) == headless) {
    r.status = rb_import_step(d, f, flags, &src, &made);
  }
  d->failed = r.status.code;
  d->told.has_keys = d->first.set;
  d->told.first = d->first.data;
  d->told.first_len = d->first.len;
  d->told.last = d->newest.data;
  d->told.last_len = d->newest.len;
  r.taken = src.pos;
  r.more = d->pending;
  r.wrong = d->wrong;
  r.head = d->head;
  r.head_len = d->head_len;
  r.position = d->told;
  return r;
}
