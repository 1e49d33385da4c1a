/* XXH3-128 (Yann Collet, xxHash 0.8): 128 bits are enough that 10^9 designs collide
 * with probability 10^-21; not a defence against someone who looks for collisions. The
 * canonical form is big-endian, so that the same text has the same hex on every
 * machine. */
#include "base/hash.h"

#include <string.h>
#include <xxhash.h>

_Static_assert(sizeof(XXH128_canonical_t) == HASH_BYTES, "XXH3-128 has 16 bytes");

struct hash hash_bytes(const void *data, size_t n)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, n));
    struct hash h;
    memcpy(h.byte, canonical.digest, HASH_BYTES);
    return h;
}

void hash_hex(struct hash h, char hex[HASH_HEX])
{
    static const char digit[] = "0123456789abcdef";
    for (int i = 0; i < HASH_BYTES; i++) {
        hex[2 * i] = digit[h.byte[i] >> 4];
        hex[2 * i + 1] = digit[h.byte[i] & 15];
    }
    hex[2 * HASH_BYTES] = '\0';
}

bool hash_equal(struct hash a, struct hash b)
{
    return memcmp(a.byte, b.byte, HASH_BYTES) == 0;
}

/* 1 + the digit's value, 0 for what is no hex digit. A table, because a branch on digits of a hash is guessed wrong
 * every third time. */
static const unsigned char hex_digit[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};

static int hex_value(char c)
{
    return hex_digit[(unsigned char)c] - 1;
}

int hash_parse(const char *hex, struct hash *out)
{
    struct hash h;
    int all = 0; /* negative when one digit was */
    if (strnlen(hex, HASH_HEX) != 2 * HASH_BYTES) {
        return -1;
    }
    for (int i = 0; i < HASH_BYTES; i++) {
        int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
        all |= high | low;
        h.byte[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    if (all < 0) {
        return -1;
    }
    *out = h;
    return 0;
}
