/* Islands: what a search gives to others of its problem, and takes from them, at moments that are numbers of its own results.
 *
 * The moment is due when all that may be asked with the results up to it has been asked. Then exactly these results have been handed over
 * (search.c), however many were asked or told at a time, so what goes and where what comes is put are functions of them. */
#include "base/mem.h"
#include "search/algorithm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int64_t search_moment(const struct search *s)
{
    bool due = s->stop == SEARCH_RUNNING && s->moment > 0 && s->told >= s->moment * s->options.exchange &&
               search_askable(s) == 0;
    return due ? s->moment : 0;
}

/* 1 / range of each objective over the archive, 0 where all are alike. */
static void measure(const struct archive *a, double *scale)
{
    for (int j = 0; j < a->m; j++) {
        double lo = HUGE_VAL, hi = -HUGE_VAL;
        for (int i = 0; i < a->n; i++) {
            lo = fmin(lo, a->f[(int64_t)i * a->m + j]);
            hi = fmax(hi, a->f[(int64_t)i * a->m + j]);
        }
        scale[j] = hi > lo ? 1 / (hi - lo) : 0;
    }
}

static double distance(const struct archive *a, const double *scale, int i, int k)
{
    double sum = 0;
    for (int j = 0; j < a->m; j++) {
        double d = (a->f[(int64_t)i * a->m + j] - a->f[(int64_t)k * a->m + j]) * scale[j];
        sum += d * d;
    }
    return sum;
}

/* The best in the first objective, then always the one that is farthest from those taken. Ties: the earlier trial. */
static void spread(const struct archive *a, int n, int *take)
{
    double scale[ARCHIVE_MAX_M];
    double *far = mem_calloc((size_t)a->n, sizeof *far); /* from those taken; below 0: taken */
    measure(a, scale);
    for (int i = 0; i < a->n; i++) {
        far[i] = -a->f[(int64_t)i * a->m];
    }
    for (int k = 0; k < n; k++) {
        int best = -1;
        for (int i = 0; i < a->n; i++) {
            if (k > 0 && far[i] < 0) {
                continue;
            }
            bool better = best < 0 || far[i] > far[best] || (!(far[i] < far[best]) && a->id[i] < a->id[best]);
            best = better ? i : best;
        }
        take[k] = best;
        for (int i = 0; i < a->n; i++) {
            double d = distance(a, scale, i, best);
            far[i] = i == best ? -1 : k == 0 || (far[i] >= 0 && d < far[i]) ? d : far[i];
        }
    }
    mem_free(far);
}

int search_emigrants(const struct search *s, int most, int64_t *trial, double *x, double *f)
{
    const struct archive *a = &s->archive;
    assert(search_moment(s) > 0 && a->m <= ARCHIVE_MAX_M);
    int n = a->n < most ? a->n : most;
    int *take = mem_calloc((size_t)n + 1, sizeof *take);
    spread(a, n, take);
    for (int k = 1; k < n; k++) { /* by trial */
        for (int i = k; i > 0 && a->id[take[i - 1]] > a->id[take[i]]; i--) {
            int t = take[i];
            take[i] = take[i - 1];
            take[i - 1] = t;
        }
    }
    for (int k = 0; k < n; k++) {
        trial[k] = a->id[take[k]];
        memcpy(x + (int64_t)k * s->n, a->x + (int64_t)take[k] * s->n, (size_t)s->n * sizeof *x);
        memcpy(f + (int64_t)k * s->m, a->f + (int64_t)take[k] * s->m, (size_t)s->m * sizeof *f);
    }
    mem_free(take);
    return n;
}

void search_immigrate(struct search *s, int n, const double *x, const double *f)
{
    assert(search_moment(s) > 0);
    double *points = mem_calloc((size_t)(n * (s->n + s->m)) + 1, sizeof *points), *values = points + (int64_t)n * s->n;
    int new = 0;
    for (int k = 0; k < n; k++) { /* what it has found itself, or taken before, is nothing new */
        uint64_t key = visited_key(x + (int64_t)k * s->n, s->n);
        if (!s->forgets && !visited_has(&s->visited, key)) {
            visited_add(&s->visited, key);
            memcpy(points + (int64_t) new * s->n, x + (int64_t)k * s->n, (size_t)s->n * sizeof *x);
            memcpy(values + (int64_t) new * s->m, f + (int64_t)k * s->m, (size_t)s->m * sizeof *f);
            new ++;
        }
    }
    if (s->algorithm->ops->immigrate && new > 0) {
        s->algorithm->ops->immigrate(s->state, new, points, values);
    }
    mem_free(points);
    s->moment++;
}
