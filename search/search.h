/* Ask and tell: a multi-objective optimizer as a pure function of (problem, options, ordered results so far) -- law 1. libdovetail's public
 * face; needs nothing else of Dovetail.
 *
 *   struct search *s = search_new(&problem, &options, &err);
 *   double x[N], f[M], g[C];
 *   while (search_stop(s) == SEARCH_RUNNING) {
 *       int64_t n = search_askable(s);              // how many may be asked before the next tell
 *       int64_t k = 0;
 *       while (k < n && search_ask(s, points + k * N)) k++;
 *       ... evaluate the k points, in any order, on any number of threads ...
 *       for (int64_t i = 0; i < k; i++) search_tell(s, f + i * M, g + i * C);  // in the order asked
 *   }
 *
 * Trial numbers count from 0 in the order of asking; results are told in that order. Candidate k depends on results up to k - lag only, where
 * the lag is the algorithm's own, never the caller's batch, so a run with 1 thread, 64 ranks or an interruption asks the same points. To
 * resume is to ask again and tell the stored results.
 *
 * Islands: searches of one problem with different seeds, which send each other what they found. With options.exchange = N a search stops
 * asking after every N results until search_immigrate() has told what came from the others, so its trials are a function of its results and
 * of what came at which moment. */
#ifndef SEARCH_SEARCH_H
#define SEARCH_SEARCH_H

#include "search/space.h"

#include <stdbool.h>

enum { SEARCH_MAX_OBJECTIVES = 6, SEARCH_MAX_CONSTRAINTS = 64 };

struct search_problem {
    const struct space *space; /* borrowed while the search lives */
    int n_objectives;          /* 1..6, all minimised */
    int n_constraints; /* told with the result: <= 0 is satisfied, > 0 the amount of violation. A negative value says by how
                                * much it is satisfied, which the Bayesian algorithm can use; 0 where that is unknown */
    /* Constraints known before the evaluation: the amount of violation at canonical x, 0 = satisfied. NULL: none. Points that violate are
     * repaired or thrown away and never asked (unless none can be found). */
    double (*known_violation)(const void *ctx, const double *x);
    const void *ctx;
    /* A cheap estimate of the result at canonical x (a bound, a coarse simulation), of objectives and constraints in their own units;
     * f[0] = NaN: expected to fail. It need not be close: what looks best by it is asked first (fidelity.c). A pure function of x, called
     * 10,000 times by search_new(). NULL: none. */
    void (*estimate)(const void *ctx, const double *x, double *f, double *g);
};

enum search_stop {
    SEARCH_RUNNING,
    SEARCH_BUDGET,    /* evaluations used up */
    SEARCH_EXHAUSTED, /* every point of the space was asked, or no new one could be found */
    SEARCH_STALLED, /* hypervolume grew by less than 0.01 % in `stall` evaluations (5 objectives and more: no new front member) */
    SEARCH_EMPTY /* no point satisfies the known constraints */
};
extern const char *const search_stop_names[];

/* The lag of an evolution that is not told another. */
enum { SEARCH_LAG = 10 };

struct search_options {
    const char *algorithm; /* one of search_algorithms; "auto" picks */
    int64_t budget;        /* evaluations, > 0 */
    /* evaluations that the algorithm plans for, so that a run that is prolonged asks the same points first; 0: budget */
    int64_t plan;
    int64_t stall;  /* 0: never */
    int population; /* 0: by the plan */
    /* results that a proposal may do without, so that as many evaluations can run at once; 0: the algorithm's own. Part of
     * the study: another lag gives other trials */
    int lag;
    int grid; /* exhaustive: values of each real variable, >= 2; 0: 16 */
    /* [n_start][variables] points to ask first: good ones of another study. Borrowed until search_new() returns; random and
     * exhaustive search pass them over */
    const double *start;
    int n_start;
    uint64_t seed;
    int64_t exchange; /* results between two moments of exchange with other searches; 0: none */
    /* [n_objectives] differences that do not matter, 0: every one does; of the results within one cell of these sides only the best is kept, so
     * the archive, parents taken from it and search_front() stay small (archive.h). NULL: keep all. Borrowed until search_new() returns;
     * part of the study */
    const double *epsilon;
    const double *reference; /* [n_objectives] for `stall`'s hypervolume; NULL: from the first feasible results */
};

struct search_algorithm { /* one row a file: to add an optimizer is one file and one row in search.c */
    const char *name, *what, *paper;
    bool expensive; /* a proposal takes milliseconds to seconds: for evaluations that take longer */
    const struct search_ops *ops;
};
extern const struct search_algorithm search_algorithms[]; /* ends with name NULL */

struct search;

struct search *search_new(const struct search_problem *p, const struct search_options *o, struct err *err);
void search_free(struct search *s);
const char *search_algorithm_name(const struct search *s); /* what "auto" picked, e.g. "nsga2 (population 100)" */
enum search_stop search_stop(const struct search *s);
int64_t search_askable(const struct search *s); /* 0 when results must be told first, or when stopped */
/* Canonical point of the next trial into x; askable must be > 0. False: no point is left, search_stop() says why. */
bool search_ask(struct search *s, double *x);
/* As search_ask() for a trial that a log holds already: x is the point that was asked. Cheap algorithms propose it again and
 * compare; a Bayesian proposal is taken from the log. False: this study with these results cannot have asked x. */
bool search_recall(struct search *s, const double *x);
/* The result of the oldest trial not yet told. A failed evaluation has f[0] = NaN (so counts whatever is not finite):
 * it is worse than anything infeasible. */
void search_tell(struct search *s, const double *f, const double *g);
int64_t search_asked(const struct search *s);
int64_t search_told(const struct search *s);
/* The moment of exchange (1, 2, ...) that is due: its results are all told, and nothing more can be asked before search_immigrate(). 0: none. */
int64_t search_moment(const struct search *s);
/* At the moment that is due: up to `most` members of the front of its moment * exchange results, spread over it. Their trial numbers go to
 * trial[most], ascending, points to x[most][variables], objectives to f[most][n_objectives]. Returns how many. O(most * front). */
int search_emigrants(const struct search *s, int most, int64_t *trial, double *x, double *f);
/* Passes the moment that is due. x[n][variables], f[n][n_objectives]: feasible results of other searches of the same problem, at
 * canonical points. They join an evolution's population and are never asked; they are no trials of this search, nor in its front. */
void search_immigrate(struct search *s, int n, const double *x, const double *f);
/* The unbounded archive of non-dominated feasible results: trial numbers, ascending; of equal results the first.
 * Borrowed until the next call. O(n log n). */
const int64_t *search_front(struct search *s, int64_t *n);

#endif
