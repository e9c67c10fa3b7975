/* export.c: rows of an iterator, framed and compressed, a buffer full in each call. */
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "handles.h"
#include "stream.h"

/* Rows are gathered before zstd sees them: a call of it for each row costs more than the copy. */
enum { RB_GATHER = 256 << 10, RB_GATHER_SPARE = 1 + RB_VARINT_MOST };

/* What is done once that which is pending has been compressed. */
enum rb_export_stage {
  RB_EXPORT_OPEN,  /* the first section: what Go wrote */
  RB_EXPORT_CLOSE, /* the checksum, which ends the frame */
  RB_EXPORT_NEXT,  /* between sections */
  RB_EXPORT_ROWS,  /* in a block */
  RB_EXPORT_DONE
};

struct rb_part {
  const uint8_t *data;
  size_t len;
};

struct rb_export {
  ZSTD_CCtx *zstd;
  struct rb_crc crc;
  uint8_t *gather;
  size_t have;            /* bytes in it */
  struct rb_part part[4]; /* what is pending */
  size_t parts;
  size_t current; /* of these, the one that is being compressed */
  size_t at;      /* and how far */
  bool begun;     /* the iterator was put where the export begins */
  bool borrowed;  /* parts 1 and 2 are the key and the value of the row the iterator stands on */
  bool last;      /* what is pending ends the frame, and is not summed up itself */
  bool ended;     /* the trailer is being written */
  enum rb_export_stage stage;
  uint8_t *open; /* the first section, without its checksum; NULL: none is left to write */
  size_t open_len;
  uint8_t tail[RB_VARINT_MOST]; /* the length of the trailer's last key */
  uint64_t block_rows;
  uint64_t block_len; /* bytes of its rows, decompressed */
  uint64_t rows_left;
  uint64_t offset; /* compressed bytes before this call */
  uint64_t rows;
  uint64_t bytes;
  uint32_t sum;
  struct rb_held first;
  struct rb_held newest;      /* the last row's key */
  struct rb_held newest_told; /* the same at the end of the last whole frame */
  rb_stream_position told;    /* where that ended */
  int32_t failed;             /* RB_OK, or the code of the error that ended it */
};

static rb_status rb_zstd_status(size_t result) {
  if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  return rb_status_make(RB_UNKNOWN, ZSTD_getErrorName(result));
}

/* Notes where a whole frame ended. */
static bool rb_export_tell(rb_export *e, uint64_t offset) {
  if (e->newest.set && !rb_held_set(&e->newest_told, e->newest.data, e->newest.len)) {
    return false;
  }
  e->told = (rb_stream_position){
      .offset = offset,
      .rows = e->rows,
      .bytes = e->bytes,
      .sum = e->sum,
      .has_keys = e->first.set,
      .whole = e->stage == RB_EXPORT_DONE,
      .first = e->first.data,
      .first_len = e->first.len,
      .last = e->newest_told.data,
      .last_len = e->newest_told.len,
  };
  return true;
}

static rb_status rb_export_set_up(rb_export *e, rb_export_options o, const uint8_t *open,
                                  const uint8_t *first, const uint8_t *last) {
  e->zstd = ZSTD_createCCtx();
  e->gather = malloc(RB_GATHER);
  e->open = malloc(o.open_len + 1);
  if (e->zstd == NULL || e->gather == NULL || e->open == NULL ||
      (o.from.has_keys && (!rb_held_set(&e->first, first, o.from.first_len) ||
                           !rb_held_set(&e->newest, last, o.from.last_len)))) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  if (o.open_len > 0) {
    memcpy(e->open, open, o.open_len);
  }
  e->open_len = o.open_len;
  const struct {
    ZSTD_cParameter name;
    int value;
  } set[] = {
      {ZSTD_c_compressionLevel, o.level},
      {ZSTD_c_windowLog, RB_STREAM_WINDOW_LOG},
      {ZSTD_c_checksumFlag, 1},
  };
  for (size_t i = 0; i < sizeof set / sizeof set[0]; i++) {
    size_t r = ZSTD_CCtx_setParameter(e->zstd, set[i].name, set[i].value);
    if (ZSTD_isError(r)) {
      return rb_zstd_status(r);
    }
  }
  return rb_ok();
}

rb_export_result rb_export_new(rb_export_options o, const uint8_t *open, const uint8_t *first,
                               const uint8_t *last) {
  rb_export_result r = {NULL, {RB_OK, NULL}};
  rb_export *e = calloc(1, sizeof *e);
  if (e == NULL) {
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
    return r;
  }
  r.status = rb_export_set_up(e, o, open, first, last);
  e->stage = e->open_len > 0 ? RB_EXPORT_OPEN : RB_EXPORT_NEXT;
  e->rows_left = o.max_rows;
  e->offset = o.from.offset;
  e->rows = o.from.rows;
  e->bytes = o.from.bytes;
  e->sum = o.from.sum;
  if (r.status.code == RB_OK && !rb_export_tell(e, e->offset)) {
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
  }
  if (r.status.code != RB_OK) {
    rb_export_free(e);
    return r;
  }
  rb_crc_init(&e->crc);
  r.made = e;
  return r;
}

