/* move.c: where an iterator goes. Every move ends on a row inside the bounds or in a gap. */
#include "handles.h"

static int rb_compare_current(const rb_iter *it, const uint8_t *key, size_t klen) {
  size_t n = 0;
  const char *current = rb_cursor_key(it, &n);
  return rb_family_compare(it->family, (const uint8_t *)current, n, key, klen);
}

bool rb_iter_inside(const rb_iter *it) {
  if (it->backward) {
    return !it->lower.set || rb_compare_current(it, it->lower.data, it->lower.len) >= 0;
  }
  return !it->upper.set || rb_compare_current(it, it->upper.data, it->upper.len) < 0;
}

/* To the first row at or after key or, backwards, the last one at or before it. */
static void rb_cursor_seek(rb_iter *it, const uint8_t *key, size_t klen) {
  if (it->merged != NULL) {
    rb_merged_seek(it, key, klen);
  } else {
    rb_native_seek(it, key, klen);
  }
}

/* To the first row or, backwards, the last one. */
static void rb_cursor_outermost(rb_iter *it) {
  if (it->merged != NULL) {
    rb_merged_outermost(it);
  } else {
    rb_native_outermost(it);
  }
}

static void rb_seek_forward(rb_iter *it, const uint8_t *key, size_t klen, bool inclusive) {
  it->backward = false;
  if (it->lower.set &&
      rb_family_compare(it->family, key, klen, it->lower.data, it->lower.len) < 0) {
    key = it->lower.data;
    klen = it->lower.len;
    inclusive = true;
  }
  if (it->upper.set &&
      rb_family_compare(it->family, key, klen, it->upper.data, it->upper.len) >= 0) {
    key = it->upper.data; /* so that a turn finds the last row inside right behind */
    klen = it->upper.len;
    inclusive = true;
  }
  rb_cursor_seek(it, key, klen);
  if (!inclusive && rb_cursor_valid(it) && rb_compare_current(it, key, klen) == 0) {
    rb_iter_advance(it);
  }
}

static void rb_seek_back(rb_iter *it, const uint8_t *key, size_t klen, bool inclusive) {
  it->backward = true;
  if (it->upper.set &&
      rb_family_compare(it->family, key, klen, it->upper.data, it->upper.len) >= 0) {
    key = it->upper.data;
    klen = it->upper.len;
    inclusive = false;
  }
  if (it->lower.set &&
      rb_family_compare(it->family, key, klen, it->lower.data, it->lower.len) < 0) {
    key = it->lower.data;
    klen = it->lower.len;
    inclusive = false;
  }
  rb_cursor_seek(it, key, klen);
  if (!inclusive && rb_cursor_valid(it) && rb_compare_current(it, key, klen) == 0) {
    rb_iter_advance(it);
  }
}

static void rb_seek_first(rb_iter *it) {
  it->backward = false;
  if (it->checked && it->lower.set) {
    rb_cursor_seek(it, it->lower.data, it->lower.len);
  } else {
    rb_cursor_outermost(it);
  }
}

static void rb_seek_last(rb_iter *it) {
  it->backward = true;
  if (it->checked && it->upper.set) {
    rb_seek_back(it, it->upper.data, it->upper.len, false);
  } else {
    rb_cursor_outermost(it);
  }
}

/* Whether an error ended the last move. */
static bool rb_failed(const rb_iter *it) {
  rb_status s = rb_iter_status(it);
  rb_free(s.msg);
  return s.code != RB_OK;
}

/* Past the row that was delivered last; one that was not is the next. */
static void rb_go_on(rb_iter *it) {
  if (it->delivered && rb_cursor_valid(it)) {
    rb_iter_advance(it);
  }
}

/* Turns round in the gap where the last fill stopped. If it stopped on a row that it delivered,
 * that row is the next one the other way; if it ran off the end, the outermost row is. An error is
 * no end: rows lie between it and the outermost one, so the iterator stays there. */
static void rb_turn(rb_iter *it, bool backward) {
  bool valid = it->placed && rb_cursor_valid(it);
  if (it->placed && it->backward == backward) {
    rb_go_on(it);
  } else if (valid || (it->placed && rb_failed(it))) {
    it->backward = backward;
    if (valid && !it->delivered) {
      rb_iter_advance(it);
    }
  } else if (backward) {
    rb_seek_last(it);
  } else {
    rb_seek_first(it);
  }
}

void rb_iter_move(rb_iter *it, uint32_t move, const uint8_t *key, size_t klen) {
  switch (move) {
    case RB_MOVE_ON:
      rb_go_on(it);
      break;
    case RB_MOVE_FIRST:
      rb_seek_first(it);
      break;
    case RB_MOVE_LAST:
      rb_seek_last(it);
      break;
    case RB_MOVE_GE:
    case RB_MOVE_GT:
      rb_seek_forward(it, key, klen, move == RB_MOVE_GE);
      break;
    case RB_MOVE_LE:
    case RB_MOVE_LT:
      rb_seek_back(it, key, klen, move == RB_MOVE_LE);
      break;
    default:
      rb_turn(it, move == RB_MOVE_TURN_BACK);
      break;
  }
  it->placed = it->placed || move != RB_MOVE_ON;
  it->delivered = false;
}
