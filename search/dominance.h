/* Pareto dominance, everything minimised: a dominates b when it is nowhere worse and somewhere better. Rows are
 * f[i * m .. i * m + m - 1], free of NaN. Equal rows do not dominate each other and get the same rank. */
#ifndef SEARCH_DOMINANCE_H
#define SEARCH_DOMINANCE_H

#include <stdbool.h>

bool dominates(const double *a, const double *b, int m);

/* rank[i] = the front that row i belongs to, from 0; returns the number of fronts. Exact. O(n log n) for two objectives,
 * O(n log^2 n) for three, O(m n^2 / 64) word operations beyond (2 to 64 times fewer comparisons than pairwise). */
int dominance_sort(const double *f, int n, int m, int *rank);

/* Feasibility first (Deb, Computer Methods in Applied Mechanics and Engineering 186, 2000, doi:10.1016/S0045-7825(99)00389-8):
 * rows with violation 0 are ranked as above; behind them each distinct violation is a front of its own, in ascending order. */
int dominance_sort_constrained(const double *f, const double *violation, int n, int m, int *rank);

/* keep[i] = row i is not dominated and equals no row before it; returns how many. */
int dominance_filter(const double *f, int n, int m, bool *keep);

/* Crowding distance (Deb et al., IEEE TEC 6(2), 2002, doi:10.1109/4235.996017) of the rows member[0..n) of one front, into
 * crowd[k] for member[k]; ends have INFINITY. O(m n log n). */
void dominance_crowding(const double *f, int m, const int *member, int n, double *crowd);

#endif
