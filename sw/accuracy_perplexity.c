/* Perplexity of an LLM by bits: ln(PPL / PPL of fp16) = exp(c0 - c1 * b) + kv + activations.
 *
 * b is bits per weight, scales and all. c0 and c1 are fitted for each model by least squares in ln PPL to half of the published rows above
 * 3 bits (sw/accuracy/llm_perplexity.csv: role 'fit'; 'check' are the others, 'below' those under 3 bits, where the law does not hold). Noise
 * of uniform rounding falls by 4 a bit, which would make c1 = ln 4 = 1.386. The terms of KV cache and activations have that slope, and a height
 * from one published number each that was recalled and not read: they are priors (sw/accuracy/llm_terms.csv). */
#include "sw/accuracy_parts.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { POINTS = 64 };
#define SLOPE_LEAST 0.3
#define SLOPE_MOST 3.0
#define SLOPE_STEPS 60 /* of the golden section: to 1e-12 */
#define FULL_BITS 16   /* without noise */

struct term {
    double c0, c1;
};

struct perplexity {
    char model[32], source[200];
    double base; /* at fp16 */
    struct term weights, kv, activations;
    int n_fit, n_check;
    double rms_fit, rms_check, worst_fit;
};

struct points {
    double bits[POINTS], excess[POINTS]; /* ln(PPL / base) */
    int n;
};

static const char rows_path[] = "sw/accuracy/llm_perplexity.csv", terms_path[] = "sw/accuracy/llm_terms.csv";

static double term_at(const struct term *t, double bits)
{
    return bits >= FULL_BITS ? 0 : exp(t->c0 - t->c1 * bits);
}

/* The best height for a slope, and the squared error that is left. */
static double error_at(const struct points *p, double c1, double *height)
{
    double with = 0, square = 0, error = 0;
    for (int i = 0; i < p->n; i++) {
        double x = exp(-c1 * p->bits[i]);
        with += p->excess[i] * x;
        square += x * x;
    }
    *height = with / square;
    for (int i = 0; i < p->n; i++) {
        double e = p->excess[i] - *height * exp(-c1 * p->bits[i]);
        error += e * e;
    }
    return error;
}

/* Golden section over the slope. */
static void fit(const struct points *p, struct term *out)
{
    const double golden = 0.6180339887498949;
    double lo = SLOPE_LEAST, hi = SLOPE_MOST, height;
    for (int i = 0; i < SLOPE_STEPS; i++) {
        double a = hi - golden * (hi - lo), b = lo + golden * (hi - lo);
        if (error_at(p, a, &height) < error_at(p, b, &height)) {
            hi = b;
        } else {
            lo = a;
        }
    }
    out->c1 = 0.5 * (lo + hi);
    error_at(p, out->c1, &height);
    out->c0 = log(height);
}

static double rms(const struct points *p, const struct term *t, double *worst)
{
    double sum = 0;
    *worst = 0;
    for (int i = 0; i < p->n; i++) {
        double e = fabs(p->excess[i] - term_at(t, p->bits[i]));
        sum += e * e;
        *worst = e > *worst ? e : *worst;
    }
    return p->n > 0 ? sqrt(sum / p->n) : 0;
}

/* The model's rows of a role; perplexities in excess[] until the base is known. */
static int read_rows(const struct csv *csv, struct perplexity *m, const char *role, struct points *p, struct err *err)
{
    p->n = 0;
    for (int row = 1; row < csv->rows && p->n < POINTS; row++) {
        const char *model, *own, *source;
        double bits, perplexity;
        if (csv_text(csv, row, "model", &model, err) || csv_text(csv, row, "role", &own, err) ||
            csv_text(csv, row, "source", &source, err) || csv_number(csv, row, "bits_per_weight", &bits, err) ||
            csv_number(csv, row, "perplexity", &perplexity, err)) {
            return -1;
        }
        if (strcmp(model, m->model) == 0 && strcmp(own, role) == 0) {
            snprintf(m->source, sizeof m->source, "%s", source);
            p->bits[p->n] = bits;
            p->excess[p->n++] = perplexity;
        }
    }
    return 0;
}

static int fit_rows(const struct csv *csv, struct perplexity *m, struct err *err)
{
    struct points base, own, check;
    double worst;
    if (read_rows(csv, m, "fp16", &base, err) || read_rows(csv, m, "check", &check, err) ||
        read_rows(csv, m, "fit", &own, err)) {
        return -1;
    }
    if (base.n != 1 || own.n < 2) {
        return err_set(err, ERR_BUG, "%s: '%s' has too few rows", rows_path, m->model);
    }
    m->base = base.excess[0];
    for (int i = 0; i < own.n; i++) {
        own.excess[i] = log(own.excess[i] / m->base);
    }
    for (int i = 0; i < check.n; i++) {
        check.excess[i] = log(check.excess[i] / m->base);
    }
    fit(&own, &m->weights);
    m->n_fit = own.n;
    m->n_check = check.n;
    m->rms_fit = rms(&own, &m->weights, &m->worst_fit);
    m->rms_check = rms(&check, &m->weights, &worst);
    return 0;
}

