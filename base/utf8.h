#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Bytes of the UTF-8 character at s (RFC 3629; `left` bytes can be read, at least 1); 0 when there is none, or a NUL. */
size_t utf8_length(const unsigned char *s, size_t left);

#endif
