/* What bits cost in accuracy: a proxy, and called one wherever its numbers are shown. Four kinds, always labelled:
 *
 * sensitivity  "hawqv3": Omega = sum over layers of (normalised Hessian trace * squared weight perturbation at the layer's bits), as published
 *              for ResNet-18 and ResNet-50 (Z. Dong et al., HAWQ-V3, ICML 2021), and top-1 = top-1 of fp32 - a (1 - exp(-Omega / b)), fitted to the
 *              published accuracies. Its table holds weights and activations of equal width, 4 or 8 bits, first and last layer at 8: it
 *              refuses the rest.
 * sqnr         the weights of the ONNX file are quantized, and the noise is carried to the network's output (accuracy_sqnr.c).
 * table        published accuracy of CNNs at some widths, or the perplexity of an LLM by a law fitted to published ones (accuracy_table.c,
 *              accuracy_perplexity.c).
 * A user's own program is the fourth, an evaluator (experiments/evaluator.h). */
#ifndef SW_ACCURACY_H
#define SW_ACCURACY_H

#include "sw/network.h"

enum accuracy_kind { ACCURACY_SENSITIVITY, ACCURACY_SQNR, ACCURACY_TABLE, ACCURACY_KIND_COUNT };
extern const char *const accuracy_kind_names[]; /* "sensitivity", "sqnr", "table", NULL */

struct accuracy; /* may be shared by threads */

struct accuracy_request {
    enum accuracy_kind kind;
    const char *proxy; /* sensitivity: "hawqv3" */
    const char *
        table; /* table: a series of the CNN table ("mqbench"), or an LLM ("Llama-3-8B"); NULL: the first that fits the network */
    enum clip clip;    /* sqnr */
    const char *model; /* sqnr: as network_load() read it, with the same arguments */
    const struct network_arg *args;
    int n_args;
    int64_t batch;
};

/* NULL and an error in d when the kind cannot say anything of this network: no table, no weights. Fits what there is to fit. Caller frees. */
struct accuracy *accuracy_open(const struct accuracy_request *r, const struct network *net, struct diags *d);
/* The sensitivity table of that name. */
struct accuracy *accuracy_load(const char *proxy, const struct network *net, struct diags *d);
void accuracy_free(struct accuracy *acc); /* NULL is fine */

struct accuracy_info {
    const char *proxy;            /* "hawqv3", "sqnr", "mqbench", "Llama-3-8B"; borrowed */
    const char *kind;             /* "sensitivity", "sqnr", "table" */
    const char *metric;           /* "ImageNet top-1", "SQNR at the output", "WikiText-2 perplexity" */
    const char *source;           /* of the table; borrowed */
    double baseline_percent;      /* top-1 without quantization, %; the perplexity; 0: none */
    double scale_pp, omega_scale; /* a and b of the link; of the perplexity law c0 and c1 */
    int n_points;                 /* published numbers that it was fitted to; 0: no fit */
    double rmse_pp, max_error_pp; /* residual of the fit, percentage points (of ln perplexity for that) */
    double
        loo_rmse_pp; /* root mean square error when each point is predicted from the others; perplexity: of the points kept apart */
    const int *widths; /* legal widths, ascending, [n_widths]; borrowed; NULL: any */
    int n_widths;
    bool equal_widths; /* weights and activations of an operator must have the same */
};
void accuracy_info(const struct accuracy *acc, struct accuracy_info *out);
/* All that decides its numbers, for hashes. */
void accuracy_canonical(const struct accuracy *acc, struct strbuf *out);
/* May the operator's bits vary? False for the first and the last one, vector work, products of two activations. */
bool accuracy_varies(const struct accuracy *acc, int op);
/* ERR_DATA with the reason when a study asks for a width that the table does not hold. */
int accuracy_check_widths(const struct accuracy *acc, const int *bits, int n, struct err *err);

struct accuracy_result { /* NaN: not this kind's */
    double top1_percent, drop_pp;
    double sqnr_db;       /* at the network's output */
    double sqnr_worst_db; /* of the weights of the operator with the most noise */
    double perplexity;
};
enum accuracy_metric { ACCURACY_TOP1, ACCURACY_DROP, ACCURACY_SQNR_OUT, ACCURACY_SQNR_WORST, ACCURACY_PERPLEXITY };
bool accuracy_has(const struct accuracy *acc, enum accuracy_metric metric); /* which of them it says */

/* For the widths and formats that the network has now. ERR_DATA for what the table does not hold. O(operators); sqnr: and O(weights) for each
 * way of quantizing an operator's that was not asked before. */
int accuracy_evaluate(const struct accuracy *acc, const struct network *net, struct accuracy_result *out,
                      struct err *err);

/* Of kind sensitivity only. Proxy top-1 in % and its drop below fp32 in percentage points, for the widths of each operator ([n_ops]; read only
 * where accuracy_varies()). ERR_DATA for widths that the table does not hold. O(operators), allocates nothing. */
int accuracy_top1(const struct accuracy *acc, const int *w_bits, const int *a_bits, double *top1_percent,
                  double *drop_pp, struct err *err);
/* The same for the widths that the network has now. */
int accuracy_network(const struct accuracy *acc, const struct network *net, double *top1_percent, double *drop_pp,
                     struct err *err);
/* Omega alone. */
int accuracy_omega(const struct accuracy *acc, const int *w_bits, const int *a_bits, double *omega, struct err *err);

#endif