void rb_export_free(rb_export *e) {
  if (e == NULL) {
    return;
  }
  ZSTD_freeCCtx(e->zstd);
  free(e->gather);
  free(e->open);
  free(e->first.data);
  free(e->newest.data);
  free(e->newest_told.data);
  free(e);
}

static void rb_export_pend(rb_export *e, const uint8_t *data, size_t len) {
  e->part[e->parts] = (struct rb_part){data, len};
  e->parts++;
}

static void rb_export_pend_gathered(rb_export *e) {
  rb_export_pend(e, e->gather, e->have);
  e->have = 0;
}

/* Compresses what is pending. *full: the buffer is, and something still pends. */
static rb_status rb_export_drain(rb_export *e, ZSTD_outBuffer *out, bool *full) {
  while (e->current < e->parts) {
    struct rb_part p = e->part[e->current];
    bool end = e->last && e->current + 1 == e->parts;
    ZSTD_inBuffer in = {p.data, p.len, e->at};
    size_t left = ZSTD_compressStream2(e->zstd, out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left)) {
      return rb_zstd_status(left);
    }
    if (!e->last && in.pos > e->at) {
      e->sum = rb_crc_add(&e->crc, e->sum, p.data + e->at, in.pos - e->at);
    }
    e->at = in.pos;
    if (in.pos == in.size && (!end || left == 0)) {
      e->current++;
      e->at = 0;
    } else if (out->pos == out->size) {
      *full = true;
      return rb_ok();
    }
  }
  e->parts = 0;
  e->current = 0;
  return rb_ok();
}

/* Counts the row that the iterator stands on and keeps its key. */
static bool rb_export_count(rb_export *e, const uint8_t *key, size_t klen, size_t vlen) {
  if ((!e->first.set && !rb_held_set(&e->first, key, klen)) ||
      !rb_held_set(&e->newest, key, klen)) {
    return false;
  }
  e->rows++;
  e->rows_left--;
  e->bytes += klen + vlen;
  e->block_rows++;
  return true;
}

/* The end of a block's rows; the gathered ones leave room for it. */
static void rb_export_end_block(rb_export *e) {
  e->gather[e->have++] = 0;
  e->have += rb_varint_put(e->gather + e->have, e->block_rows);
  rb_export_pend_gathered(e);
  e->stage = RB_EXPORT_CLOSE;
}

/* Takes the row that the iterator stands on: into the gathered ones, or, where it is too large for
 * that, as parts of its own, with *taken false where the gathered ones must go first. */
static rb_status rb_export_row(rb_export *e, rb_iter *it, bool *taken) {
  size_t klen = 0, vlen = 0;
  const uint8_t *key = (const uint8_t *)rb_cursor_key(it, &klen);
  const uint8_t *value = (const uint8_t *)rb_cursor_value(it, &vlen);
  size_t room = (size_t)RB_GATHER - RB_GATHER_SPARE - e->have;
  bool large = room < RB_ROW_HEAD_MOST || klen > room || vlen > room - klen ||
               klen + vlen > room - RB_ROW_HEAD_MOST;
  *taken = !large || e->have == 0;
  if (!*taken) {
    rb_export_pend_gathered(e);
    return rb_ok();
  }
  if (!rb_export_count(e, key, klen, vlen)) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  size_t begin = e->have;
  e->have += rb_varint_put(e->gather + e->have, (uint64_t)klen + 1);
  e->have += rb_varint_put(e->gather + e->have, vlen);
  e->block_len += e->have - begin + klen + vlen;
  if (large) {
    rb_export_pend_gathered(e);
    rb_export_pend(e, key, klen);
    rb_export_pend(e, value, vlen);
    e->borrowed = true;
    return rb_ok();
  }
  if (klen > 0) {
    memcpy(e->gather + e->have, key, klen);
  }
  if (vlen > 0) {
    memcpy(e->gather + e->have + klen, value, vlen);
  }
  e->have += klen + vlen;
  rb_iter_advance(it);
  return rb_ok();
}

/* Gathers rows until something pends, or the call has walked over enough of them. */
static rb_status rb_export_rows(rb_export *e, rb_iter *it, rb_exported *x, uint64_t most) {
  while (e->parts == 0 && x->walked < most) {
    if (e->block_len >= RB_STREAM_BLOCK || e->rows_left == 0 || !rb_iter_on_row(it)) {
      if (!rb_iter_on_row(it)) {
        rb_status s = rb_iter_status(it); /* an error looks like the end of the data */
        if (s.code != RB_OK) {
          return s;
        }
      }
      rb_export_end_block(e);
      break;
    }
    if (rb_iter_late(it, x->rows)) {
      return rb_status_make(RB_TIMED_OUT, "deadline exceeded");
    }
    uint64_t before = e->block_len;
    bool taken = false;
    rb_status s = rb_export_row(e, it, &taken);
    if (s.code != RB_OK) {
      return s;
    }
    if (taken) {
      x->rows++;
      x->walked += e->block_len - before;
    }
  }
  return rb_ok();
}

