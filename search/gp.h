/* Gaussian process regression for up to some thousand points: Matern 5/2 with one length scale a variable, zero noise but for a
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
    double *row;     /* [cap][d] features over their length scales */
    double *norm;    /* [cap] their squared lengths */
    double *inverse; /* [cap][cap] V, upper triangle, column-major: correlation matrix^-1 = V V' */
    double *weight;  /* [cap] inverse correlation matrix times centred targets */
};

void gp_init(struct gp *g, struct gp_shape shape);
void gp_release(struct gp *g);
/* Hyper-parameters for rows x[n][d], targets y[n], from those that it has, or from the default ones where these are likelier.
 * At most `evaluations` + 2 evaluations of O(n^3 + n^2 d). What it was conditioned on is forgotten. */
void gp_fit(struct gp *g, const double *x, const double *y, int n, int evaluations);
/* Takes these rows in place of what it has. O(n^3). */
void gp_rows(struct gp *g, const double *x, int n);
/* One more row; a later gp_truncate() takes it back. The same rows in the same order give the same bits. O(n^2). */
void gp_append(struct gp *g, const double *x);
void gp_truncate(struct gp *g, int n);
/* Targets of all n rows. O(n^2). */
void gp_targets(struct gp *g, const double *y);
/* Mean and standard deviation at q points. O(q n (n + d)). Allocates. */
void gp_predict(const struct gp *g, const double *x, int q, double *mean, double *sd);

/* The same at one point, and the slopes of both by each feature: dmean[d], dsd[d]. O(n^2 + n d). Allocates. */
void gp_slope(const struct gp *g, const double *x, double *mean, double *sd, double *dmean, double *dsd);

#endif
