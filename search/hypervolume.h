/* The volume of objective space that a set dominates, up to a reference point; everything minimised. Rows f[i * m ..]; any
 * rows: dominated and equal ones and those not strictly below the reference are harmless. Exact up to rounding. */
#ifndef SEARCH_HYPERVOLUME_H
#define SEARCH_HYPERVOLUME_H

#include <stdint.h>

/* O(n log n) for one to three objectives, at most O(n^2) for four, n times as much for each one more (random points on a sphere:
 * 0.5 ms for 1,000 of four, 10 ms of five). */
double hypervolume(const double *f, int n, int m, const double *reference);

/* out[i] = what the set would lose without row i (0 for dominated rows and for all of several equal ones). O(n log n) up to
 * three objectives when no row is dominated; otherwise n times hypervolume_gain(). */
void hypervolume_contributions(const double *f, int n, int m, const double *reference, double *out);

/* An estimate for any number of objectives, from samples > 1 points drawn by the seed, and its standard error. Unbiased; the error
 * is at most sqrt(n / samples) of the volume. O(samples n m). */
double hypervolume_sampled(const double *f, int n, int m, const double *reference, int64_t samples, uint64_t seed,
                           double *error);

/* What point p would add to the set. */
double hypervolume_gain(const double *f, int n, int m, const double *reference, const double *p);

/* Its slope by each coordinate of p, into slope[m], m >= 2: never positive. Costs m gains of one objective less. */
void hypervolume_gain_slope(const double *f, int n, int m, const double *reference, const double *p, double *slope);

#endif
