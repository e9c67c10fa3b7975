/* corpus.c: runs a fuzz target over the files that are given, without a fuzzer: so "make check-c"
 * goes over what fuzzing has found. Each input lies in memory of its own size. */
#include "fuzz.h"

#include <stdio.h>

static int run(const char *path) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) {
    perror(path);
    return 1;
  }
  enum { MOST = 1 << 20 };
  uint8_t *room = malloc(MOST);
  MUST(room != NULL);
  size_t n = fread(room, 1, MOST, f);
  int bad = ferror(f) != 0 || n == MOST;
  uint8_t *data = malloc(n > 0 ? n : 1);
  MUST(data != NULL);
  memcpy(data, room, n);
  free(room);
  if (fclose(f) != 0 || bad) {
    fprintf(stderr, "%s: cannot be read whole\n", path);
    free(data);
    return 1;
  }
  fprintf(stderr, "%s\n", path); /* the last one is the one that ends the process */
  LLVMFuzzerTestOneInput(data, n);
  free(data);
  return 0;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (run(argv[i]) != 0) {
      return 1;
    }
  }
  printf("%d inputs\n", argc - 1);
  return argc > 1 ? 0 : 1;
}
