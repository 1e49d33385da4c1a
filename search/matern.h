/* The correlation of a Gaussian process from squared distances, many at a time. */
#ifndef SEARCH_MATERN_H
#define SEARCH_MATERN_H

/* In place: k[i] holds r^2 >= 0 (tiny negative rounding is taken for 0) and becomes the Matern 5/2 correlation
 *     (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r),
 * to 1e-12 relative. Where slope is not NULL, slope[i] becomes 5/3 (1 + sqrt5 r) exp(-sqrt5 r). A few ns each. */
void matern(double *k, double *slope, int n);

#endif
