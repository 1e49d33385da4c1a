/* Hypervolume truncation: a member's contribution can only grow while others leave, so a stale value is a lower bound: the
 * least stale one is computed anew, and when it is still the least, it is the true least (lazy greedy). Objectives are scaled
 * to the front's own box with the reference 10 % beyond, so no unit matters. Beume, Naujoks, Emmerich, EJOR 181(3), 2007,
 * doi:10.1016/j.ejor.2006.08.008.
 *
 * Shift-based density: a member is as lonely as the nearest other one is after that one was shifted to be nowhere better; so
 * members that are far from the front, or crowded on it, go first (Li, Yang, Liu, IEEE TEC 18(3), 2014,
 * doi:10.1109/TEVC.2013.2262178). Its cost hardly grows with the number of objectives. */
#include "search/survival.h"

#include "base/mem.h"
#include "search/dominance.h"
#include "search/hypervolume.h"

#include <math.h>
#include <stdint.h>
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
        double lo = HUGE_VAL, hi = -HUGE_VAL;
        for (int k = 0; k < n; k++) {
            double v = f[(int64_t)member[k] * m + j];
            lo = v < lo ? v : lo;
            hi = v > hi ? v : hi;
        }
        double by = hi > lo ? 1 / (hi - lo) : 0;
        for (int k = 0; k < n; k++) {
            out[(int64_t)k * m + j] = (f[(int64_t)member[k] * m + j] - lo) * by;
        }
    }
}

static void by_volume(const double *f, int m, const int *member, int n, int keep, bool *stays, double *worth)
{
    static const double reference[16] = {1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1,
                                         1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1};
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
        memcpy(p, row + (int64_t)i * m, (size_t)m * sizeof *p);
        memcpy(row + (int64_t)i * m, row + (int64_t)last * m, (size_t)m * sizeof *p);
        if (!fresh[least]) {
            worth[least] = hypervolume_gain(row, last, m, reference, p);
            fresh[least] = true;
            memcpy(row + (int64_t)last * m, row + (int64_t)i * m, (size_t)m * sizeof *p);
            memcpy(row + (int64_t)i * m, p, (size_t)m * sizeof *p);
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

/* How far q is worse than p where it is worse: q shifted to p's value wherever it is better. */
static double shifted(const double *p, const double *q, int m)
{
    double sum = 0;
    for (int j = 0; j < m; j++) {
        double d = q[j] - p[j];
        sum += d > 0 ? d * d : 0;
    }
    return sum;
}

static void nearest(const double *row, int m, const bool *stays, int n, int k, double *worth, int *by)
{
    worth[k] = HUGE_VAL;
    by[k] = -1;
    for (int i = 0; i < n; i++) {
        double d = stays[i] && i != k ? shifted(row + (int64_t)k * m, row + (int64_t)i * m, m) : HUGE_VAL;
        if (d < worth[k]) {
            worth[k] = d;
            by[k] = i;
        }
    }
}

static void by_shift(const double *f, int m, const int *member, int n, int keep, bool *stays, double *worth)
{
    double *row = mem_alloc(((size_t)n * (size_t)m + 1) * sizeof *row);
    int *by = mem_calloc((size_t)n + 1, sizeof *by);
    scale(f, m, member, n, row);
    memset(stays, true, (size_t)n * sizeof *stays);
    for (int k = 0; k < n; k++) {
        nearest(row, m, stays, n, k, worth, by);
    }
    for (int left = n; left > keep; left--) {
        int least = -1;
        for (int k = 0; k < n; k++) {
            if (stays[k] && (least < 0 || worth[k] <= worth[least])) {
                least = k;
            }
        }
        stays[least] = false;
        for (int k = 0; k < n; k++) {
            if (stays[k] && by[k] == least) {
                nearest(row, m, stays, n, k, worth, by);
            }
        }
    }
    mem_free(row);
    mem_free(by);
}

void survival_truncate(enum survival rule, const double *f, int m, const int *member, int n, int keep, bool *stays,
                       double *worth)
{
    (rule == SURVIVE_VOLUME  ? by_volume
     : rule == SURVIVE_SHIFT ? by_shift
                             : by_crowding)(f, m, member, n, keep, stays, worth);
}
