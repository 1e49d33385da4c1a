/* Every point ever asked, as 64 bits of the hash of its canonical form, in an open-addressing table. Two different points
 * share all 64 bits with a chance of n^2 / 2^65 (3e-6 among 10^7); the later one would then only be passed over. */
#ifndef SEARCH_VISITED_H
#define SEARCH_VISITED_H

#include <stdbool.h>
#include <stdint.h>

struct visited {
    uint64_t *slot; /* [mask + 1], 0: empty */
    uint64_t mask;  /* slots - 1, a power of two minus one; 0 while empty */
    int64_t n;      /* points held */
};

void visited_release(struct visited *v);
uint64_t visited_key(const double *x, int n);            /* never 0; x must be canonical */
bool visited_has(const struct visited *v, uint64_t key); /* expected O(1) */
void visited_add(struct visited *v, uint64_t key);       /* amortised O(1); adding twice is allowed */

#endif
