/* The link from a sensitivity to a drop in accuracy: drop = scale * (1 - exp(-omega / omega_scale)). */
#ifndef SW_ACCURACY_LINK_H
#define SW_ACCURACY_LINK_H

#include "base/err.h"

struct accuracy_link {
    double scale_pp, omega_scale; /* both > 0 */
    double rmse_pp, max_error_pp; /* residual at the points that it was fitted to */
    double loo_rmse_pp;           /* each point predicted from all others */
};

double accuracy_link_drop(const struct accuracy_link *link, double omega); /* percentage points */
/* Least squares over n >= 4 points (omega > 0, drop in percentage points). ERR_BUG when the fit does not converge. n + 1 fits. */
int accuracy_link_fit(const double *omega, const double *drop_pp, int n, struct accuracy_link *out, struct err *err);

#endif
