/* Memory that never fails to the caller. This is the one place of the library that may
 * print and end the program: there is nothing that a caller could do about a machine
 * out of memory, and a check at every allocation would hide the code that matters. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t n, size_t size)
{
    fprintf(stderr, "dovetail: out of memory (%zu x %zu bytes)\n", n, size);
    abort();
}

void *mem_calloc(size_t n, size_t size)
{
    void *p = calloc(n && size ? n : 1, n && size ? size : 1); /* checks the product */
    if (!p) {
        out_of_memory(n, size);
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return mem_calloc(1, size);
}

void *mem_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX) {
        out_of_memory(n, size);
    }
    void *q = realloc(p, bytes ? bytes : 1);
    if (!q) {
        out_of_memory(n, size);
    }
    return q;
}

char *mem_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = mem_alloc(len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

void mem_free(void *p)
{
    free(p);
}
