/* predicate_fuzz.c: programs of predicates from anywhere, on rows of any bytes. */
#include "fuzz.h"

#include "predicate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, size};
  size_t plen, klen, vlen;
  uint8_t *key = next_part(&in, &klen), *value = next_part(&in, &vlen);
  uint8_t *program = next_part(&in, &plen);
  struct rb_predicate *p = NULL;
  rb_status s = rb_predicate_new(program, plen, &p);
  MUST((s.code == RB_OK) == (p != NULL));
  MUST(s.code == RB_OK || s.code == RB_INVALID_ARGUMENT);
  rb_free(s.msg);
  if (p != NULL) {
    memset(program, 0xA5, plen); /* it keeps none of it */
    bool kept = rb_predicate_keeps(p, key, klen, p->values ? value : NULL, p->values ? vlen : 0);
    MUST(kept == rb_predicate_keeps(p, key, klen, value, vlen));
    rb_predicate_free(p);
  }
  free(program);
  free(key);
  free(value);
  return 0;
}
