/* What bits cost in accuracy: a proxy, and called one wherever its numbers are shown.
 *
 * "hawqv3": sensitivity of a network Omega = sum over layers of (normalised Hessian trace * squared weight perturbation at the layer's bits), as
 * published for ResNet-18 and ResNet-50 (Z. Dong et al., HAWQ-V3, ICML 2021), and top-1 = top-1 of fp32 - a (1 - exp(-Omega / b)), fitted to the
 * published accuracies. Its table holds weights and activations of equal width, 4 or 8 bits, first and last layer at 8: it refuses the rest. */
#ifndef SW_ACCURACY_H
#define SW_ACCURACY_H

#include "sw/network.h"

struct accuracy; /* immutable: may be shared by threads */

/* The proxy's table for this network, matched by the names and MACs of its operators. NULL and an error in d when the proxy is unknown or has
 * none. Fits the link once. Caller frees. */
struct accuracy *accuracy_load(const char *proxy, const struct network *net, struct diags *d);
void accuracy_free(struct accuracy *acc); /* NULL is fine */

struct accuracy_info {
    const char *proxy;            /* "hawqv3"; borrowed */
    const char *kind;             /* "proxy" */
    const char *metric;           /* "ImageNet top-1" */
    const char *source;           /* of the table; borrowed */
    double baseline_percent;      /* top-1 without quantization, % */
    double scale_pp, omega_scale; /* a and b of the link */
    int n_points;                 /* published accuracies that it was fitted to */
    double rmse_pp, max_error_pp; /* residual of the fit, percentage points */
    double loo_rmse_pp;           /* root mean square error when each point is predicted from the others */
    const int *widths;            /* legal widths, ascending, [n_widths]; borrowed */
    int n_widths;
    bool equal_widths; /* weights and activations of an operator must have the same */
};
void accuracy_info(const struct accuracy *acc, struct accuracy_info *out);
/* May the operator's bits vary? False for the first and the last one, vector work, products of two activations. */
bool accuracy_varies(const struct accuracy *acc, int op);
/* ERR_DATA with the reason when a study asks for a width that the table does not hold. */
int accuracy_check_widths(const struct accuracy *acc, const int *bits, int n, struct err *err);

/* Proxy top-1 in % and its drop below fp32 in percentage points, for the widths of each operator ([n_ops]; read only where accuracy_varies()).
 * ERR_DATA for widths that the table does not hold. O(operators), allocates nothing. */
int accuracy_top1(const struct accuracy *acc, const int *w_bits, const int *a_bits, double *top1_percent,
                  double *drop_pp, struct err *err);
/* The same for the widths that the network has now. */
int accuracy_network(const struct accuracy *acc, const struct network *net, double *top1_percent, double *drop_pp,
                     struct err *err);
/* Omega alone. */
int accuracy_omega(const struct accuracy *acc, const int *w_bits, const int *a_bits, double *omega, struct err *err);

#endif
