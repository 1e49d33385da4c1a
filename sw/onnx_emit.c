/* What operators share: an operator of the array with its MACs counted into the facts, shapes of outputs, errors. */
#include "sw/onnx_ops.h"

#include <string.h>

int onnx_bad_shape(struct onnx *g, const struct onnx_node *n)
{
    return onnx_error(g, n, "its inputs do not fit one another");
}

int onnx_set_out(struct onnx *g, const struct onnx_node *n, int i, const int64_t *dim, int rank)
{
    struct onnx_value *out = onnx_out(g, n, i);
    if (out && onnx_set_shape(out, dim, rank)) {
        return onnx_error(g, n, "its output has a negative dimension, or more than 2^48 elements or %d dimensions",
                          ONNX_RANK);
    }
    return 0;
}

int onnx_open(struct onnx *g, const struct onnx_node *n, const char *why)
{
    for (int i = 0; i < n->n_out; i++) {
        struct onnx_value *out = onnx_out(g, n, i);
        if (out && !onnx_stated_shape(g, out)) {
            return onnx_error(g, n, "%s", why);
        }
        if (onnx_vector(g, n, i, VECTOR_MOVE, 0)) {
            return -1;
        }
    }
    return 0;
}

/* a * b * c of non-negative numbers; -1 above 2^48. */
int64_t onnx_product(int64_t a, int64_t b, int64_t c)
{
    int64_t p;
    return __builtin_mul_overflow(a, b, &p) || __builtin_mul_overflow(p, c, &p) || p > (int64_t)1 << 48 ? -1 : p;
}

int onnx_count_macs(struct onnx *g, const struct onnx_node *n, const struct conv_shape *s)
{
    const int64_t bound[] = {s->n, s->g, s->k, s->c, s->p, s->q, s->r, s->s};
    int64_t macs = 1;
    bool over = false;
    for (int i = 0; i < 8; i++) {
        over |= __builtin_mul_overflow(macs, bound[i], &macs);
    }
    const struct onnx_op *op = onnx_find_op(n->proto->op_type);
    enum onnx_count count = op ? op->count : ONNX_COUNT_NONE;
    int64_t none = 0, *sum = count == ONNX_COUNT_NONE        ? &none
                             : g->depth                      ? &g->facts->macs_subgraphs
                             : count == ONNX_COUNT_QUANTISED ? &g->facts->macs_quantised
                                                             : &g->facts->macs;
    if (over || __builtin_add_overflow(*sum, macs, sum)) {
        return onnx_error(g, n, "more than 2^63 multiply-accumulates");
    }
    return 0;
}

/* Adds the operator; in: value indices of the activation and of what plays the weights, bias -1 for none. */
int onnx_add_tensor(struct onnx *g, const struct onnx_node *n, const char *name, const struct conv_shape *shape,
                    const int in[2], int bias, const int64_t out_shape[3], int *made)
{
    const struct onnx_value *x = &g->value[in[0]], *w = &g->value[in[1]];
    struct err err = ERR_INIT;
    struct tensor_spec spec = {
        .shape = *shape, .weights_input = -1, .channels = out_shape[0], .rows = out_shape[1], .columns = out_shape[2]};
    int act[2] = {x->act, w->act};
    spec.weights = w->act < 0 ? w->elements : 0;
    spec.biases = bias >= 0 && g->value[bias].act < 0 ? g->value[bias].elements : 0;
    spec.weights_input = w->act < 0 ? -1 : 1;
    *made = build_tensor(g->net, name, act, w->act < 0 ? 1 : 2, &spec, &err);
    if (*made >= 0 && shape->n > 1) {
        g->net->op[g->net->n_ops - 1].batch = shape->n;
    }
    if (*made >= 0 && w->act < 0) {
        onnx_keep_weights(g, n, g->net->n_ops - 1, w->name);
    }
    return *made < 0 ? onnx_error(g, n, "%s", err.text) : 0;
}

/* One operator whose result is output 0. Nothing is added for constants and empty results. */
int onnx_emit(struct onnx *g, const struct onnx_node *n, const struct conv_shape *shape, const int in[2], int bias)
{
    struct onnx_value *out = onnx_out(g, n, 0);
    int act[2] = {g->value[in[0]].act, g->value[in[1]].act};
    if (onnx_count_macs(g, n, shape)) {
        return -1;
    }
    if (out == NULL || out->elements == 0 || (act[0] < 0 && act[1] < 0) || g->value[in[0]].elements == 0 ||
        g->value[in[1]].elements == 0) {
        return 0;
    }
    int64_t three[3];
    onnx_act_shape(out, three);
    return onnx_add_tensor(g, n, n->name, shape, in, bias, three, &out->act);
}

/* Where the quantized forms have their activation, weights and bias. */
void onnx_ports(const struct onnx_node *n, int port[3])
{
    static const struct {
        const char *op;
        int port[3];
    } ports[] = {{"QLinearConv", {0, 3, 8}},
                 {"QLinearMatMul", {0, 3, -1}},
                 {"ConvInteger", {0, 1, -1}},
                 {"MatMulInteger", {0, 1, -1}},
                 {"FusedMatMul", {0, 1, -1}},
                 {"TransposeMatMul", {0, 1, -1}},
                 {"MatMulIntegerToFloat", {0, 1, -1}},
                 {"DynamicQuantizeMatMul", {0, 1, 4}},
                 {"DeformConv", {0, 1, 3}},
                 {"QGemm", {0, 3, 6}},
                 {"MatMul", {0, 1, -1}}};
    const int plain[] = {0, 1, 2};
    memcpy(port, plain, sizeof plain);
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        if (strcmp(ports[i].op, n->proto->op_type) == 0) {
            memcpy(port, ports[i].port, sizeof ports[i].port);
        }
    }
}

int onnx_bias(const struct onnx_node *n, int port)
{
    return port >= 0 && port < n->n_in ? n->in[port] : -1;
}
