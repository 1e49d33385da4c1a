/* Gaussian process regression for a few hundred points: Matern 5/2 with one length scale a variable, zero noise but for a
 * fitted jitter, hyper-parameters at the maximum of the posterior. */
#ifndef SEARCH_GP_H
#define SEARCH_GP_H

/* Points enter as features: rows of `d` numbers, of which those with the same variable share a length scale. */
struct gp_shape {
    int d, n_vars;       /* features, variables */
    const int *variable; /* [d] borrowed: the variable of each feature */
};

struct gp {
    struct gp_shape shape;
    double *log_scale;   /* [n_vars] log length scales */
    double log_noise;    /* log (noise variance / signal variance) */
    double mean, signal; /* of the targets: mean, variance of the process */
    int n, cap;
    double *row;    /* [n][d] features over their length scales */
    double *factor; /* [n][n] lower Cholesky factor of the correlation matrix, column-major */
    double *weight; /* [n] inverse correlation matrix times centred targets */
};

void gp_init(struct gp *g, struct gp_shape shape);
void gp_release(struct gp *g);
/* Hyper-parameters for rows x[n][d], targets y[n], from a fixed start: depends on the data only. About `evaluations`
 * evaluations of O(n^3 + n^2 d). Leaves the process conditioned on the data. */
void gp_fit(struct gp *g, const double *x, const double *y, int n, int evaluations);
/* Conditions on data with the hyper-parameters that it has. O(n^3 / 3). */
void gp_condition(struct gp *g, const double *x, const double *y, int n);
/* Mean and standard deviation at q points. O(q n (n + d)). Allocates. */
void gp_predict(const struct gp *g, const double *x, int q, double *mean, double *sd);

#endif
