/* crc32c.h: the checksum CRC-32C (Castagnoli), by the processor's instruction where it has one. For
 * the glue's own files only. */
#ifndef RB_CRC32C_H
#define RB_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on with a checksum, which begins and ends inverted: 0xFFFFFFFF is that of nothing. */
typedef uint32_t rb_crc32c(uint32_t crc, const uint8_t *data, size_t n);

/* By a table; on every processor. */
uint32_t rb_crc32c_table(uint32_t crc, const uint8_t *data, size_t n);

/* The fastest one that this processor has. */
rb_crc32c *rb_crc32c_best(void);

#endif