/* The trailer, which can be longer than what is gathered. */
static void rb_export_trailer(rb_export *e) {
  e->ended = true;
  e->gather[e->have++] = RB_STREAM_END;
  e->have += rb_varint_put(e->gather + e->have, e->rows);
  e->have += rb_varint_put(e->gather + e->have, e->bytes);
  e->have += rb_varint_put(e->gather + e->have, e->first.len);
  rb_export_pend_gathered(e);
  rb_export_pend(e, e->first.data, e->first.len);
  rb_export_pend(e, e->tail, rb_varint_put(e->tail, e->newest.len));
  rb_export_pend(e, e->newest.data, e->newest.len);
  e->stage = RB_EXPORT_CLOSE;
}

/* Begins a block, or the trailer where no row follows. */
static rb_status rb_export_between(rb_export *e, rb_iter *it) {
  if (!rb_iter_on_row(it)) {
    rb_status s = rb_iter_status(it);
    if (s.code != RB_OK) {
      return s;
    }
  }
  if (e->rows_left == 0 || !rb_iter_on_row(it)) {
    rb_export_trailer(e);
    return rb_ok();
  }
  e->gather[0] = RB_STREAM_ROWS;
  e->have = 1;
  e->block_rows = 0;
  e->block_len = 0;
  e->stage = RB_EXPORT_ROWS;
  return rb_ok();
}

/* Goes on where everything that pended has been compressed: offset bytes of it, from the file's
 * start. */
static rb_status rb_export_step(rb_export *e, rb_iter *it, rb_exported *x, uint64_t most,
                                uint64_t offset) {
  if (e->borrowed) {
    e->borrowed = false;
    rb_iter_advance(it);
  }
  if (e->last) {
    e->last = false;
    e->stage = e->ended ? RB_EXPORT_DONE : RB_EXPORT_NEXT;
    return rb_export_tell(e, offset) ? rb_ok() : rb_status_make(RB_NO_MEMORY, NULL);
  }
  switch (e->stage) {
    case RB_EXPORT_OPEN:
      rb_export_pend(e, e->open, e->open_len);
      e->stage = RB_EXPORT_CLOSE;
      break;
    case RB_EXPORT_CLOSE:
      rb_sum_put(e->gather, e->sum);
      e->have = RB_STREAM_SUM_LEN;
      rb_export_pend_gathered(e);
      e->last = true;
      break;
    case RB_EXPORT_NEXT:
      return rb_export_between(e, it);
    case RB_EXPORT_ROWS:
      return rb_export_rows(e, it, x, most);
    default:
      break;
  }
  return rb_ok();
}

/* Puts the iterator where the export goes on, and finds again what it lends to one that stopped in
 * the middle of a row. */
static rb_status rb_export_place(rb_export *e, rb_iter *it) {
  if (!e->begun) {
    rb_iter_move(it, e->newest.set ? RB_MOVE_GT : RB_MOVE_FIRST, e->newest.data, e->newest.len);
    e->begun = true;
  }
  if (!e->borrowed) {
    return rb_ok();
  }
  size_t klen = 0, vlen = 0;
  bool same = rb_iter_on_row(it);
  if (same) {
    e->part[1].data = (const uint8_t *)rb_cursor_key(it, &klen);
    e->part[2].data = (const uint8_t *)rb_cursor_value(it, &vlen);
    same = klen == e->part[1].len && vlen == e->part[2].len;
  }
  return same ? rb_ok() : rb_status_make(RB_INVALID_ARGUMENT, "the iterator was moved");
}

rb_exported rb_export_fill(rb_export *e, rb_iter *it, uint8_t *buf, size_t cap, uint64_t most) {
  rb_exported x = {.status = {e->failed, NULL}};
  ZSTD_outBuffer out = {buf, cap, 0};
  bool full = false;
  if (e->failed == RB_OK) {
    x.status = rb_export_place(e, it);
  }
  while (x.status.code == RB_OK && !full) {
    x.status = rb_export_drain(e, &out, &full);
    if (x.status.code != RB_OK || full || e->stage == RB_EXPORT_DONE ||
        (x.walked >= most && !e->borrowed && !e->last)) {
      break;
    }
    x.status = rb_export_step(e, it, &x, most, e->offset + out.pos);
  }
  e->failed = x.status.code;
  e->offset += out.pos;
  x.used = out.pos;
  x.position = e->told;
  return x;
}
