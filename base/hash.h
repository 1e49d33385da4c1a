/* XXH3-128 of canonical text, in the canonical (big-endian) form. A design is shown by
 * the first 7 hex digits of its hash. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES 16
#define HASH_HEX (2 * HASH_BYTES + 1) /* with the final NUL */

struct hash {
    uint8_t byte[HASH_BYTES];
};

struct hash hash_bytes(const void *data, size_t n);
void hash_hex(struct hash h, char hex[HASH_HEX]);
bool hash_equal(struct hash a, struct hash b);
int hash_parse(const char *hex, struct hash *out); /* 0, or -1 when not 32 hex digits */

#endif
