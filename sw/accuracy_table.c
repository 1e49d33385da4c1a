/* Published top-1 of CNNs by widths (sw/accuracy/cnn_accuracy.csv, a source in each row).
 *
 * A series is one paper's or library's runs from one set of fp32 weights, so a drop is the difference within a series. A row belongs to a network
 * of as many MACs a sample, whatever format it was read from. The rows have all layers alike (first and last at 8 bits); where a network's differ,
 * the drop is the mean of the rows' by the layers' weights: a guess between published points, and only between them. */
#include "sw/accuracy_parts.h"

#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <string.h>

enum { POINTS = 16, FP32 = 32 };

struct cnn_table {
    char series[32], source[160];
    double baseline_percent;
    struct {
        int w_bits, a_bits;
        double top1_percent;
    } point[POINTS];
    int n;
};

static const char table_path[] = "sw/accuracy/cnn_accuracy.csv";

/* MACs of one sample: what tells that a network is the one of the table. */
static double macs_of(const struct network *net)
{
    struct network_totals t;
    network_totals(net, &t);
    return (double)t.macs / (double)net->batch;
}

static int take_row(const struct csv *csv, int row, struct cnn_table *t, struct err *err)
{
    double w, a, top1;
    const char *source;
    if (csv_number(csv, row, "w_bits", &w, err) || csv_number(csv, row, "a_bits", &a, err) ||
        csv_number(csv, row, "top1_percent", &top1, err) || csv_text(csv, row, "source", &source, err)) {
        return -1;
    }
    if (t->n == POINTS) {
        return err_set(err, ERR_BUG, "%s: more than %d rows of a series", table_path, POINTS);
    }
    t->point[t->n].w_bits = (int)w;
    t->point[t->n].a_bits = (int)a;
    t->point[t->n++].top1_percent = top1;
    if ((int)w == FP32) {
        t->baseline_percent = top1;
        snprintf(t->source, sizeof t->source, "%s", source);
    }
    return 0;
}

/* Rows of the series (the first that fits, when there is no name) for these MACs; sets `known` when the series exists at all. */
static int take_rows(const struct csv *csv, const char *series, double macs, struct cnn_table *t, bool *known,
                     struct err *err)
{
    for (int row = 1; row < csv->rows; row++) {
        const char *of;
        double own;
        if (csv_text(csv, row, "series", &of, err) || csv_number(csv, row, "macs_per_sample", &own, err)) {
            return -1;
        }
        *known |= series != NULL && strcmp(series, of) == 0;
        bool wanted = series == NULL ? t->n == 0 || strcmp(t->series, of) == 0 : strcmp(series, of) == 0;
        if (!wanted || own < macs - 0.5 || own > macs + 0.5) {
            continue;
        }
        snprintf(t->series, sizeof t->series, "%s", of);
        if (take_row(csv, row, t, err)) {
            return -1;
        }
    }
    return 0;
}

struct cnn_table *cnn_table_load(const char *series, const struct network *net, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    struct csv csv = {0};
    struct err err = ERR_INIT;
    struct cnn_table *t = mem_alloc(sizeof *t);
    bool known = false;
    if (accuracy_table_open(table_path, &csv, &err) || take_rows(&csv, series, macs_of(net), t, &known, &err)) {
        diags_error(d, nowhere, NULL, "%s", err.text);
    } else if (t->n == 0 && known) {
        diags_error(d, nowhere, "it holds resnet18, resnet50, mobilenet_v2, told by their MACs",
                    "the series '%s' of published accuracies does not have network '%s'", series, net->name);
    }
    csv_release(&csv);
    if (t->n == 0 || err.code != ERR_NONE) {
        mem_free(t);
        return NULL;
    }
    return t;
}

void cnn_table_free(struct cnn_table *t)
{
    mem_free(t);
}

void cnn_table_info(const struct cnn_table *t, struct accuracy_info *out)
{
    *out = (struct accuracy_info){
        .proxy = t->series,
        .kind = accuracy_kind_names[ACCURACY_TABLE],
        .metric = "ImageNet top-1",
        .source = t->source,
        .baseline_percent = t->baseline_percent,
    };
}

void cnn_table_canonical(const struct cnn_table *t, struct strbuf *out)
{
    for (int i = 0; i < t->n; i++) {
        strbuf_addf(out, "%d %d %.17g\n", t->point[i].w_bits, t->point[i].a_bits, t->point[i].top1_percent);
    }
}

void cnn_table_names(struct strbuf *out)
{
    struct csv csv = {0};
    struct err err = ERR_INIT;
    const char *last = "", *of;
    if (accuracy_table_open(table_path, &csv, &err) == 0) {
        for (int row = 1; row < csv.rows && csv_text(&csv, row, "series", &of, &err) == 0; row++) {
            if (strcmp(of, last) != 0) {
                strbuf_addf(out, "%s%s", row > 1 ? ", " : "", of);
                last = of;
            }
        }
    }
    csv_release(&csv);
}

/* Drop of one layer's widths, in percentage points. */
static int drop_at(const struct cnn_table *t, const struct op *op, double *drop, struct err *err)
{
    for (int i = 0; i < t->n; i++) {
        if (t->point[i].w_bits == op->w_bits && t->point[i].a_bits == op->a_bits) {
            *drop = t->baseline_percent - t->point[i].top1_percent;
            return 0;
        }
    }
    struct strbuf known = STRBUF_INIT;
    for (int i = 0; i < t->n; i++) {
        strbuf_addf(&known, "%s%d/%d", i ? ", " : "", t->point[i].w_bits, t->point[i].a_bits);
    }
    int rc =
        err_set(err, ERR_DATA, "the accuracies of '%s' have weights/activations of %s bits, not %d/%d (operator '%s')",
                t->series, strbuf_str(&known), op->w_bits, op->a_bits, op->name);
    strbuf_release(&known);
    return rc;
}

int cnn_table_evaluate(const struct cnn_table *t, const struct network *net, struct accuracy_result *out,
                       struct err *err)
{
    double sum = 0, weights = 0;
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        double drop;
        if (op->kind != OP_TENSOR || op->weights_input >= 0 || op->fixed_bits) {
            continue;
        }
        if (op->w_quantizer.format != FORMAT_INT) {
            return err_set(err, ERR_DATA, "the accuracies of '%s' are of integers, not %s (operator '%s')", t->series,
                           number_format_names[op->w_quantizer.format], op->name);
        }
        if (drop_at(t, op, &drop, err)) {
            return -1;
        }
        sum += drop * (double)op->weights;
        weights += (double)op->weights;
    }
    out->drop_pp = weights > 0 ? sum / weights : 0;
    out->top1_percent = t->baseline_percent - out->drop_pp;
    return 0;
}
