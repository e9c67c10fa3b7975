/* replay_fuzz.c: records of batches from anywhere, laid over nothing, with a rollback in between.
 * What is indexed lies in order, and within what the overlay has copied. */
#include "fuzz.h"

#include "overlay.h"

/* Goes over all entries in order, and looks each of them up. */
static void must_be_in_order(rb_overlay *o) {
  struct rb_entry *last = NULL;
  for (struct rb_entry *e = rb_overlay_from(o, 0, NULL, 0, RB_NEWEST); e != NULL;
       e = rb_entry_next(e)) {
    if (last != NULL) {
      int c = last->family != e->family ? (last->family < e->family ? -1 : 1)
                                        : rb_compare(last->key, last->klen, e->key, e->klen);
      MUST(c < 0 || (c == 0 && last->stamp > e->stamp));
    }
    struct rb_entry *first = rb_overlay_key(o, e->family, e->key, e->klen);
    MUST(first != NULL && first->stamp >= e->stamp);
    struct rb_layer l = rb_overlay_layer(first, o->stamp);
    MUST(l.kind != RB_LAYER_PUT || l.put->vlen == 0 || l.put->value != NULL);
    (void)rb_overlay_covered(o, e->family, e->key, e->klen, o->stamp);
    struct rb_entry *next = rb_overlay_next_key(o, e);
    MUST(next == NULL || next->family != e->family ||
         rb_compare(e->key, e->klen, next->key, next->klen) < 0);
    last = e;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, size};
  rb_overlay *o = rb_overlay_new();
  MUST(o != NULL);
  uint64_t end = 0;
  for (int round = 0; round < 4 && in.left > 0; round++) {
    uint64_t keep = next_byte(&in);
    keep = keep < end ? keep : end;
    size_t n;
    uint8_t *records = next_part(&in, &n);
    rb_status s = rb_overlay_replay(o, keep, records, n);
    MUST(s.code == RB_OK || s.code == RB_CORRUPTION);
    memset(records, 0xA5, n);
    free(records);
    rb_free(s.msg);
    must_be_in_order(o);
    if (s.code != RB_OK) {
      break;
    }
    end = keep + n;
  }
  rb_overlay_free(o);
  return 0;
}
