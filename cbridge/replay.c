/* replay.c: brings an overlay up to the batch that it mirrors. */
#include <string.h>

#include "overlay.h"

/* RocksDB's tags of records; those of a family other than the default one are followed by its
 * number. */
enum {
  RB_TAG_DELETE = 0x00,
  RB_TAG_PUT = 0x01,
  RB_TAG_MERGE = 0x02,
  RB_TAG_LOG_DATA = 0x03,
  RB_TAG_FAMILY_DELETE = 0x04,
  RB_TAG_FAMILY_PUT = 0x05,
  RB_TAG_FAMILY_MERGE = 0x06,
  RB_TAG_SINGLE_DELETE = 0x07,
  RB_TAG_FAMILY_SINGLE_DELETE = 0x08,
  RB_TAG_FAMILY_DELETE_RANGE = 0x0E,
  RB_TAG_DELETE_RANGE = 0x0F
};

enum { RB_NO_KIND = 0xFF }; /* no record at all */

static bool rb_read_varint(struct rb_records *r, uint32_t *v) {
  uint64_t wide = 0;
  for (unsigned shift = 0; shift < 35 && r->at < r->len; shift += 7) {
    uint8_t b = r->data[r->at++];
    wide |= (uint64_t)(b & 0x7F) << shift;
    if (b < 0x80) {
      *v = (uint32_t)wide;
      return true;
    }
  }
  return false;
}

static bool rb_read_bytes(struct rb_records *r, const uint8_t **p, size_t *n) {
  uint32_t len;
  if (!rb_read_varint(r, &len) || len > r->len - r->at) {
    return false;
  }
  *p = r->data + r->at;
  *n = len;
  r->at += len;
  return true;
}

/* What a tag says, and whether a family's number follows it. */
static uint8_t rb_kind_of(uint8_t tag, bool *family) {
  *family = false;
  switch (tag) {
    case RB_TAG_FAMILY_DELETE:
      *family = true;
      return RB_DELETE;
    case RB_TAG_DELETE:
      return RB_DELETE;
    case RB_TAG_FAMILY_PUT:
      *family = true;
      return RB_PUT;
    case RB_TAG_PUT:
      return RB_PUT;
    case RB_TAG_FAMILY_MERGE:
      *family = true;
      return RB_MERGE;
    case RB_TAG_MERGE:
      return RB_MERGE;
    case RB_TAG_FAMILY_SINGLE_DELETE:
      *family = true;
      return RB_SINGLE_DELETE;
    case RB_TAG_SINGLE_DELETE:
      return RB_SINGLE_DELETE;
    case RB_TAG_FAMILY_DELETE_RANGE:
      *family = true;
      return RB_DELETE_RANGE;
    case RB_TAG_DELETE_RANGE:
      return RB_DELETE_RANGE;
    case RB_TAG_LOG_DATA:
      return RB_LOG;
    default:
      return RB_NO_KIND;
  }
}

bool rb_read_record(struct rb_records *r, struct rb_entry *e) {
  bool family;
  e->kind = rb_kind_of(r->data[r->at++], &family);
  e->family = 0;
  e->value = NULL;
  e->vlen = 0;
  if (e->kind == RB_NO_KIND || (family && !rb_read_varint(r, &e->family)) ||
      !rb_read_bytes(r, &e->key, &e->klen)) {
    return false;
  }
  bool two = e->kind == RB_PUT || e->kind == RB_MERGE || e->kind == RB_DELETE_RANGE;
  return !two || rb_read_bytes(r, &e->value, &e->vlen);
}

/* Marks as dead, for readers that begin after it, what lies at keep and beyond. */
static void rb_overlay_forget(rb_overlay *o, uint64_t keep) {
  if (o->newest == NULL || o->newest->at < keep) {
    return;
  }
  for (; o->newest != NULL && o->newest->at >= keep; o->newest = o->newest->older) {
    atomic_store_explicit(&o->newest->dead, o->stamp, memory_order_relaxed);
  }
  o->stamp++; /* tells readers before the rollback from those after it */
}

rb_status rb_overlay_replay(rb_overlay *o, uint64_t keep, const uint8_t *records, size_t len) {
  rb_overlay_forget(o, keep);
  if (len == 0) {
    return rb_ok();
  }
  uint8_t *copy = rb_overlay_alloc(o, len);
  if (copy == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  memcpy(copy, records, len);
  struct rb_records r = {copy, len, 0};
  struct rb_entry e = {.at = 0};
  while (r.at < len) {
    e.at = keep + r.at;
    if (!rb_read_record(&r, &e)) {
      return rb_status_make(RB_CORRUPTION, "malformed record in a batch");
    }
    if (e.kind == RB_LOG) {
      continue;
    }
    bool added = e.kind == RB_DELETE_RANGE ? rb_overlay_add_range(o, &e) : rb_overlay_add(o, &e);
    if (!added) {
      return rb_status_make(RB_NO_MEMORY, NULL);
    }
    o->stamp++;
  }
  return rb_ok();
}
