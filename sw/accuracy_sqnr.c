/* Noise of quantization at a network's output, from the real weights.
 *
 * Each tensor operator is taken as linear with inputs that its weights' errors are not correlated with: then the ratio of noise to signal of its
 * output is the sum of those of its input, of the rounding of that input to a_bits (numbers taken as normally distributed, with the best
 * clip), and of its weights, which is measured: sum (w - Q(w))^2 / sum w^2. Element-wise work, norms and pooling keep the ratio; an addition
 * and a concatenation take the mean of their inputs' by elements (equal power, noise not correlated); a product adds them. The network's is
 * the worst of its outputs. Data, and with it the dependence of layers on one another's errors, is not looked at: it orders designs, it does not
 * predict a task's accuracy. */
#include "sw/accuracy_parts.h"

#include "base/diag.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/weights.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#define WIDE 24 /* activations of as many bits have no noise to speak of */

/* One way to quantize an operator's weights, and its noise over signal. */
struct known {
    struct quantizer q;
    int bits;
    double ratio;
};

struct op_noise {
    double power; /* of the weights */
    struct known *known;
    int n, cap;
};

struct sqnr {
    struct weights *weights;
    enum clip clip;
    double normal[WIDE];   /* by bits: rounding of normal numbers to integers */
    char digest[HASH_HEX]; /* of all weights */
    pthread_mutex_t lock;  /* of op[].known */
    struct op_noise *op;   /* [weights->n_ops] */
};

static int check_weights(const struct sqnr *s, const struct network *net, const char *model, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    for (int i = 0; i < net->n_ops; i++) {
        if (s->weights->of[i].value == NULL && s->weights->of[i].why[0] != '\0') {
            return diags_error(d, nowhere, "`dovetail workload MODEL --sqnr` lists what is there",
                               "accuracy by sqnr needs the weights of '%s' in '%s': %s", net->op[i].name, model,
                               s->weights->of[i].why);
        }
    }
    return 0;
}

/* Sums and a digest of all weights. */
static void look_over(struct sqnr *s)
{
    struct strbuf all = STRBUF_INIT;
    for (int i = 0; i < s->weights->n_ops; i++) {
        const struct weight_tensor *t = &s->weights->of[i];
        int64_t n = t->value != NULL ? t->channels * t->per_channel : 0;
        struct hash h = hash_bytes(t->value, (size_t)n * sizeof *t->value);
        s->op[i].power = n > 0 ? signal_power(t->value, n) : 0;
        strbuf_add(&all, h.byte, sizeof h.byte);
    }
    hash_hex(hash_bytes(strbuf_str(&all), all.len), s->digest);
    strbuf_release(&all);
}

struct sqnr *sqnr_load(const struct accuracy_request *r, const struct network *net, struct diags *d)
{
    struct weights *w = weights_load(r->model, net, r->args, r->n_args, r->batch, d);
    if (w == NULL) {
        return NULL;
    }
    struct sqnr *s = mem_alloc(sizeof *s);
    s->weights = w;
    s->clip = r->clip;
    s->op = mem_calloc((size_t)w->n_ops + 1, sizeof *s->op);
    pthread_mutex_init(&s->lock, NULL);
    for (int bits = 1; bits < WIDE; bits++) {
        s->normal[bits] = quantizer_normal(FORMAT_INT, bits);
    }
    look_over(s);
    if (check_weights(s, net, r->model, d) < 0) {
        sqnr_free(s);
        return NULL;
    }
    return s;
}

void sqnr_free(struct sqnr *s)
{
    if (s == NULL) {
        return;
    }
    for (int i = 0; i < s->weights->n_ops; i++) {
        mem_free(s->op[i].known);
    }
    pthread_mutex_destroy(&s->lock);
    weights_free(s->weights);
    mem_free(s->op);
    mem_free(s);
}

