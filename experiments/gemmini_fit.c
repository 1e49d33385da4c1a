/* The fit. Unknowns are the logarithms of the coefficients, so that these stay above 0. Soft L1 by reweighting: residuals r weigh
 * (1 + (r / S)^2)^(-1/2), and a faint pull towards the start keeps what the rows say nothing about where it is. */
#include "experiments/gemmini.h"

#include "base/mem.h"

#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <string.h>

#define SCALE 0.1
#define PULL 0.02
#define ROUNDS 12
#define STEPS 12

/* Where it starts: what the hardware's description suggests. */
static const double start[GEMMINI_COEFFICIENTS] = {
    [GEMMINI_BEAT] = 1.2,   [GEMMINI_BANK] = 0.7,         [GEMMINI_MISS_L2] = 7,      [GEMMINI_MISS_LLC] = 7,
    [GEMMINI_STORE] = 2.7,  [GEMMINI_STORE_L2] = 20,      [GEMMINI_STORE_LLC] = 20,   [GEMMINI_COVER] = 0.37,
    [GEMMINI_ISSUE] = 0.46, [GEMMINI_MACRO_MATMUL] = 125, [GEMMINI_MACRO_CONV] = 260, [GEMMINI_LATENCY] = 55,
    [GEMMINI_SLOT] = 0.55,  [GEMMINI_START] = 665};

struct problem {
    const struct gemmini_rows *rows;
    const bool *skip;
    const double *weight; /* [n] roots of the weights of this round, 0: left out */
};

static double share_of(const struct gemmini_row *r)
{
    return r->work.array == 16 ? 1 : GEMMINI_OTHER_ARRAYS;
}

static int residuals(const gsl_vector *x, void *data, gsl_vector *f)
{
    const struct problem *p = data;
    double coef[GEMMINI_COEFFICIENTS];
    size_t n = (size_t)p->rows->n;
    for (size_t i = 0; i < GEMMINI_COEFFICIENTS; i++) {
        coef[i] = exp(gsl_vector_get(x, i));
        gsl_vector_set(f, n + i, PULL * log(coef[i] / start[i]));
    }
    for (size_t i = 0; i < n; i++) {
        const struct gemmini_row *r = &p->rows->row[i];
        double w = p->weight[i];
        gsl_vector_set(f, i, w > 0 ? w * (gemmini_cycles(&r->work, coef) / r->measured - 1) : 0);
    }
    return GSL_SUCCESS;
}

/* This round's weights, from the residuals of the last. */
static void reweigh(const struct problem *p, const double *coef, double *weight)
{
    for (int i = 0; i < p->rows->n; i++) {
        const struct gemmini_row *r = &p->rows->row[i];
        double share = sqrt(share_of(r)), f = share * (gemmini_cycles(&r->work, coef) / r->measured - 1) / SCALE;
        bool out = r->broken || (p->skip != NULL && p->skip[r->layer]);
        weight[i] = out ? 0 : share * pow(1 + f * f, -0.25);
    }
}

int gemmini_fit(const struct gemmini_rows *train, const bool *skip, double out[GEMMINI_COEFFICIENTS], struct err *err)
{
    size_t k = GEMMINI_COEFFICIENTS, n = (size_t)train->n + k;
    if (train->n < 10 * GEMMINI_COEFFICIENTS) {
        return err_set(err, ERR_DATA, "%d rows are too few to calibrate on", train->n);
    }
    double *weight = mem_calloc(n, sizeof *weight);
    struct problem p = {train, skip, weight};
    gsl_multifit_nlinear_fdf fdf = {.f = residuals, .n = n, .p = k, .params = &p};
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, n, k);
    gsl_vector *x = gsl_vector_alloc(k);
    memcpy(out, start, sizeof start);
    int rc = 0;
    for (int round = 0; round < ROUNDS && rc == 0; round++) {
        int info;
        reweigh(&p, out, weight);
        for (size_t i = 0; i < k; i++) {
            gsl_vector_set(x, i, log(out[i]));
        }
        gsl_multifit_nlinear_init(x, &fdf, w);
        rc = gsl_multifit_nlinear_driver(STEPS, 1e-6, 1e-8, 1e-8, NULL, NULL, &info, w);
        rc = rc == GSL_EMAXITER || rc == GSL_ENOPROG ? 0 : rc;
        for (size_t i = 0; i < k; i++) {
            out[i] = exp(gsl_vector_get(gsl_multifit_nlinear_position(w), i));
        }
    }
    gsl_vector_free(x);
    gsl_multifit_nlinear_free(w);
    mem_free(weight);
    return rc == 0 ? 0 : err_set(err, ERR_DATA, "the calibration does not converge: %s", gsl_strerror(rc));
}
