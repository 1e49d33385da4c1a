#include "base/utf8.h"

size_t utf8_length(const unsigned char *s, size_t left)
{
    static const struct {
        unsigned char first, last, low, high; /* first byte's range, second byte's range */
        size_t n;
    } form[] = {
        {0x01, 0x7f, 0, 0xff, 1},    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof form / sizeof *form; i++) {
        if (s[0] < form[i].first || s[0] > form[i].last) {
            continue;
        }
        if (form[i].n > left || (form[i].n > 1 && (s[1] < form[i].low || s[1] > form[i].high))) {
            return 0;
        }
        for (size_t k = 2; k < form[i].n; k++) {
            if ((s[k] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return form[i].n;
    }
    return 0;
}
