/* Which members of a front a population keeps when it cannot keep all. */
#ifndef SEARCH_SURVIVAL_H
#define SEARCH_SURVIVAL_H

#include <stdbool.h>

enum survival {
    SURVIVE_CROWDING, /* NSGA-II: the loneliest by crowding distance; O(m n log n) */
    SURVIVE_VOLUME,   /* SMS-EMOA: drop the least hypervolume contributor again and again */
    SURVIVE_SHIFT     /* drop the nearest to another by shift-based distance again and again; O(m n^2) */
};

/* Of the rows member[0..n) of f (one front), marks the `keep` that stay, and gives every row's worth (larger is better) to
 * worth[k] for member[k]. With keep == n only the worths are computed. Ties go to the earlier member. */
void survival_truncate(enum survival rule, const double *f, int m, const int *member, int n, int keep, bool *stays,
                       double *worth);

#endif
