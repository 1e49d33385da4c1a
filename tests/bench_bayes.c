/* What a Bayesian proposal costs: two objectives, 20 variables, while the observations grow to 1,000 (bar: 50 ms with 200, 0.5 s
 * with 1,000, CPU of one core). One in ten proposals or so fits the hyper-parameters too, so the mean over 50 proposals, their
 * median and their worst are printed.
 *
 *   bench_bayes [observations ...]     default: 100 200 500 1000 */
#include "base/clock.h"
#include "base/mem.h"
#include "search/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 20, PROPOSALS = 50 };

/* Two valleys of different shape. */
static void evaluate(const double *x, double *f)
{
    f[0] = x[0];
    f[1] = 1 - sqrt(x[0]);
    for (int i = 1; i < N; i++) {
        f[0] += 0.1 * (x[i] - 0.4) * (x[i] - 0.4);
        f[1] += 0.1 * fabs(x[i] - 0.4 - 0.2 * sin(6 * x[0] + i));
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Evolution makes the first points, which a log could have held: the model then proposes after `first` observations. */
static void measure(const struct space *space, int first)
{
    struct search_problem problem = {.space = space, .n_objectives = 2};
    struct search_options options = {.algorithm = "nsga2", .budget = first, .seed = 1};
    struct err err = ERR_INIT;
    struct search *from = search_new(&problem, &options, &err);
    options.algorithm = "bayes";
    options.budget = first + PROPOSALS;
    struct search *to = search_new(&problem, &options, &err);
    double x[N], f[2], seconds[PROPOSALS], mean = 0;
    for (int k = 0; k < first && search_ask(from, x) && search_recall(to, x); k++) {
        evaluate(x, f);
        search_tell(from, f, NULL);
        search_tell(to, f, NULL);
    }
    double start = clock_process_s();
    search_ask(to, x); /* builds what a running search has already */
    double built = clock_process_s() - start;
    for (int k = 0; k < PROPOSALS - 1; k++) {
        evaluate(x, f);
        search_tell(to, f, NULL);
        start = clock_process_s();
        search_ask(to, x);
        seconds[k] = clock_process_s() - start;
        mean += seconds[k] / (PROPOSALS - 1);
    }
    qsort(seconds, PROPOSALS - 1, sizeof *seconds, by_size);
    printf("%5d observations: %6.1f ms a proposal in the mean, %6.1f median, %6.1f worst; first after a resume %7.1f\n",
           first, mean * 1e3, seconds[PROPOSALS / 2] * 1e3, seconds[PROPOSALS - 2] * 1e3, built * 1e3);
    search_free(from);
    search_free(to);
}

int main(int argc, char **argv)
{
    struct space space;
    space_init(&space);
    for (int i = 0; i < N; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        struct variable *v = space_add(&space, name, VARIABLE_REAL);
        v->hi = 1;
    }
    for (int i = 1; i < argc; i++) {
        measure(&space, atoi(argv[i]));
    }
    for (int first = 100; argc < 2 && first <= 1000; first += first < 200 ? 100 : first < 500 ? 300 : 500) {
        measure(&space, first);
    }
    space_release(&space);
    return 0;
}
