/* Hypervolume truncation: a member's contribution can only grow while others leave, so a stale value is a lower bound: the
 * least stale one is computed anew, and when it is still the least, it is the true least (lazy greedy). Objectives are scaled
 * to the front's own box with the reference 10 % beyond, so no unit matters. Beume, Naujoks, Emmerich, EJOR 181(3), 2007,
 * doi:10.1016/j.ejor.2006.08.008. */
#include "search/survival.h"

#include "base/mem.h"
#include "search/dominance.h"
#include "search/hypervolume.h"

#include <math.h>
#include <string.h>

static void by_crowding(const double *f, int m, const int *member, int n, int keep, bool *stays, double *worth)
{
    dominance_crowding(f, m, member, n, worth);
    int *order = mem_calloc((size_t)n + 1, sizeof *order);
    for (int k = 0; k < n && keep < n; k++) { /* insertion: the loneliest first */
        int at = k;
        for (; at > 0 && worth[order[at - 1]] < worth[k]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = k;
    }
    for (int k = 0; k < n; k++) {
        stays[k] = keep >= n;
    }
    for (int k = 0; k < keep && keep < n; k++) {
        stays[order[k]] = true;
    }
    mem_free(order);
}

/* Rows of the front in its unit box. */
static void scale(const double *f, int m, const int *member, int n, double *out)
{
    for (int j = 0; j < m; j++) {
        double lo = INFINITY, hi = -INFINITY;
        for (int k = 0; k < n; k++) {
            double v = f[(long)member[k] * m + j];
            lo = v < lo ? v : lo;
            hi = v > hi ? v : hi;
        }
        double by = hi > lo ? 1 / (hi - lo) : 0;
        for (int k = 0; k < n; k++) {
            out[(long)k * m + j] = (f[(long)member[k] * m + j] - lo) * by;
        }
    }
}

static void by_volume(const double *f, int m, const int *member, int n, int keep, bool *stays, double *worth)
{
    static const double reference[16] = {1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1};
    double *row = mem_alloc(((size_t)n * (size_t)m + 1) * sizeof *row);
    int *id = mem_calloc(2 * (size_t)n + 1, sizeof *id), *at = id + n; /* id[row] = k, at[k] = row */
    bool *fresh = mem_calloc((size_t)n + 1, sizeof *fresh);
    scale(f, m, member, n, row);
    hypervolume_contributions(row, n, m, reference, worth);
    for (int k = 0; k < n; k++) {
        id[k] = k;
        at[k] = k;
        fresh[k] = true;
        stays[k] = true;
    }
    for (int left = n; left > keep;) {
        int least = id[0];
        for (int i = 1; i < left; i++) {
            if (worth[id[i]] < worth[least] || (worth[id[i]] <= worth[least] && id[i] > least)) {
                least = id[i];
            }
        }
        int i = at[least], last = left - 1;
        double p[16];
        memcpy(p, row + (long)i * m, (size_t)m * sizeof *p);
        memcpy(row + (long)i * m, row + (long)last * m, (size_t)m * sizeof *p);
        if (!fresh[least]) {
            worth[least] = hypervolume_gain(row, last, m, reference, p);
            fresh[least] = true;
            memcpy(row + (long)last * m, row + (long)i * m, (size_t)m * sizeof *p);
            memcpy(row + (long)i * m, p, (size_t)m * sizeof *p);
            continue;
        }
        stays[least] = false;
        id[i] = id[last];
        at[id[i]] = i;
        left = last;
        for (int k = 0; k < left; k++) {
            fresh[id[k]] = false;
        }
    }
    mem_free(row);
    mem_free(id);
    mem_free(fresh);
}

void survival_truncate(enum survival rule, const double *f, int m, const int *member, int n, int keep, bool *stays, double *worth)
{
    (rule == SURVIVE_VOLUME ? by_volume : by_crowding)(f, m, member, n, keep, stays, worth);
}
