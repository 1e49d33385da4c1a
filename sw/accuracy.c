/* The kinds of accuracy model under one handle. */
#include "sw/accuracy_parts.h"

#include "base/diag.h"
#include "base/embed.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const accuracy_kind_names[] = {"sensitivity", "sqnr", "table", NULL};
_Static_assert(sizeof accuracy_kind_names / sizeof *accuracy_kind_names == ACCURACY_KIND_COUNT + 1, "a name for each");

struct accuracy { /* one of these */
    struct sensitivity *sensitivity;
    struct sqnr *sqnr;
    struct cnn_table *cnn;
    struct perplexity *perplexity;
};

int accuracy_table_open(const char *path, struct csv *out, struct err *err)
{
    const struct embed *file = embed_find(path);
    if (file == NULL) {
        return err_set(err, ERR_BUG, "'%s' is missing in this program", path);
    }
    return csv_parse(file->path, file->data, file->len, out, err);
}

/* An LLM's table names its size ("Llama-3-8B"); a network of another size has other perplexities. */
static void compare_size(const char *llm, const struct network *net, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    const char *dash = strrchr(llm, '-');
    double stated = dash != NULL ? 1e9 * strtod(dash + 1, NULL) : 0;
    struct network_totals t;
    network_totals(net, &t);
    double own = (double)t.weights + (double)t.biases;
    if (stated > 0 && (own < 0.7 * stated || own > 1.4 * stated)) {
        diags_warning(d, nowhere, NULL,
                      "table '%s' is of an LLM of %.3g billion parameters, network '%s' has %.3g billion: its "
                      "perplexities may be far off",
                      llm, stated * 1e-9, net->name, own * 1e-9);
    }
}

/* A series of the CNN table, or an LLM; without a name the series that fits the network. */
static void open_table(struct accuracy *acc, const char *name, const struct network *net, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    int before = d->n_errors;
    acc->cnn = cnn_table_load(name, net, d);
    if (acc->cnn == NULL && d->n_errors == before && name != NULL) {
        acc->perplexity = perplexity_load(name, d);
        if (acc->perplexity != NULL) {
            compare_size(name, net, d);
        }
    }
    if (acc->cnn != NULL || acc->perplexity != NULL || d->n_errors > before) {
        return;
    }
    struct strbuf help = STRBUF_INIT;
    strbuf_adds(&help, "'table' is a series of CNNs (");
    cnn_table_names(&help);
    strbuf_adds(&help, "), or an LLM (");
    perplexity_names(&help);
    strbuf_adds(&help, ")");
    if (name != NULL) {
        diags_error(d, nowhere, strbuf_str(&help), "no table '%s' of published accuracies", name);
    } else {
        diags_error(d, nowhere, strbuf_str(&help), "no table of published accuracies has network '%s'", net->name);
    }
    strbuf_release(&help);
}

struct accuracy *accuracy_open(const struct accuracy_request *r, const struct network *net, struct diags *d)
{
    struct accuracy *acc = mem_alloc(sizeof *acc);
    switch (r->kind) {
    case ACCURACY_SENSITIVITY:
        acc->sensitivity = sensitivity_load(r->proxy != NULL ? r->proxy : "hawqv3", net, d);
        break;
    case ACCURACY_SQNR:
        acc->sqnr = sqnr_load(r, net, d);
        break;
    default:
        open_table(acc, r->table, net, d);
        break;
    }
    if (!acc->sensitivity && !acc->sqnr && !acc->cnn && !acc->perplexity) {
        mem_free(acc);
        return NULL;
    }
    return acc;
}

struct accuracy *accuracy_load(const char *proxy, const struct network *net, struct diags *d)
{
    return accuracy_open(&(struct accuracy_request){.kind = ACCURACY_SENSITIVITY, .proxy = proxy}, net, d);
}

void accuracy_free(struct accuracy *acc)
{
    if (acc != NULL) {
        sensitivity_free(acc->sensitivity);
        sqnr_free(acc->sqnr);
        cnn_table_free(acc->cnn);
        perplexity_free(acc->perplexity);
        mem_free(acc);
    }
}

void accuracy_info(const struct accuracy *acc, struct accuracy_info *out)
{
    if (acc->sensitivity) {
        sensitivity_info(acc->sensitivity, out);
    } else if (acc->sqnr) {
        sqnr_info(acc->sqnr, out);
    } else if (acc->cnn) {
        cnn_table_info(acc->cnn, out);
    } else {
        perplexity_info(acc->perplexity, out);
    }
}

void accuracy_canonical(const struct accuracy *acc, struct strbuf *out)
{
    struct accuracy_info info;
    accuracy_info(acc, &info);
    strbuf_addf(out, "accuracy %s %.17g %.17g %.17g\n", info.proxy, info.baseline_percent, info.scale_pp,
                info.omega_scale);
    if (acc->sqnr) {
        sqnr_canonical(acc->sqnr, out);
    } else if (acc->cnn) {
        cnn_table_canonical(acc->cnn, out);
    }
}

bool accuracy_varies(const struct accuracy *acc, int op)
{
    return acc->sensitivity == NULL || sensitivity_varies(acc->sensitivity, op);
}

int accuracy_check_widths(const struct accuracy *acc, const int *bits, int n, struct err *err)
{
    return acc->sensitivity ? sensitivity_check_widths(acc->sensitivity, bits, n, err) : 0;
}

bool accuracy_has(const struct accuracy *acc, enum accuracy_metric metric)
{
    switch (metric) {
    case ACCURACY_TOP1:
    case ACCURACY_DROP:
        return acc->sensitivity || acc->cnn;
    case ACCURACY_SQNR_OUT:
    case ACCURACY_SQNR_WORST:
        return acc->sqnr != NULL;
    case ACCURACY_PERPLEXITY:
        return acc->perplexity != NULL;
    }
    return false;
}

int accuracy_evaluate(const struct accuracy *acc, const struct network *net, struct accuracy_result *out,
                      struct err *err)
{
    const double nan = (double)NAN;
    *out = (struct accuracy_result){nan, nan, nan, nan, nan};
    return acc->sensitivity ? sensitivity_network(acc->sensitivity, net, &out->top1_percent, &out->drop_pp, err)
           : acc->sqnr      ? sqnr_evaluate(acc->sqnr, net, out, err)
           : acc->cnn       ? cnn_table_evaluate(acc->cnn, net, out, err)
                            : perplexity_evaluate(acc->perplexity, net, out, err);
}

int accuracy_top1(const struct accuracy *acc, const int *w_bits, const int *a_bits, double *top1_percent,
                  double *drop_pp, struct err *err)
{
    assert(acc->sensitivity != NULL);
    return sensitivity_top1(acc->sensitivity, w_bits, a_bits, top1_percent, drop_pp, err);
}

int accuracy_network(const struct accuracy *acc, const struct network *net, double *top1_percent, double *drop_pp,
                     struct err *err)
{
    assert(acc->sensitivity != NULL);
    return sensitivity_network(acc->sensitivity, net, top1_percent, drop_pp, err);
}

int accuracy_omega(const struct accuracy *acc, const int *w_bits, const int *a_bits, double *omega, struct err *err)
{
    assert(acc->sensitivity != NULL);
    return sensitivity_omega(acc->sensitivity, w_bits, a_bits, omega, err);
}
