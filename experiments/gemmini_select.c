/* The candidates: the machine with all its parts under three strengths of the pull, and with one part left out at a time. The hardware's
 * source (ucb-bar/gemmini) says that the parts are there; so the training rows have to show that the model does better without one before it
 * is left out, and that it needs a weaker pull before it gets one: of the candidates that are no worse than the best by more than one
 * standard error, the first in the list is taken. */
#include "experiments/gemmini_select.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

#define ALL GEMMINI_ALL_TERMS
#define PULL 0.3

const struct gemmini_candidate gemmini_candidates[] = {
    {"all terms, pull 1", ALL, 1},
    {"all terms, pull 0.3", ALL, PULL},
    {"all terms, pull 0.1", ALL, 0.1},
    {"one cost of banks for inputs and weights", ALL & ~GEMMINI_BANKS_INPUTS, PULL},
    {"one cost of banks for both kinds of operators", ALL & ~GEMMINI_BANKS_MATMULS, PULL},
    {"no banks", ALL & ~(GEMMINI_BANKS | GEMMINI_BANKS_INPUTS | GEMMINI_BANKS_MATMULS), PULL},
    {"no time of load commands", ALL & ~GEMMINI_LOAD_COMMANDS, PULL},
    {"no zeros", ALL & ~GEMMINI_ZERO_ROWS, PULL},
    {"no lines covered in part", ALL & ~GEMMINI_COVERS, PULL},
    {"one slot for both kinds of operators", ALL & ~GEMMINI_SLOTS, PULL},
    {"loads and stores side by side", ALL & ~GEMMINI_ONE_BUS, PULL},
    {"first load and last store hidden", ALL & ~GEMMINI_EXPOSED, PULL},
    {"the mean macro instruction", ALL & ~GEMMINI_EVERY_KIND, PULL}};
const int gemmini_n_candidates = sizeof gemmini_candidates / sizeof *gemmini_candidates;

/* Predicts the rows with aside[i] by a fit to those that are neither aside nor skipped. */
static int predict(const struct gemmini_rows *train, const struct gemmini_candidate *how, const bool *skip,
                   const bool *aside, double *cycles, struct err *err)
{
    struct calibration k;
    bool *out = mem_calloc((size_t)train->n + 1, sizeof *out);
    for (int i = 0; i < train->n; i++) {
        out[i] = aside[i] || (skip != NULL && skip[i]);
    }
    int rc = gemmini_fit(train, how, out, &k, err);
    for (int i = 0; i < train->n && rc == 0; i++) {
        if (aside[i] && train->row[i].usable) {
            cycles[i] = gemmini_cycles(&train->row[i].work, &k);
        }
    }
    mem_free(out);
    return rc;
}

int gemmini_cross(const struct gemmini_rows *train, const struct gemmini_candidate *how, const bool *skip,
                  double *cycles, struct err *err)
{
    bool *aside = mem_calloc((size_t)train->n + 1, sizeof *aside);
    int rc = 0;
    for (int fold = 0; fold < GEMMINI_FOLDS && rc == 0; fold++) {
        for (int i = 0; i < train->n; i++) {
            aside[i] = train->row[i].layer % GEMMINI_FOLDS == fold && !(skip != NULL && skip[i]);
        }
        rc = predict(train, how, skip, aside, cycles, err);
    }
    mem_free(aside);
    return rc;
}

double gemmini_mean_error(const struct gemmini_rows *rows, const bool *skip, const double *cycles)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < rows->n; i++) {
        if (rows->row[i].usable && !(skip != NULL && skip[i])) {
            sum += fabs(cycles[i] / rows->row[i].measured - 1);
            n++;
        }
    }
    return n > 0 ? sum / n : 0;
}

/* Standard error of the difference of two mean errors, rows of one layer taken as one observation. */
static double spread_of(const struct gemmini_rows *train, const bool *skip, const double *a, const double *b)
{
    double *layer = mem_calloc((size_t)train->n_layers + 1, sizeof *layer), sum = 0;
    int n = 0;
    for (int i = 0; i < train->n; i++) {
        const struct gemmini_row *r = &train->row[i];
        if (r->usable && !(skip != NULL && skip[i])) {
            layer[r->layer] += fabs(a[i] / r->measured - 1) - fabs(b[i] / r->measured - 1);
            n++;
        }
    }
    for (int l = 0; l < train->n_layers; l++) {
        sum += layer[l] * layer[l];
    }
    mem_free(layer);
    return n > 0 ? sqrt(sum) / n : 0;
}

int gemmini_select(const struct gemmini_rows *train, const bool *skip, int *best, double *error, double *spread,
                   struct err *err)
{
    int failed = 0, least = 0, n = gemmini_n_candidates;
    size_t rows = (size_t)train->n + 1;
    double *cycles = mem_calloc((size_t)n * rows, sizeof *cycles);
#pragma omp parallel for schedule(dynamic) default(none)                                                               \
    shared(n, rows, train, skip, cycles, error, failed, err, gemmini_candidates)
    for (int c = 0; c < n; c++) {
        struct err why = ERR_INIT;
        double *mine = cycles + (size_t)c * rows;
        int rc = gemmini_cross(train, &gemmini_candidates[c], skip, mine, &why);
        error[c] = gemmini_mean_error(train, skip, mine);
        if (rc != 0) {
#pragma omp critical
            failed = err_set(err, why.code, "%s", why.text);
        }
    }
    for (int c = 1; c < n; c++) {
        least = error[c] < error[least] ? c : least;
    }
    *best = least;
    for (int c = n - 1; c >= 0; c--) {
        spread[c] = spread_of(train, skip, cycles + (size_t)c * rows, cycles + (size_t)least * rows);
        *best = error[c] - error[least] <= spread[c] ? c : *best;
    }
    mem_free(cycles);
    return failed;
}

int gemmini_nested(const struct gemmini_rows *train, double *cycles, int *chosen, struct err *err)
{
    bool *aside = mem_calloc((size_t)train->n + 1, sizeof *aside);
    double *error = mem_calloc(2 * (size_t)gemmini_n_candidates, sizeof *error);
    int rc = 0;
    for (int n = 0; n < train->n_networks && rc == 0; n++) {
        for (int i = 0; i < train->n; i++) {
            aside[i] = train->row[i].network == n;
        }
        rc = gemmini_select(train, aside, &chosen[n], error, error + gemmini_n_candidates, err);
        if (rc == 0) {
            rc = predict(train, &gemmini_candidates[chosen[n]], NULL, aside, cycles, err);
        }
    }
    mem_free(aside);
    mem_free(error);
    return rc;
}
