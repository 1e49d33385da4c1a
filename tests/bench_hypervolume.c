/* CPU time of hypervolume (points on a sphere), of all contributions, of non-dominated sorting and of filtering (uniform
 * points), beside moocore's on the same kind of points (pymoo 0.6.2's backend, own measurement, one loaded core of the same
 * class; Optuna 5.0.0.dev and pagmo are slower everywhere but for two objectives, 1,000 points: Optuna 27 us). */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "search/dominance.h"
#include "search/hypervolume.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct size {
    const char *what;
    int m, n;
    double peer_s;
};

static const struct size sizes[] = {
    {"volume", 2, 100, 7.65e-6},        {"volume", 2, 1000, 5.88e-5},        {"volume", 2, 10000, 9.86e-4},
    {"volume", 3, 100, 9.28e-6},        {"volume", 3, 1000, 5.75e-5},        {"volume", 3, 10000, 1.71e-3},
    {"volume", 4, 100, 1.39e-5},        {"volume", 4, 1000, 1.04e-3},        {"volume", 4, 10000, 4.13e-2},
    {"volume", 5, 100, 1.46e-4},        {"volume", 5, 1000, 1.07e-2},        {"volume", 6, 100, 2.80e-3},
    {"contributions", 3, 100, 1.25e-5}, {"contributions", 3, 1000, 8.18e-5}, {"contributions", 4, 100, 9.23e-4},
    {"contributions", 4, 1000, 0.962},  {"sort", 2, 200, 9.13e-6},           {"sort", 2, 1000, 1.95e-5},
    {"sort", 2, 10000, 4.22e-4},        {"sort", 3, 200, 1.48e-5},           {"sort", 3, 1000, 9.19e-5},
    {"sort", 3, 10000, 4.51e-3},        {"sort", 5, 200, 2.46e-5},           {"sort", 5, 1000, 4.92e-4},
    {"sort", 5, 10000, 1.51e-2},        {"filter", 2, 10000, 1.01e-4},       {"filter", 2, 1000000, 6.09e-2},
    {"filter", 3, 10000, 1.13e-4},      {"filter", 3, 1000000, 6.44e-2},     {"filter", 5, 10000, 1.84e-3},
    {"filter", 5, 100000, 2.69e-2},     {"filter", 5, 1000000, 0.369},
};

static double once(const struct size *s, const double *f, double *out, int *rank)
{
    static const double reference[6] = {1.1, 1.1, 1.1, 1.1, 1.1, 1.1};
    double start = clock_thread_s();
    if (strcmp(s->what, "volume") == 0) {
        out[0] = hypervolume(f, s->n, s->m, reference);
    } else if (strcmp(s->what, "contributions") == 0) {
        hypervolume_contributions(f, s->n, s->m, reference, out);
    } else if (strcmp(s->what, "sort") == 0) {
        rank[0] = dominance_sort(f, s->n, s->m, rank);
    } else {
        rank[0] = dominance_filter(f, s->n, s->m, (bool *)out);
    }
    return clock_thread_s() - start;
}

int main(void)
{
    int at_least = 0, all = 0;
    printf("%-14s %2s %8s %12s %12s %7s\n", "what", "m", "n", "us", "moocore us", "ratio");
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const struct size *s = &sizes[k];
        bool sphere = strcmp(s->what, "volume") == 0 || strcmp(s->what, "contributions") == 0;
        double *f = mem_calloc((size_t)s->n * (size_t)s->m, sizeof *f), *out = mem_calloc((size_t)s->n, sizeof *out);
        int *rank = mem_calloc((size_t)s->n, sizeof *rank);
        struct rng r;
        rng_init(&r, 1, k, RNG_TEST);
        for (int i = 0; i < s->n; i++) {
            double norm = 0;
            for (int j = 0; j < s->m; j++) {
                f[i * s->m + j] = rng_uniform(&r);
                norm += f[i * s->m + j] * f[i * s->m + j];
            }
            for (int j = 0; j < s->m && sphere; j++) {
                f[i * s->m + j] /= sqrt(norm);
            }
        }
        double best = 1e9, spent = 0;
        for (int t = 0; t < 200 && spent < 0.2; t++) { /* the least of several, as the machine is shared */
            double now = once(s, f, out, rank);
            best = now < best ? now : best;
            spent += now;
        }
        printf("%-14s %2d %8d %12.2f %12.2f %7.2f\n", s->what, s->m, s->n, best * 1e6, s->peer_s * 1e6,
               s->peer_s / best);
        at_least += best <= s->peer_s;
        all++;
        mem_free(f);
        mem_free(out);
        mem_free(rank);
    }
    printf("at least as fast in %d of %d\n", at_least, all);
    return 0;
}
