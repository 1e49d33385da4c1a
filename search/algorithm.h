/* Inside the search: what an algorithm sees of the common part, and what it must provide. An algorithm is one file with a
 * `struct search_ops` and one row in search.c.
 *
 * The contract that makes law 1 hold: results are handed over in the order of trials, and before propose(k) exactly
 * needs(k) of them have been. So an algorithm's state when it proposes k is a function of k results, never of how many the
 * caller happened to ask or tell at a time. Random numbers come from streams keyed by (seed, trial, purpose). */
#ifndef SEARCH_ALGORITHM_H
#define SEARCH_ALGORITHM_H

#include "base/rng.h"
#include "search/archive.h"
#include "search/search.h"
#include "search/visited.h"

struct search_ops {
    void *(*create)(struct search *s, struct err *err); /* NULL and err when the problem does not suit the algorithm */
    void (*destroy)(void *state);
    /* Results that must be known before trial k is proposed: never decreasing in k, and <= k. For k beyond what is decided
     * yet, any number larger than every result known so far. */
    int64_t (*needs)(const void *state, int64_t k);
    /* A canonical point that search_fresh() accepts. False: there is none left. */
    bool (*propose)(void *state, int64_t k, double *x);
    /* violation: 0 when feasible; INFINITY when the evaluation failed (f and g are then not numbers). */
    void (*result)(void *state, int64_t k, const double *x, const double *f, const double *g, double violation);
    /* Trial k was x, says a log: takes this over instead of proposing. False: it cannot have been. NULL: proposing is cheap,
     * so the search proposes and compares. */
    bool (*recall)(void *state, int64_t k, const double *x);
    /* n feasible results of other searches, between the results of two trials. NULL: of no use to it. */
    void (*immigrate)(void *state, int n, const double *x, const double *f);
};

/* The lag of algorithms that need no results: it bounds how many trials wait in memory. */
enum { SEARCH_FREE_LAG = 4096 };

/* A walk over all points of a discrete space, each once; reals on a grid of so many values. */
struct walk {
    const struct space *space;
    int64_t grid;
    double *level; /* [n] level index of each variable */
    bool done;
};
void walk_init(struct walk *w, const struct space *space, int64_t grid);
void walk_release(struct walk *w);
void walk_point(const struct walk *w, double *x); /* the point that it stands on */
void walk_step(struct walk *w);

struct search {
    struct search_problem problem;
    struct search_options options;
    const struct search_algorithm *algorithm;
    void *state;
    char name[160];
    int n, m, c; /* variables, objectives, constraints */
    enum search_stop stop;
    int64_t asked, told, delivered;
    struct visited visited;
    bool forgets;           /* the algorithm cannot propose a point twice: nothing need be remembered */
    struct archive archive; /* of the results delivered: the algorithm's view */
    double *ring;           /* [ring_cap][n + m + c] trials delivered..asked-1, at trial % ring_cap */
    int64_t ring_cap;
    struct walk walk;    /* fallback when random tries find nothing new */
    double *start;       /* [n_start][n] copy of options.start */
    double *scratch;     /* [3 n] */
    double *scale;       /* [c] sum and count of positive violations, for their mean */
    int64_t *scale_n;    /* [c] */
    double stall_volume; /* hypervolume at the last look */
    int64_t stall_trial; /* delivered when it last grew */
    int64_t moment;      /* the next moment of exchange, from 1; 0: there is none */
    double *stall_ref;   /* [m]; NULL until known */
    int64_t *front;      /* what search_front() returned */
};

enum search_fresh { SEARCH_FRESH, SEARCH_SEEN, SEARCH_VIOLATES };

/* Canonicalises x and tells whether it may be asked: known constraints satisfied and never asked before. */
enum search_fresh search_fresh(struct search *s, double *x);
/* Changes x, which search_fresh() refused, as little as a bounded number of tries manages; false when it failed. */
bool search_repair(struct search *s, struct rng *r, double *x);
/* Any point that may be asked: random ones first, then repaired ones, then the next of a walk. False: none found. */
bool search_any(struct search *s, struct rng *r, double *x);
void search_uniform(const struct space *space, struct rng *r,
                    double *x); /* canonical, each variable uniform on its scale */
/* Latin hypercube: rows x n on the unit cube, by the seed; caller frees. Through space_from_unit() it gives points. */
double *search_latin(const struct search *s, int rows);
/* Point k of the initial sample. In every other one the members of a family (the bits of each block) are all alike: what
 * pays only when all of them go together is never seen among independent draws, where a family of n has one such point in
 * levels^(n-1). */
void search_initial(const struct search *s, const double *sample, int64_t k, double *x);
/* Points that look good by the problem's estimate, [returned][n] in *start; caller frees. Their number grows with o->plan. */
int search_estimated(const struct search_problem *p, const struct search_options *o, double **start);
double search_uniform_value(const struct variable *v, struct rng *r);
/* The scaled sum of positive constraint values: each over the mean of its positive values so far. */
double search_violation(const struct search *s, const double *f, const double *g);

extern const struct search_ops search_bayes_ops, search_hybrid_ops, search_random_ops, search_exhaustive_ops,
    search_nsga2_ops, search_sms_emoa_ops, search_spea2_sde_ops;

#endif
