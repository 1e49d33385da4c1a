/* See pick.h. */
#include "experiments/pick.h"

#include "base/mem.h"
#include "search/hypervolume.h"

#include <math.h>
#include <string.h>

int pick_least(const double *f, int n, int m, int k)
{
    int best = -1;
    for (int i = 0; i < n; i++) {
        if (best < 0 || f[i * m + k] < f[best * m + k]) {
            best = i;
        }
    }
    return best;
}

/* f scaled to [0, 1] over the front; 0 where all are equal. Caller frees. */
static double *scaled(const double *f, int n, int m)
{
    double *g = mem_calloc((size_t)n * (size_t)m + 1, sizeof *g);
    for (int k = 0; k < m; k++) {
        double low = INFINITY;
        double high = -INFINITY;
        for (int i = 0; i < n; i++) {
            low = fmin(low, f[i * m + k]);
            high = fmax(high, f[i * m + k]);
        }
        for (int i = 0; i < n; i++) {
            g[i * m + k] = high > low ? (f[i * m + k] - low) / (high - low) : 0.0;
        }
    }
    return g;
}

static double distance2(const double *a, const double *b, int m)
{
    double sum = 0.0;
    for (int k = 0; k < m; k++) {
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    }
    return sum;
}

int pick_knee(const double *f, int n, int m)
{
    double *g = scaled(f, n, m);
    double *zero = mem_calloc((size_t)m + 1, sizeof *zero);
    int best = -1;
    double least = INFINITY;
    for (int i = 0; i < n; i++) {
        double d = distance2(g + i * m, zero, m);
        if (d < least) {
            least = d;
            best = i;
        }
    }
    mem_free(g);
    mem_free(zero);
    return best;
}

/* Marks the extremes and the knee, at most `want`; returns how many. */
static int keep_corners(const double *f, int n, int m, int want, bool *keep)
{
    memset(keep, 0, (size_t)n * sizeof *keep);
    int kept = 0;
    for (int k = 0; k <= m && n > 0; k++) {
        int i = k < m ? pick_least(f, n, m, k) : pick_knee(f, n, m);
        if (!keep[i] && kept < want) {
            keep[i] = true;
            kept++;
        }
    }
    return kept;
}

int pick_spread(const double *f, int n, int m, int want, bool *keep)
{
    int kept = keep_corners(f, n, m, want, keep);
    double *g = scaled(f, n, m);
    double *gap = mem_calloc((size_t)n + 1, sizeof *gap); /* squared distance to the nearest kept row */
    for (int i = 0; i < n; i++) {
        gap[i] = INFINITY;
        for (int j = 0; j < n; j++) {
            gap[i] = keep[j] ? fmin(gap[i], distance2(g + i * m, g + j * m, m)) : gap[i];
        }
    }
    while (kept < want && kept < n) {
        int far = -1;
        for (int i = 0; i < n; i++) {
            if (!keep[i] && (far < 0 || gap[i] > gap[far])) {
                far = i;
            }
        }
        keep[far] = true;
        kept++;
        for (int i = 0; i < n; i++) {
            gap[i] = fmin(gap[i], distance2(g + i * m, g + far * m, m));
        }
    }
    mem_free(g);
    mem_free(gap);
    return kept;
}

static bool stands_for(const double *a, const double *b, int m, double eps)
{
    for (int k = 0; k < m; k++) {
        if (a[k] > b[k] + eps * fabs(b[k])) {
            return false;
        }
    }
    return true;
}

int pick_thin(const double *f, int n, int m, double eps, bool *keep)
{
    int kept = keep_corners(f, n, m, n, keep);
    for (int i = 0; i < n; i++) {
        bool covered = keep[i];
        for (int j = 0; j < n && !covered; j++) {
            covered = keep[j] && stands_for(f + j * m, f + i * m, m, eps);
        }
        if (!covered) {
            keep[i] = true;
            kept++;
        }
    }
    return kept;
}

double pick_hypervolume(const double *f, int n, int m, const double *ideal, const double *reference)
{
    double *g = mem_calloc((size_t)n * (size_t)m + 1, sizeof *g);
    double *one = mem_calloc((size_t)m + 1, sizeof *one);
    for (int k = 0; k < m; k++) {
        one[k] = 1.0;
        for (int i = 0; i < n; i++) {
            g[i * m + k] = fmax(0.0, (f[i * m + k] - ideal[k]) / (reference[k] - ideal[k]));
        }
    }
    double volume = hypervolume(g, n, m, one);
    mem_free(g);
    mem_free(one);
    return volume;
}

void pick_box(const double *f, int n, int m, double *ideal, double *reference)
{
    for (int k = 0; k < m; k++) {
        ideal[k] = n ? f[k] : 0.0;
        double worst = ideal[k];
        for (int i = 0; i < n; i++) {
            ideal[k] = fmin(ideal[k], f[i * m + k]);
            worst = fmax(worst, f[i * m + k]);
        }
        reference[k] = worst + (worst > ideal[k] ? 0.1 * (worst - ideal[k]) : 1.0);
    }
}
