/* fuzz.h: what the fuzz targets of the glue share: an input that is taken apart from its front. */
#ifndef RB_FUZZ_H
#define RB_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The one function of a target; libFuzzer and corpus.c call it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct input {
  const uint8_t *at;
  size_t left;
};

/* Ends the process, and so the run, where what must hold does not. */
#define MUST(holds)                                                                                \
  do {                                                                                             \
    if (!(holds)) {                                                                                \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

/* The next byte; 0 at the end. */
static inline uint8_t next_byte(struct input *in) {
  if (in->left == 0) {
    return 0;
  }
  in->left--;
  return *in->at++;
}

/* The next bytes, which begin with their number in two bytes: as many as there are at most, in
 * memory of their own, so that a read behind them is found. To be freed. */
static inline uint8_t *next_part(struct input *in, size_t *len) {
  size_t n = next_byte(in);
  n |= (size_t)next_byte(in) << 8;
  *len = n < in->left ? n : in->left;
  uint8_t *part = malloc(*len > 0 ? *len : 1);
  MUST(part != NULL);
  if (*len > 0) {
    memcpy(part, in->at, *len);
  }
  in->at += *len;
  in->left -= *len;
  return part;
}

#endif
