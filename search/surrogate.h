/* The Bayesian model of a search: a Gaussian process for every objective and constraint (and one for failing at all), and the
 * score by which a point is worth evaluating next. */
#ifndef SEARCH_SURROGATE_H
#define SEARCH_SURROGATE_H

#include "search/algorithm.h"
#include "search/ehvi.h"
#include "search/features.h"
#include "search/gp.h"
#include "search/targets.h"

struct surrogate {
    struct search *s;
    int64_t first; /* results before the first fit */
    int most; /* results that a process is conditioned on at a checkpoint, the best ranked; those since come on top */
    struct features features;
    struct targets targets;
    int64_t n, cap, cap_asked; /* results known; room */
    double *x, *f, *g;         /* [cap_asked][n] also of trials in flight; [cap][m]; [cap][c] */
    double *violation;         /* [cap] */
    int n_gp;                  /* m objectives, c constraints, 1: would it fail? */
    struct gp *gp;
    int64_t fitted;     /* results that the hyper-parameters come from; 0: none */
    int *base, n_base;  /* the results at the last checkpoint that the processes know, in order */
    int64_t *known;     /* [n_gp] and all results from `fitted` up to here */
    double *row;        /* [cap_asked][features.d] features of the points */
    double *low, *high; /* [m] the front's box, in model units */
    struct ehvi ehvi;
    double
        optimism; /* four objectives and more: standard deviations by which a point may turn out better than its mean */
    double reference; /* of the improvement, in the unit box, for every objective */
    double *front;    /* [n_front][m] in the unit box */
    int n_front;
};

void surrogate_init(struct surrogate *b, struct search *s, int64_t first, int most);
void surrogate_release(struct surrogate *b);
void surrogate_remember(struct surrogate *b, int64_t k, const double *x); /* trial k was asked at x; in order */
void surrogate_add(struct surrogate *b, int64_t k, const double *f, const double *g,
                   double violation); /* its result; in order */
/* How many of n results the hyper-parameters come from: about every tenth more. */
int64_t surrogate_checkpoint(const struct surrogate *b, int64_t n);
/* Makes the model that proposes trial k: results so far, and trials up to k in flight. O(n^2) for each process and new result,
 * some ten times O(n^3) at a checkpoint. */
bool surrogate_learn(struct surrogate *b, int64_t k);    /* false: too few results to learn from */
bool surrogate_models(const struct surrogate *b, int q); /* is there a process q, or nothing to learn? */
/* score[i] of q canonical points, larger is better; after surrogate_learn(). */
void surrogate_score(struct surrogate *b, const double *x, int q, double *score);

/* The score of one canonical point and its slope by each variable's place on the unit interval; 0 for variables that are not real or
 * are inactive. */
double surrogate_slope(struct surrogate *b, const double *x, double *slope);
/* Follows the slope of the score from x, over the real variables that are active there, by bounded L-BFGS. */
void surrogate_refine(struct surrogate *b, double *x);

#endif
