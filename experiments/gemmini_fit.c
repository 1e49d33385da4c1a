/* The fit. Unknowns are the logarithms of the coefficients, so that these stay above 0. Soft L1 by reweighting: residuals r weigh
 * (1 + (r / S)^2)^(-1/2). A pull towards the start keeps a coefficient that the rows say little about where the hardware puts it. */
#include "experiments/gemmini.h"

#include "base/mem.h"

#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <string.h>

#define SCALE 0.1
#define ROUNDS 4
#define STEPS 8
#define ROWS 100 /* fewer are too few */

/* Where it starts: round numbers that the hardware's description suggests. A beat of the bus a cycle, half a cycle a bank; a line of 64
 * bytes over the 8 bytes a cycle behind the L2 cache, half of that from DDR3 besides; a store in two beats, its line fetched and written
 * back; a command that waits for a latency of 50 shared by five in flight; zeros, a row a cycle; 8 cycles to issue a command; half of a
 * macro instruction's time for two in flight. The processor's 200 cycles for a macro instruction and the start are guesses. */
static const double start[GEMMINI_COEFFICIENTS] = {
    [GEMMINI_BEAT] = 1,    [GEMMINI_BANK_IN] = 0.5,      [GEMMINI_BANK_W] = 0.5,      [GEMMINI_BANK_MATMUL] = 0.5,
    [GEMMINI_MISS_L2] = 8, [GEMMINI_MISS_LLC] = 4,       [GEMMINI_LOAD_COMMAND] = 10, [GEMMINI_ZERO_ROW] = 1,
    [GEMMINI_STORE] = 2,   [GEMMINI_STORE_L2] = 16,      [GEMMINI_STORE_LLC] = 16,    [GEMMINI_COVER] = 0.2,
    [GEMMINI_ISSUE] = 0.5, [GEMMINI_MACRO_MATMUL] = 200, [GEMMINI_MACRO_CONV] = 200,  [GEMMINI_LATENCY] = 50,
    [GEMMINI_SLOT] = 0.5,  [GEMMINI_SLOT_MATMUL] = 0.5,  [GEMMINI_START] = 500};

struct problem {
    const struct gemmini_row **row; /* [n] those that are fitted */
    const double *weight;           /* [n] roots of the weights of this round */
    size_t n;
    const struct gemmini_candidate *how;
};

static void read_coefficients(const struct problem *p, const gsl_vector *x, struct calibration *out)
{
    out->form = p->how->form;
    for (size_t i = 0; i < GEMMINI_COEFFICIENTS; i++) {
        out->coef[i] = exp(gsl_vector_get(x, i));
    }
}

static int residuals(const gsl_vector *x, void *data, gsl_vector *f)
{
    const struct problem *p = data;
    struct calibration k;
    read_coefficients(p, x, &k);
    for (size_t i = 0; i < p->n; i++) {
        gsl_vector_set(f, i, p->weight[i] * (gemmini_cycles(&p->row[i]->work, &k) / p->row[i]->measured - 1));
    }
    for (size_t i = 0; i < GEMMINI_COEFFICIENTS; i++) {
        gsl_vector_set(f, p->n + i, p->how->pull * log(k.coef[i] / start[i]));
    }
    return GSL_SUCCESS;
}

/* This round's weights, from the residuals of the last. */
static void reweigh(const struct problem *p, const struct calibration *k, double *weight)
{
    for (size_t i = 0; i < p->n; i++) {
        double f = (gemmini_cycles(&p->row[i]->work, k) / p->row[i]->measured - 1) / SCALE;
        weight[i] = pow(1 + f * f, -0.25);
    }
}

static int solve(struct problem *p, double *weight, struct calibration *out)
{
    size_t k = GEMMINI_COEFFICIENTS, n = p->n + k;
    gsl_multifit_nlinear_fdf fdf = {.f = residuals, .n = n, .p = k, .params = p};
    gsl_multifit_nlinear_parameters how = gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &how, n, k);
    gsl_vector *x = gsl_vector_alloc(k);
    int rc = 0;
    for (int round = 0; round < ROUNDS && rc == 0; round++) {
        int info;
        reweigh(p, out, weight);
        for (size_t i = 0; i < k; i++) {
            gsl_vector_set(x, i, log(out->coef[i]));
        }
        gsl_multifit_nlinear_init(x, &fdf, w);
        rc = gsl_multifit_nlinear_driver(STEPS, 1e-6, 1e-8, 1e-8, NULL, NULL, &info, w);
        rc = rc == GSL_EMAXITER || rc == GSL_ENOPROG ? 0 : rc;
        read_coefficients(p, gsl_multifit_nlinear_position(w), out);
    }
    gsl_vector_free(x);
    gsl_multifit_nlinear_free(w);
    return rc;
}

int gemmini_fit(const struct gemmini_rows *rows, const struct gemmini_candidate *how, const bool *skip,
                struct calibration *out, struct err *err)
{
    if (rows->held_out) {
        return err_set(err, ERR_DATA, "these rows are held out: they are scored, never fitted to");
    }
    struct problem p = {.row = mem_calloc((size_t)rows->n + 1, sizeof *p.row), .how = how};
    double *weight = mem_calloc((size_t)rows->n + 1, sizeof *weight);
    for (int i = 0; i < rows->n; i++) {
        if (rows->row[i].usable && !(skip != NULL && skip[i])) {
            p.row[p.n++] = &rows->row[i];
        }
    }
    p.weight = weight;
    out->form = how->form;
    memcpy(out->coef, start, sizeof start);
    size_t n = p.n;
    int rc = n < ROWS ? 0 : solve(&p, weight, out);
    mem_free(p.row);
    mem_free(weight);
    if (n < ROWS) {
        return err_set(err, ERR_DATA, "%d rows are too few to calibrate on", (int)n);
    }
    return rc == 0 ? 0 : err_set(err, ERR_DATA, "the calibration does not converge: %s", gsl_strerror(rc));
}
