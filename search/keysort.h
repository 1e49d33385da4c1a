/* Stable sorting of (key, index) pairs, the inner loop of sorting and hypervolume: several times as fast as qsort(). */
#ifndef SEARCH_KEYSORT_H
#define SEARCH_KEYSORT_H

#include <stdint.h>

struct keyed {
    double key; /* not NaN */
    int32_t i;
};

/* Ascending by key, equal keys in the order given. `spare` has room for n pairs. O(n log n) small, O(n) from 512 on. */
void keysort(struct keyed *a, struct keyed *spare, int n);

/* order[] = row numbers of f (row-major [n][m]) in lexicographic order; equal rows by number. Allocates. */
void keysort_rows(const double *f, int n, int m, int32_t *order);

#endif
