/* The exact hypervolume costs more with every objective; beyond six it is estimated. Points drawn in the box between the ideal and
 * the reference would nearly all miss when there are many objectives, so they are drawn inside the union of the dominated boxes
 * (Karp, Luby, Madras, J. Algorithms 10, 1989; Bringmann and Friedrich, Computational Geometry 43, 2010,
 * doi:10.1016/j.comgeo.2010.03.004): a box by its volume, then a point in it, which counts 1 / (boxes that hold it). With V the sum
 * of the boxes, the volume is V times the mean, its relative error does not grow with the number of objectives. */
#include "base/mem.h"
#include "base/rng.h"
#include "search/dominance.h"
#include "search/hypervolume.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Non-dominated rows strictly below the reference to the front of `row`; sum[k]: volume of boxes 0..k. Returns how many. */
static int keep_boxes(const double *f, int n, int m, const double *reference, double *row, double *sum)
{
    bool *keep = mem_calloc((size_t)n + 1, sizeof *keep);
    int kept = 0;
    dominance_filter(f, n, m, keep);
    for (int i = 0; i < n; i++) {
        double volume = 1;
        for (int j = 0; j < m; j++) {
            double side = reference[j] - f[(int64_t)i * m + j];
            volume *= side > 0 ? side : 0;
        }
        if (keep[i] && volume > 0) {
            memcpy(row + (int64_t)kept * m, f + (int64_t)i * m, (size_t)m * sizeof *row);
            sum[kept] = volume + (kept > 0 ? sum[kept - 1] : 0);
            kept++;
        }
    }
    mem_free(keep);
    return kept;
}

/* How many boxes hold p. */
static int holders(const double *row, int n, int m, const double *p)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        const double *f = row + (int64_t)i * m;
        int j = 0;
        while (j < m && f[j] <= p[j]) {
            j++;
        }
        count += j == m;
    }
    return count;
}

double hypervolume_sampled(const double *f, int n, int m, const double *reference, int64_t samples, uint64_t seed,
                           double *error)
{
    double *row = mem_calloc(((size_t)n + 1) * ((size_t)m + 1), sizeof *row), *sum = row + ((int64_t)n + 1) * m;
    double *p = mem_calloc((size_t)m, sizeof *p), mean = 0, squares = 0;
    int kept = keep_boxes(f, n, m, reference, row, sum);
    struct rng r;
    rng_init(&r, seed, 0, RNG_SELECT);
    for (int64_t k = 0; k < samples && kept > 0; k++) {
        double at = rng_uniform(&r) * sum[kept - 1];
        int lo = 0, hi = kept - 1;
        while (lo < hi) { /* the first box whose sum is above */
            int mid = (lo + hi) / 2;
            if (sum[mid] > at) {
                hi = mid;
            } else {
                lo = mid + 1;
            }
        }
        for (int j = 0; j < m; j++) {
            double low = row[(int64_t)lo * m + j];
            p[j] = low + rng_uniform(&r) * (reference[j] - low);
        }
        double share = 1.0 / holders(row, kept, m, p), step = share - mean;
        mean += step / (double)(k + 1); /* Welford */
        squares += step * (share - mean);
    }
    double whole = kept > 0 ? sum[kept - 1] : 0;
    *error = samples > 1 ? whole * sqrt(squares / (double)(samples - 1) / (double)samples) : whole;
    mem_free(row);
    mem_free(p);
    return whole * mean;
}
