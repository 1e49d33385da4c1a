/* Objectives are compressed above the worst of the front, so that a range over orders of magnitude leaves resolution where the
 * front is; constraints stay on their own scale, with both signs. */
#include "search/targets.h"

#include "base/mem.h"
#include "search/dominance.h"

#include <math.h>
#include <string.h>

/* Logarithmic above the bend, and bounded beyond some 3.5 widths: of outliers no more need be known than that they are bad, and
 * one that stands out costs the length scales their resolution. */
double targets_objective(const struct targets *t, int j, double y)
{
    const double knee = 1.5;
    double over = y - t->bend[j];
    if (!(over > 0)) {
        return y;
    }
    double size = log1p(over / t->width[j]), beyond = size - knee;
    return t->bend[j] + t->width[j] * (beyond > 0 ? knee + beyond / (1 + beyond) : size);
}

/* Bends each objective above the worst value of the results' front (of all of them while there is none to speak of). */
static void choose_bends(struct targets *t, const double *f, const double *violation, int64_t n)
{
    int m = t->m, known = 0;
    double *row = mem_calloc((size_t)n * (size_t)m + 1, sizeof *row);
    bool *front = mem_calloc((size_t)n + 1, sizeof *front);
    for (int64_t i = 0; i < n; i++) {
        if (!(violation[i] > 0)) {
            memcpy(row + (int64_t)known++ * m, f + i * m, (size_t)m * sizeof *row);
        }
    }
    dominance_filter(row, known, m, front);
    for (int j = 0; j < m; j++) {
        double lo = HUGE_VAL, hi = -HUGE_VAL, all_lo = HUGE_VAL, all_hi = -HUGE_VAL;
        for (int i = 0; i < known; i++) {
            lo = front[i] ? fmin(lo, row[(int64_t)i * m + j]) : lo;
            hi = front[i] ? fmax(hi, row[(int64_t)i * m + j]) : hi;
        }
        for (int64_t i = 0; i < n; i++) {
            if (isfinite(violation[i])) {
                all_lo = fmin(all_lo, f[i * m + j]);
                all_hi = fmax(all_hi, f[i * m + j]);
            }
        }
        if (!(hi > lo)) {
            lo = all_lo;
            hi = all_hi;
        }
        t->bend[j] = isfinite(hi) ? hi : 0;
        t->width[j] = isfinite(hi - lo) && hi > lo ? hi - lo : 1;
    }
    mem_free(row);
    mem_free(front);
}

static void choose_limits(struct targets *t, const double *g, const double *violation, int64_t results)
{
    for (int i = 0; i < t->c; i++) {
        double size = 0;
        int64_t n = 0;
        for (int64_t k = 0; k < results; k++) {
            double v = g[k * t->c + i];
            if (isfinite(violation[k]) && (v > 0 || v < 0)) {
                size += fabs(v);
                n++;
            }
        }
        t->limit[i] = n > 0 ? size / (double)n : 0;
    }
    t->failures = false;
    for (int64_t k = 0; k < results; k++) {
        t->failures = t->failures || isinf(violation[k]);
    }
}

/* A constraint's target: odd, itself near 0, where it is decided what is feasible, logarithmic beyond twice its usual size. Exactly 0
 * is satisfied by an unknown amount: half that size. */
double targets_constraint(const struct targets *t, int i, double v)
{
    const double core = 2;
    double z = v / t->limit[i], size = fabs(z);
    if (!(size > 0)) {
        return -0.5;
    }
    return copysign(size < core ? size : core * (1 + log(size / core)), z);
}

void targets_choose(struct targets *t, const double *f, const double *g, const double *violation, int64_t n)
{
    choose_bends(t, f, violation, n);
    choose_limits(t, g, violation, n);
}

void targets_init(struct targets *t, int m, int c)
{
    *t = (struct targets){.m = m, .c = c};
    t->bend = mem_calloc(2 * (size_t)m + (size_t)c, sizeof *t->bend);
    t->width = t->bend + m;
    t->limit = t->width + m;
}

void targets_release(struct targets *t)
{
    mem_free(t->bend);
    memset(t, 0, sizeof *t);
}
