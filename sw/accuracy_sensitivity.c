/* The HAWQ-V3 proxy: its tables, matched to a network's operators, and the fitted link (accuracy_link.c).
 *
 * A model of the tables belongs to a network when each of its rows names an operator of the network with the row's MACs, and each
 * operator with weights that has no row is one whose bits are fixed (first and last). So ResNet-50 v1.5, whose stride sits elsewhere
 * and whose accuracy is another, is refused. */
#include "sw/accuracy_parts.h"

#include "base/csv.h"
#include "base/diag.h"
#include "base/embed.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/accuracy_link.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char proxy_name[] = "hawqv3";
static const int legal_widths[] = {4, 8};
enum { N_WIDTHS = sizeof legal_widths / sizeof *legal_widths };

struct sensitivity {
    int n_ops;
    bool *varies;              /* [n_ops] */
    double (*omega)[N_WIDTHS]; /* [n_ops], by index into legal_widths; 0 where the bits do not vary */
    char source[256];
    double baseline_percent;
    int n_points;
    struct accuracy_link link;
};

struct tables {
    struct csv layers, points;
};

static int load_table(const char *path, struct csv *out, struct err *err)
{
    const struct embed *file = embed_find(path);
    if (file == NULL) {
        return err_set(err, ERR_BUG, "'%s' is missing in this program", path);
    }
    return csv_parse(file->path, file->data, file->len, out, err);
}

static int load_tables(struct tables *t, struct err *err)
{
    memset(t, 0, sizeof *t);
    return load_table("sw/accuracy/hawqv3_layers.csv", &t->layers, err) ||
                   load_table("sw/accuracy/hawqv3_points.csv", &t->points, err)
               ? -1
               : 0;
}

static void release_tables(struct tables *t)
{
    csv_release(&t->layers);
    csv_release(&t->points);
}

/* Puts the row into the operator that it names. */
static int match_row(const struct csv *csv, int row, const struct network *net, struct sensitivity *acc,
                     struct err *err)
{
    const char *name, *source;
    double trace, dw2[N_WIDTHS], mmacs;
    if (csv_text(csv, row, "operator", &name, err) || csv_number(csv, row, "hessian_trace", &trace, err) ||
        csv_number(csv, row, "dw2_int4", &dw2[0], err) || csv_number(csv, row, "dw2_int8", &dw2[1], err) ||
        csv_number(csv, row, "macs_millions", &mmacs, err) || csv_text(csv, row, "source", &source, err)) {
        return -1;
    }
    int op = network_find_op(net, name);
    if (op < 0) {
        return err_set(err, ERR_DATA, "it has no operator '%s'", name);
    }
    double own = net->op[op].kind == OP_TENSOR ? (double)(einsum_macs(&net->op[op].einsum) / net->batch) : 0.0;
    if (fabs(own - 1e6 * mmacs) > 0.5) {
        return err_set(err, ERR_DATA, "'%s' has %.0f multiply-accumulates instead of %.0f", name, own, 1e6 * mmacs);
    }
    snprintf(acc->source, sizeof acc->source, "%s", source);
    acc->varies[op] = true;
    for (int w = 0; w < N_WIDTHS; w++) {
        acc->omega[op][w] = trace * dw2[w];
    }
    return 0;
}

static int match_model(const struct csv *csv, const char *model, const struct network *net, struct sensitivity *acc,
                       struct err *err)
{
    memset(acc->varies, 0, (size_t)acc->n_ops * sizeof *acc->varies);
    memset(acc->omega, 0, (size_t)acc->n_ops * sizeof *acc->omega);
    for (int row = 1; row < csv->rows; row++) {
        const char *of;
        if (csv_text(csv, row, "model", &of, err) || (strcmp(of, model) == 0 && match_row(csv, row, net, acc, err))) {
            return -1;
        }
    }
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        if (op->kind == OP_TENSOR && !op->fixed_bits && !acc->varies[i]) {
            return err_set(err, ERR_DATA, "its operator '%s' is not in the table", op->name);
        }
    }
    return 0;
}

