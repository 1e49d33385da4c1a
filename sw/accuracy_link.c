/* Fitting the link by Levenberg-Marquardt (GSL), in the logarithms of its two constants, so that both stay positive.
 *
 * Why this form: of those with two constants it predicts a left-out point best, and it has no slope to extrapolate beyond the all-4-bit
 * network, where the published drops level off. Leave-one-out RMSE on HAWQ-V3's points, ResNet-18 and ResNet-50, percentage points:
 * a (1 - exp(-x/b)) .40 .25;  a x/(x+b) .47 .45;  a ln(1 + x/b) .54 .94;  a x^b .86 1.9. */
#include "sw/accuracy_link.h"

#include "base/mem.h"

#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>

struct points {
    const double *omega, *drop_pp;
    int n, left_out; /* left_out: index, -1 for none */
};

double accuracy_link_drop(const struct accuracy_link *link, double omega)
{
    return link->scale_pp * -expm1(-omega / link->omega_scale);
}

static int residuals(const gsl_vector *x, void *data, gsl_vector *f)
{
    const struct points *p = data;
    const struct accuracy_link link = {.scale_pp = exp(gsl_vector_get(x, 0)), .omega_scale = exp(gsl_vector_get(x, 1))};
    size_t row = 0;
    for (int i = 0; i < p->n; i++) {
        if (i != p->left_out) {
            gsl_vector_set(f, row++, accuracy_link_drop(&link, p->omega[i]) - p->drop_pp[i]);
        }
    }
    return GSL_SUCCESS;
}

/* Start: the largest drop, and the mean of omega. */
static void start(const struct points *p, gsl_vector *x)
{
    double top = 0.1, mean = 0.0;
    for (int i = 0; i < p->n; i++) {
        top = fmax(top, p->drop_pp[i]);
        mean += p->omega[i] / p->n;
    }
    gsl_vector_set(x, 0, log(top));
    gsl_vector_set(x, 1, log(mean));
}

static int fit(const struct points *p, struct accuracy_link *out, struct err *err)
{
    struct points points = *p;
    size_t rows = (size_t)(p->n - (p->left_out >= 0));
    gsl_multifit_nlinear_fdf problem = {.f = residuals, .n = rows, .p = 2, .params = &points};
    const gsl_multifit_nlinear_parameters params = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &params, rows, 2);
    gsl_vector *x = gsl_vector_alloc(2);
    int info, rc = 0;
    start(p, x);
    if (gsl_multifit_nlinear_init(x, &problem, w) ||
        gsl_multifit_nlinear_driver(200, 1e-10, 1e-10, 0.0, NULL, NULL, &info, w)) {
        rc = err_set(err, ERR_BUG, "the fit of accuracy against sensitivity does not converge");
    } else {
        const gsl_vector *at = gsl_multifit_nlinear_position(w);
        out->scale_pp = exp(gsl_vector_get(at, 0));
        out->omega_scale = exp(gsl_vector_get(at, 1));
    }
    gsl_vector_free(x);
    gsl_multifit_nlinear_free(w);
    return rc;
}

int accuracy_link_fit(const double *omega, const double *drop_pp, int n, struct accuracy_link *out, struct err *err)
{
    struct points p = {omega, drop_pp, n, -1};
    if (n < 4) {
        return err_set(err, ERR_DATA, "a link of two constants needs at least 4 accuracies, not %d", n);
    }
    if (fit(&p, out, err)) {
        return -1;
    }
    double sum = 0.0, loo_sum = 0.0;
    out->max_error_pp = 0.0;
    for (int i = 0; i < n; i++) {
        struct accuracy_link others;
        p.left_out = i;
        if (fit(&p, &others, err)) {
            return -1;
        }
        double error = accuracy_link_drop(out, omega[i]) - drop_pp[i];
        double loo = accuracy_link_drop(&others, omega[i]) - drop_pp[i];
        sum += error * error;
        loo_sum += loo * loo;
        out->max_error_pp = fmax(out->max_error_pp, fabs(error));
    }
    out->rmse_pp = sqrt(sum / n);
    out->loo_rmse_pp = sqrt(loo_sum / n);
    return 0;
}
