/* LSTM, GRU, RNN: two products (input, state) and vector work for the gates. That each step waits for the one before is not modelled. */
#include "sw/onnx_ops.h"

#include <stdio.h>

static int recurrent_product(struct onnx *g, struct onnx_node *n, const char *part, int from, int weights,
                             const struct conv_shape *shape, int64_t channels, int *made)
{
    char name[NETWORK_NAME];
    snprintf(name, sizeof name, "%.50s.%s", n->name, part);
    const int in[] = {from, weights};
    const int64_t three[] = {channels, shape->p, 1};
    return onnx_add_tensor(g, n, name, shape, in, -1, three, made);
}

int onnx_do_recurrent(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *x = onnx_in(g, n, 0), *w = onnx_in(g, n, 1), *r = onnx_in(g, n, 2);
    if (x == NULL || w == NULL || r == NULL || x->rank != 3 || w->rank != 3 || r->rank != 3) {
        return onnx_error(g, n, "its inputs do not fit one another");
    }
    bool first_batch = onnx_attr_int(n, "layout", 0) != 0;
    int64_t steps = x->dim[first_batch], batch = x->dim[!first_batch], ways = r->dim[0], hidden = r->dim[2],
            width = r->dim[1];
    if (w->dim[0] != ways || w->dim[1] != width || w->dim[2] != x->dim[2] || steps < 1 || batch < 1 || ways < 1 ||
        hidden < 1 || width < 1 || x->dim[2] < 1) {
        return onnx_error(g, n, "its weights do not fit its input");
    }
    const int64_t all[] = {steps, ways, batch, hidden}, all_b[] = {batch, steps, ways, hidden};
    const int64_t end[] = {ways, batch, hidden}, end_b[] = {batch, ways, hidden};
    if (onnx_set_out(g, n, 0, first_batch ? all_b : all, 4) || onnx_set_out(g, n, 1, first_batch ? end_b : end, 3) ||
        onnx_set_out(g, n, 2, first_batch ? end_b : end, 3) || x->act < 0) {
        return x->act < 0 ? 0 : -1;
    }
    int64_t rows = onnx_product(steps, batch, 1), wide = onnx_product(ways, width, 1),
            result = onnx_product(ways, hidden, 1), ops;
    if (rows < 0 || wide < 0 || result < 0 || (ops = onnx_product(rows, wide, 4)) < 0) {
        return onnx_error(g, n, "more than 2^48 operations");
    }
    struct conv_shape by_input = conv_shape_unit, by_state = conv_shape_unit;
    by_input.p = by_state.p = rows;
    by_input.k = wide;
    by_input.c = x->dim[2];
    by_state.g = ways;
    by_state.k = width;
    by_state.c = hidden;
    int in, state, both[2];
    if (recurrent_product(g, n, "input", n->in[0], n->in[1], &by_input, wide, &in) ||
        recurrent_product(g, n, "state", n->in[0], n->in[2], &by_state, wide, &state)) {
        return -1;
    }
    both[0] = in;
    both[1] = state;
    struct err err = ERR_INIT;
    const struct vector_spec gates = {VECTOR_ACTIVATION, result, rows, 1, ops, 0};
    int made = build_vector(g->net, n->name, both, 2, &gates, &err);
    for (int i = 0; i < n->n_out && made >= 0; i++) {
        struct onnx_value *out = onnx_out(g, n, i);
        if (out) {
            out->act = made;
        }
    }
    return made < 0 ? onnx_error(g, n, "%s", err.text) : 0;
}