/* Omega of a published configuration: one digit a layer, in the order of the table's rows for the model. */
static int point_omega(const struct csv *layers, const char *model, const char *digits, double *omega, struct err *err)
{
    size_t at = 0, n = strlen(digits);
    *omega = 0.0;
    for (int row = 1; row < layers->rows; row++) {
        const char *of;
        double trace, dw2;
        if (csv_text(layers, row, "model", &of, err)) {
            return -1;
        }
        if (strcmp(of, model) != 0) {
            continue;
        }
        bool four = at < n && digits[at] == '4';
        if (at >= n || (digits[at] != '4' && digits[at] != '8')) {
            return err_set(err, ERR_BUG, "%s: the bits '%s' do not fit the layers of '%s'", layers->name, digits,
                           model);
        }
        if (csv_number(layers, row, "hessian_trace", &trace, err) ||
            csv_number(layers, row, four ? "dw2_int4" : "dw2_int8", &dw2, err)) {
            return -1;
        }
        *omega += trace * dw2;
        at++;
    }
    return at == n
               ? 0
               : err_set(err, ERR_BUG, "%s: the bits '%s' do not fit the layers of '%s'", layers->name, digits, model);
}

static int fit_points(const struct tables *t, const char *model, struct sensitivity *acc, double *omega, double *top1,
                      struct err *err)
{
    acc->n_points = 0;
    for (int row = 1; row < t->points.rows; row++) {
        const char *of, *digits;
        double percent;
        if (csv_text(&t->points, row, "model", &of, err) || csv_text(&t->points, row, "bits", &digits, err) ||
            csv_number(&t->points, row, "top1_percent", &percent, err)) {
            return -1;
        }
        if (strcmp(of, model) != 0) {
            continue;
        }
        if (digits[0] == '\0') {
            acc->baseline_percent = percent;
        } else if (point_omega(&t->layers, model, digits, &omega[acc->n_points], err)) {
            return -1;
        } else {
            top1[acc->n_points++] = percent;
        }
    }
    for (int i = 0; i < acc->n_points; i++) {
        top1[i] = acc->baseline_percent - top1[i];
    }
    return accuracy_link_fit(omega, top1, acc->n_points, &acc->link, err);
}

static int fit_model(const struct tables *t, const char *model, struct sensitivity *acc, struct err *err)
{
    size_t n = (size_t)t->points.rows;
    double *omega = mem_calloc(n, sizeof *omega), *top1 = mem_calloc(n, sizeof *top1);
    int rc = fit_points(t, model, acc, omega, top1, err);
    mem_free(omega);
    mem_free(top1);
    return rc;
}

/* Tries the models of the table in turn; `why` says what the last one of the network's own name lacks. */
static bool find_model(const struct tables *t, const struct network *net, struct sensitivity *acc, const char **model,
                       struct err *why)
{
    const char *last = "";
    for (int row = 1; row < t->layers.rows; row++) {
        struct err err = ERR_INIT;
        if (csv_text(&t->layers, row, "model", model, &err) == 0 && strcmp(*model, last) != 0) {
            last = *model;
            if (match_model(&t->layers, *model, net, acc, &err) == 0) {
                return true;
            }
            if (strncmp(net->name, *model, strlen(*model)) == 0) {
                *why = err;
            }
        }
    }
    return false;
}

static int load(struct sensitivity *acc, const struct network *net, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    struct tables t;
    struct err err = ERR_INIT, why = ERR_INIT;
    const char *model = NULL;
    int rc = load_tables(&t, &err);
    if (rc == 0 && !find_model(&t, net, acc, &model, &why)) {
        rc = diags_error(d, nowhere, "it holds resnet18 and resnet50; leave accuracy out, or take one of these",
                         "the accuracy proxy '%s' has no table for network '%s'%s%s", proxy_name, net->name,
                         why.code ? ": " : "", why.text);
    } else if (rc == 0) {
        rc = fit_model(&t, model, acc, &err);
    }
    if (err.code != ERR_NONE) {
        diags_error(d, nowhere, NULL, "accuracy proxy '%s': %s", proxy_name, err.text);
    }
    release_tables(&t);
    return rc;
}

struct sensitivity *sensitivity_load(const char *proxy, const struct network *net, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    if (strcmp(proxy, proxy_name) != 0) {
        struct strbuf help = STRBUF_INIT;
        strbuf_addf(&help, "there is '%s'", proxy_name);
        diags_error(d, nowhere, strbuf_str(&help), "unknown accuracy proxy '%s'", proxy);
        strbuf_release(&help);
        return NULL;
    }
    struct sensitivity *acc = mem_alloc(sizeof *acc);
    acc->n_ops = net->n_ops;
    acc->varies = mem_calloc((size_t)net->n_ops, sizeof *acc->varies);
    acc->omega = mem_calloc((size_t)net->n_ops, sizeof *acc->omega);
    if (load(acc, net, d)) {
        sensitivity_free(acc);
        return NULL;
    }
    return acc;
}