void sqnr_info(const struct sqnr *s, struct accuracy_info *out)
{
    (void)s;
    *out = (struct accuracy_info){
        .proxy = accuracy_kind_names[ACCURACY_SQNR],
        .kind = accuracy_kind_names[ACCURACY_SQNR],
        .metric = "SQNR at the output",
        .source = "weights of the file",
    };
}

void sqnr_canonical(const struct sqnr *s, struct strbuf *out)
{
    strbuf_addf(out, "weights %s clip %s\n", s->digest, clip_names[s->clip]);
}

static bool same_way(const struct known *k, const struct quantizer *q, int bits)
{
    return k->bits == bits && k->q.format == q->format && k->q.per == q->per &&
           (q->per != QUANTIZER_GROUP || k->q.group == q->group);
}

/* Noise over signal of operator i's weights; measured once for each way. */
static double weight_ratio(struct sqnr *s, int i, const struct quantizer *how, int bits)
{
    struct op_noise *o = &s->op[i];
    const struct weight_tensor *t = &s->weights->of[i];
    double ratio = -1;
    if (t->value == NULL || o->power <= 0) {
        return 0;
    }
    pthread_mutex_lock(&s->lock);
    for (int k = 0; k < o->n && ratio < 0; k++) {
        ratio = same_way(&o->known[k], how, bits) ? o->known[k].ratio : ratio;
    }
    if (ratio < 0) {
        struct quantizer q = *how;
        q.clip = s->clip;
        ratio = quantizer_noise(&q, bits, t->value, t->channels, t->per_channel) / o->power;
        MEM_GROW(o->known, o->n, o->cap);
        o->known[o->n++] = (struct known){*how, bits, ratio};
    }
    pthread_mutex_unlock(&s->lock);
    return ratio;
}

static double rounding(const struct sqnr *s, int bits)
{
    return bits >= WIDE ? 0 : s->normal[bits];
}

/* Ratio of an operator's inputs: the mean by elements, or the sum where noise of factors adds. */
static double of_inputs(const struct network *net, const struct op *op, const double *ratio, bool factors)
{
    double sum = 0, elements = 0;
    for (int e = op->first_input; e < op->first_input + op->n_inputs; e++) {
        double weight = factors ? 1 : (double)net->act[net->edge[e]].elements;
        sum += ratio[net->edge[e]] * weight;
        elements += weight;
    }
    return factors || elements <= 0 ? sum : sum / elements;
}

static double op_ratio(struct sqnr *s, const struct network *net, int i, const double *ratio, double *worst)
{
    const struct op *op = &net->op[i];
    bool factors = op->kind == OP_TENSOR || (op->kind == OP_VECTOR && op->vector == VECTOR_MUL);
    double noise = of_inputs(net, op, ratio, factors);
    if (op->kind != OP_TENSOR) {
        return noise;
    }
    double weights = weight_ratio(s, i, &op->w_quantizer, op->w_bits);
    *worst = weights > *worst ? weights : *worst;
    return noise + op->n_inputs * rounding(s, op->a_bits) + weights;
}

int sqnr_evaluate(struct sqnr *s, const struct network *net, struct accuracy_result *out, struct err *err)
{
    if (net->n_ops != s->weights->n_ops) {
        return err_set(err, ERR_BUG, "sqnr: the weights are of another network than '%s'", net->name);
    }
    double *ratio = mem_calloc((size_t)net->n_acts + 1, sizeof *ratio), worst = 0, last = 0;
    for (int i = 0; i < net->n_ops; i++) {
        ratio[net->op[i].output] = op_ratio(s, net, i, ratio, &worst);
    }
    for (int a = 0; a < net->n_acts; a++) {
        bool output = net->act[a].last_use == net->n_ops;
        last = output && ratio[a] > last ? ratio[a] : last;
    }
    mem_free(ratio);
    out->sqnr_db = sqnr_db(last);
    out->sqnr_worst_db = sqnr_db(worst);
    return 0;
}