static int read_term(const struct csv *csv, const char *name, struct term *out, struct err *err)
{
    for (int row = 1; row < csv->rows; row++) {
        const char *own;
        if (csv_text(csv, row, "term", &own, err)) {
            return -1;
        }
        if (strcmp(own, name) == 0) {
            return csv_number(csv, row, "c0", &out->c0, err) || csv_number(csv, row, "c1", &out->c1, err) ? -1 : 0;
        }
    }
    return err_set(err, ERR_BUG, "%s: no term '%s'", terms_path, name);
}

/* False at the end of the table. */
static bool next_model(const struct csv *csv, int *row, const char **model)
{
    struct err err = ERR_INIT;
    const char *last = *model, *own = last;
    while (*row < csv->rows && csv_text(csv, *row, "model", &own, &err) == 0 && strcmp(own, last) == 0) {
        ++*row;
    }
    *model = own;
    return *row < csv->rows;
}

static bool has_model(const struct csv *csv, const char *llm)
{
    const char *model = "";
    for (int row = 1; next_model(csv, &row, &model);) {
        if (strcmp(model, llm) == 0) {
            return true;
        }
    }
    return false;
}

struct perplexity *perplexity_load(const char *llm, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    struct csv rows = {0}, terms = {0};
    struct err err = ERR_INIT;
    struct perplexity *p = mem_alloc(sizeof *p);
    bool found = false;
    snprintf(p->model, sizeof p->model, "%s", llm);
    int rc = accuracy_table_open(rows_path, &rows, &err) || accuracy_table_open(terms_path, &terms, &err);
    if (rc == 0) {
        found = has_model(&rows, llm);
        rc = found && (fit_rows(&rows, p, &err) || read_term(&terms, "kv", &p->kv, &err) ||
                       read_term(&terms, "activations", &p->activations, &err));
    }
    if (rc) {
        diags_error(d, nowhere, NULL, "%s", err.text);
    }
    csv_release(&rows);
    csv_release(&terms);
    if (rc || !found) {
        mem_free(p);
        return NULL;
    }
    return p;
}

void perplexity_free(struct perplexity *p)
{
    mem_free(p);
}

void perplexity_names(struct strbuf *out)
{
    struct csv rows = {0};
    struct err err = ERR_INIT;
    const char *model = "";
    if (accuracy_table_open(rows_path, &rows, &err) == 0) {
        for (int row = 1, n = 0; next_model(&rows, &row, &model); n++) {
            strbuf_addf(out, "%s%s", n ? ", " : "", model);
        }
    }
    csv_release(&rows);
}

void perplexity_info(const struct perplexity *p, struct accuracy_info *out)
{
    *out = (struct accuracy_info){
        .proxy = p->model,
        .kind = accuracy_kind_names[ACCURACY_TABLE],
        .metric = "WikiText-2 perplexity",
        .source = p->source,
        .baseline_percent = p->base,
        .scale_pp = p->weights.c0,
        .omega_scale = p->weights.c1,
        .n_points = p->n_fit,
        .rmse_pp = p->rms_fit,
        .max_error_pp = p->worst_fit,
        .loo_rmse_pp = p->rms_check,
    };
}

double perplexity_at(const struct perplexity *p, double bits_per_weight, double kv_bits, double a_bits)
{
    return p->base *
           exp(term_at(&p->weights, bits_per_weight) + term_at(&p->kv, kv_bits) + term_at(&p->activations, a_bits));
}

int perplexity_evaluate(const struct perplexity *p, const struct network *net, struct accuracy_result *out,
                        struct err *err)
{
    double weights = 0, bits = 0, macs = 0, activations = 0, kv = 0, cached = 0;
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        if (op->kind == OP_TENSOR && op->weights_input < 0) {
            double m = (double)einsum_macs(&op->einsum);
            weights += (double)op->weights;
            bits += (double)op->weights * op->w_bits + (double)op->scale_bits;
            macs += m;
            activations += m * term_at(&p->activations, op->a_bits);
        }
    }
    for (int a = 0; a < net->n_acts; a++) {
        double n = net->act[a].in_memory ? (double)net->act[a].elements : 0;
        kv += n * term_at(&p->kv, net->act[a].bits);
        cached += n;
    }
    if (weights <= 0) {
        return err_set(err, ERR_DATA, "network '%s' has no weights to be quantized", net->name);
    }
    out->perplexity = p->base * exp(term_at(&p->weights, bits / weights) + (cached > 0 ? kv / cached : 0) +
                                    (macs > 0 ? activations / macs : 0));
    return 0;
}