void sensitivity_free(struct sensitivity *acc)
{
    if (acc != NULL) {
        mem_free(acc->varies);
        mem_free(acc->omega);
        mem_free(acc);
    }
}

void sensitivity_info(const struct sensitivity *acc, struct accuracy_info *out)
{
    *out = (struct accuracy_info){
        .proxy = proxy_name,
        .kind = accuracy_kind_names[ACCURACY_SENSITIVITY],
        .metric = "ImageNet top-1",
        .source = acc->source,
        .baseline_percent = acc->baseline_percent,
        .scale_pp = acc->link.scale_pp,
        .omega_scale = acc->link.omega_scale,
        .n_points = acc->n_points,
        .rmse_pp = acc->link.rmse_pp,
        .max_error_pp = acc->link.max_error_pp,
        .loo_rmse_pp = acc->link.loo_rmse_pp,
        .widths = legal_widths,
        .n_widths = N_WIDTHS,
        .equal_widths = true,
    };
}

bool sensitivity_varies(const struct sensitivity *acc, int op)
{
    return acc->varies[op];
}

static int width_index(int bits)
{
    for (int i = 0; i < N_WIDTHS; i++) {
        if (legal_widths[i] == bits) {
            return i;
        }
    }
    return -1;
}

int sensitivity_check_widths(const struct sensitivity *acc, const int *bits, int n, struct err *err)
{
    (void)acc;
    for (int i = 0; i < n; i++) {
        if (width_index(bits[i]) < 0) {
            return err_set(err, ERR_DATA, "the accuracy proxy '%s' knows 4 and 8 bits, not %d", proxy_name, bits[i]);
        }
    }
    return 0;
}

int sensitivity_omega(const struct sensitivity *acc, const int *w_bits, const int *a_bits, double *omega,
                      struct err *err)
{
    *omega = 0.0;
    for (int i = 0; i < acc->n_ops; i++) {
        if (!acc->varies[i]) {
            continue;
        }
        int w = width_index(w_bits[i]);
        if (w < 0 || a_bits[i] != w_bits[i]) {
            return err_set(err, ERR_DATA,
                           "the accuracy proxy '%s' knows weights and activations of "
                           "equal width, 4 or 8 bits, not %d and %d (operator %d)",
                           proxy_name, w_bits[i], a_bits[i], i);
        }
        *omega += acc->omega[i][w];
    }
    return 0;
}

int sensitivity_top1(const struct sensitivity *acc, const int *w_bits, const int *a_bits, double *top1_percent,
                     double *drop_pp, struct err *err)
{
    double omega;
    if (sensitivity_omega(acc, w_bits, a_bits, &omega, err)) {
        return -1;
    }
    *drop_pp = accuracy_link_drop(&acc->link, omega);
    *top1_percent = acc->baseline_percent - *drop_pp;
    return 0;
}

int sensitivity_network(const struct sensitivity *acc, const struct network *net, double *top1_percent, double *drop_pp,
                        struct err *err)
{
    double omega = 0.0;
    for (int i = 0; i < acc->n_ops; i++) {
        const struct op *op = &net->op[i];
        if (acc->varies[i] && op->w_quantizer.format != FORMAT_INT) {
            return err_set(err, ERR_DATA, "the accuracy proxy '%s' knows integers, not %s ('%s')", proxy_name,
                           number_format_names[op->w_quantizer.format], op->name);
        }
        int w = acc->varies[i] ? width_index(op->w_bits) : 0;
        if (w < 0 || (acc->varies[i] && op->a_bits != op->w_bits)) {
            return err_set(err, ERR_DATA,
                           "the accuracy proxy '%s' knows weights and activations of "
                           "equal width, 4 or 8 bits, not %d and %d ('%s')",
                           proxy_name, op->w_bits, op->a_bits, op->name);
        }
        omega += acc->omega[i][w];
    }
    *drop_pp = accuracy_link_drop(&acc->link, omega);
    *top1_percent = acc->baseline_percent - *drop_pp;
    return 0;
}
