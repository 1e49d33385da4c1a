/* Memory that never fails to the caller: out of memory prints one line and aborts, in
 * one place (mem.c). Everything returned is zeroed. Free with mem_free(). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                      /* zeroed; size 0 gives a valid pointer */
void *mem_calloc(size_t n, size_t size);           /* overflow of n * size aborts */
void *mem_realloc(void *p, size_t n, size_t size); /* contents kept, the new tail is not zeroed */
char *mem_strdup(const char *s);                   /* caller frees */
char *mem_strndup(const char *s, size_t n);        /* caller frees */
void mem_free(void *p);

/* Grows `array` (a pointer lvalue) so that index `n` is valid; `cap` is its capacity
 * lvalue. */
#define MEM_GROW(array, n, cap)                                                                                        \
    do {                                                                                                               \
        if ((n) >= (cap)) {                                                                                            \
            (cap) = (cap) ? 2 * (cap) : 8;                                                                             \
            (array) = mem_realloc((array), (size_t)(cap), sizeof *(array));                                            \
        }                                                                                                              \
    } while (0)

#endif
