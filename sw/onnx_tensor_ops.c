/* ONNX operators that the array runs, and the windows of pooling: Conv and its quantized forms, ConvTranspose, Gemm, MatMul, Einsum, and the
 * recurrent ones. MACs are counted into the facts as they are made.
 *
 * ConvTranspose is what it is on such hardware: a product of each input position with all taps, and an addition of the overlapping
 * results as vector work. A recurrent layer is two products (input, state) and vector work for its gates; that each step waits for the one
 * before is not modelled. */
#include "sw/onnx_graph.h"

#include <stdio.h>
#include <string.h>

#define SPATIAL 3

struct window {
    int rank; /* spatial dimensions, 1..3 */
    int64_t kernel[SPATIAL], stride[SPATIAL], dilation[SPATIAL], pad[2 * SPATIAL], out[SPATIAL];
};

static int set_out(struct onnx *g, const struct onnx_node *n, int i, const int64_t *dim, int rank)
{
    struct onnx_value *out = onnx_out(g, n, i);
    if (out && onnx_set_shape(out, dim, rank)) {
        return onnx_error(g, n, "its output has a negative dimension, or more than 2^48 elements or %d dimensions",
                          ONNX_RANK);
    }
    return 0;
}

/* a * b * c of non-negative numbers; -1 above 2^48. */
static int64_t product(int64_t a, int64_t b, int64_t c)
{
    int64_t p;
    return __builtin_mul_overflow(a, b, &p) || __builtin_mul_overflow(p, c, &p) || p > (int64_t)1 << 48 ? -1 : p;
}

static bool is_quantised(const struct onnx_node *n)
{
    const char *op = n->proto->op_type;
    return op[0] == 'Q' || strstr(op, "Integer") != NULL;
}

static int count_macs(struct onnx *g, const struct onnx_node *n, const struct conv_shape *s)
{
    const int64_t bound[] = {s->n, s->g, s->k, s->c, s->p, s->q, s->r, s->s};
    int64_t macs = 1;
    bool over = false;
    for (int i = 0; i < 8; i++) {
        over |= __builtin_mul_overflow(macs, bound[i], &macs);
    }
    int64_t *sum = g->depth ? &g->facts->macs_subgraphs : is_quantised(n) ? &g->facts->macs_quantised : &g->facts->macs;
    if (over || __builtin_add_overflow(*sum, macs, sum)) {
        return onnx_error(g, n, "more than 2^63 multiply-accumulates");
    }
    return 0;
}

static struct conv_shape unit_shape(void)
{
    return (struct conv_shape){.n = 1,
                               .g = 1,
                               .k = 1,
                               .c = 1,
                               .p = 1,
                               .q = 1,
                               .r = 1,
                               .s = 1,
                               .stride_h = 1,
                               .stride_w = 1,
                               .dilation_h = 1,
                               .dilation_w = 1};
}

/* Adds the operator; in: value indices of the activation and of what plays the weights, bias -1 for none. */
static int add_tensor(struct onnx *g, const struct onnx_node *n, const char *name, const struct conv_shape *shape,
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
static int emit(struct onnx *g, const struct onnx_node *n, const struct conv_shape *shape, const int in[2], int bias)
{
    struct onnx_value *out = onnx_out(g, n, 0);
    int act[2] = {g->value[in[0]].act, g->value[in[1]].act};
    if (count_macs(g, n, shape)) {
        return -1;
    }
    if (out == NULL || out->elements == 0 || (act[0] < 0 && act[1] < 0) || g->value[in[0]].elements == 0 ||
        g->value[in[1]].elements == 0) {
        return 0;
    }
    int64_t three[3];
    onnx_act_shape(out, three);
    return add_tensor(g, n, n->name, shape, in, bias, three, &out->act);
}

/* --- Windows ---------------------------------------------------------------------------------- */

static int64_t same_pad(int64_t size, int64_t stride)
{
    return (size + stride - 1) / stride;
}

static int read_window(struct onnx *g, const struct onnx_node *n, const struct onnx_value *x, const int64_t *kernel,
                       struct window *w)
{
    int rank = x->rank - 2;
    for (int i = 0; i < SPATIAL; i++) {
        w->kernel[i] = w->stride[i] = w->dilation[i] = w->out[i] = 1;
        w->pad[i] = w->pad[i + SPATIAL] = 0;
    }
    if (rank < 1 || rank > SPATIAL) {
        return onnx_error(g, n, "its input has %d dimensions; 3 to 5 are possible", x->rank);
    }
    int64_t pads[2 * SPATIAL] = {0};
    w->rank = rank;
    int k = kernel ? rank : onnx_attr_ints(n, "kernel_shape", w->kernel, SPATIAL);
    int s = onnx_attr_ints(n, "strides", w->stride, SPATIAL), d = onnx_attr_ints(n, "dilations", w->dilation, SPATIAL);
    int p = onnx_attr_ints(n, "pads", pads, 2 * SPATIAL);
    if (k != rank || (s != 0 && s != rank) || (d != 0 && d != rank) || (p != 0 && p != 2 * rank)) {
        return onnx_error(g, n, "kernel, strides, dilations or pads do not have %d dimensions", rank);
    }
    for (int i = 0; i < rank; i++) {
        w->kernel[i] = kernel ? kernel[i] : w->kernel[i];
        w->pad[i] = pads[i];
        w->pad[i + SPATIAL] = pads[i + rank];
        int64_t limit = (int64_t)1 << 31;
        if (w->kernel[i] < 1 || w->kernel[i] > limit || w->stride[i] < 1 || w->stride[i] > limit ||
            w->dilation[i] < 1 || w->dilation[i] > limit || pads[i] < -limit || pads[i] > limit ||
            pads[i + rank] < -limit || pads[i + rank] > limit || x->dim[i + 2] > (int64_t)1 << 40) {
            return onnx_error(g, n, "kernel, stride or dilation is not in 1..2^31, or a pad is larger");
        }
    }
    return 0;
}

static int slide(struct onnx *g, const struct onnx_node *n, const struct onnx_value *x, struct window *w)
{
    bool same = onnx_attr_is(n, "auto_pad", "SAME_UPPER") || onnx_attr_is(n, "auto_pad", "SAME_LOWER");
    bool valid = onnx_attr_is(n, "auto_pad", "VALID"), ceil = onnx_attr_int(n, "ceil_mode", 0) != 0;
    for (int i = 0; i < w->rank; i++) {
        int64_t size = x->dim[i + 2], reach = w->dilation[i] * (w->kernel[i] - 1) + 1;
        int64_t room = size - reach + (valid ? 0 : w->pad[i] + w->pad[i + SPATIAL]);
        if (!same && room < 0) {
            return onnx_error(g, n,
                              "a window of %lld does not fit into %lld with its padding: bind the dynamic dimensions",
                              (long long)reach, (long long)size);
        }
        w->out[i] = same ? same_pad(size, w->stride[i]) : (room + (ceil ? w->stride[i] - 1 : 0)) / w->stride[i] + 1;
        if (ceil && !same && (w->out[i] - 1) * w->stride[i] >= size + w->pad[i]) {
            w->out[i]--; /* a window that begins in the padding behind does not count */
        }
    }
    return 0;
}

static int pool(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *x = onnx_in(g, n, 0);
    struct window w;
    int64_t dim[ONNX_RANK];
    if (x == NULL || read_window(g, n, x, NULL, &w) || slide(g, n, x, &w)) {
        return x ? -1 : onnx_error(g, n, "it has no input");
    }
    dim[0] = x->dim[0];
    dim[1] = x->dim[1];
    memcpy(dim + 2, w.out, (size_t)w.rank * sizeof *dim);
    if (set_out(g, n, 0, dim, x->rank) || set_out(g, n, 1, dim, x->rank)) {
        return -1;
    }
    const struct onnx_value *out = onnx_out(g, n, 0);
    int64_t taps = product(w.kernel[0], w.kernel[1], w.kernel[2]),
            ops = out && taps >= 0 ? product(out->elements, taps, 1) : -1;
    return ops < 0 ? onnx_error(g, n, "more than 2^48 operations") : onnx_vector(g, n, 0, VECTOR_POOL, ops);
}

/* --- Convolutions ------------------------------------------------------------------------------ */

/* Where the quantized forms have their activation, weights and bias. */
static void ports_of(const struct onnx_node *n, int port[3])
{
    static const struct {
        const char *op;
        int port[3];
    } ports[] = {{"QLinearConv", {0, 3, 8}},    {"QLinearMatMul", {0, 3, -1}}, {"ConvInteger", {0, 1, -1}},
                 {"MatMulInteger", {0, 1, -1}}, {"QGemm", {0, 3, 6}},          {"MatMul", {0, 1, -1}}};
    const int plain[] = {0, 1, 2};
    memcpy(port, plain, sizeof plain);
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        if (strcmp(ports[i].op, n->proto->op_type) == 0) {
            memcpy(port, ports[i].port, sizeof ports[i].port);
        }
    }
}

static int bias_of(const struct onnx_node *n, int port)
{
    return port >= 0 && port < n->n_in ? n->in[port] : -1;
}

/* The first spatial dimension of three joins batch (positions) and channels (taps): the same MACs. */
static struct conv_shape conv_shape_of(const struct window *w, int64_t batch, int64_t groups, int64_t k, int64_t c)
{
    struct conv_shape s = unit_shape();
    int first = w->rank == 3 ? 1 : 0, second = w->rank == 1 ? -1 : first + 1;
    s.n = batch * (w->rank == 3 ? w->out[0] : 1);
    s.g = groups;
    s.k = k;
    s.c = c * (w->rank == 3 ? w->kernel[0] : 1);
    s.p = w->out[first];
    s.r = w->kernel[first];
    s.stride_h = w->stride[first];
    s.dilation_h = w->dilation[first];
    if (second >= 0) {
        s.q = w->out[second];
        s.s = w->kernel[second];
        s.stride_w = w->stride[second];
        s.dilation_w = w->dilation[second];
    }
    return s;
}

static int conv(struct onnx *g, struct onnx_node *n)
{
    int port[3];
    ports_of(n, port);
    const struct onnx_value *x = onnx_in(g, n, port[0]), *kernel = onnx_in(g, n, port[1]);
    int64_t groups = onnx_attr_int(n, "group", 1), dim[ONNX_RANK];
    struct window w;
    if (x == NULL || kernel == NULL || x->rank != kernel->rank || read_window(g, n, x, kernel->dim + 2, &w) ||
        slide(g, n, x, &w)) {
        return x && kernel && x->rank == kernel->rank ? -1 : onnx_error(g, n, "its inputs do not fit one another");
    }
    if (groups < 1 || kernel->dim[0] % groups != 0 || kernel->dim[0] < 1 || x->dim[1] != kernel->dim[1] * groups ||
        x->dim[1] < 1) {
        return onnx_error(g, n, "%lld channels do not fit %lld groups of %lld", (long long)x->dim[1], (long long)groups,
                          (long long)kernel->dim[1]);
    }
    dim[0] = x->dim[0];
    dim[1] = kernel->dim[0];
    memcpy(dim + 2, w.out, (size_t)w.rank * sizeof *dim);
    if (set_out(g, n, 0, dim, x->rank)) {
        return -1;
    }
    struct conv_shape shape = conv_shape_of(&w, x->dim[0], groups, kernel->dim[0] / groups, kernel->dim[1]);
    const int in[] = {n->in[port[0]], n->in[port[1]]};
    return emit(g, n, &shape, in, bias_of(n, port[2]));
}

static int transpose_out(struct onnx *g, const struct onnx_node *n, const struct onnx_value *x, struct window *w)
{
    int64_t given[SPATIAL + 2], extra[SPATIAL] = {0};
    int shape = onnx_attr_ints(n, "output_shape", given, SPATIAL + 2),
        more = onnx_attr_ints(n, "output_padding", extra, SPATIAL);
    bool same = onnx_attr_is(n, "auto_pad", "SAME_UPPER") || onnx_attr_is(n, "auto_pad", "SAME_LOWER");
    if (shape < 0 || more < 0 || (shape > 0 && shape < w->rank)) {
        return onnx_error(g, n, "output_shape or output_padding has a wrong length");
    }
    for (int i = 0; i < w->rank; i++) {
        int64_t full = product(w->stride[i], x->dim[i + 2] > 0 ? x->dim[i + 2] - 1 : 0, 1);
        int64_t limit = (int64_t)1 << 31;
        if (full < 0 || extra[i] < -limit || extra[i] > limit) {
            return onnx_error(g, n, "its output is too large");
        }
        full += extra[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - w->pad[i] - w->pad[i + SPATIAL];
        w->out[i] = shape ? given[shape - w->rank + i] : same ? product(x->dim[i + 2], w->stride[i], 1) : full;
    }
    return 0;
}

static int conv_transpose(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *x = onnx_in(g, n, 0), *kernel = onnx_in(g, n, 1);
    int64_t groups = onnx_attr_int(n, "group", 1), dim[ONNX_RANK], channels;
    struct window w;
    if (x == NULL || kernel == NULL || x->rank != kernel->rank || read_window(g, n, x, kernel->dim + 2, &w) ||
        transpose_out(g, n, x, &w)) {
        return x && kernel && x->rank == kernel->rank ? -1 : onnx_error(g, n, "its inputs do not fit one another");
    }
    if (groups < 1 || x->dim[1] != kernel->dim[0] || x->dim[1] < 1 || x->dim[1] % groups != 0 || kernel->dim[1] < 1 ||
        (channels = product(kernel->dim[1], groups, 1)) < 0) {
        return onnx_error(g, n, "its channels do not fit its groups");
    }
    dim[0] = x->dim[0];
    dim[1] = channels;
    memcpy(dim + 2, w.out, (size_t)w.rank * sizeof *dim);
    int64_t taps = product(w.kernel[0], w.kernel[1], w.kernel[2]), positions = x->elements / x->dim[1];
    int64_t wide = taps < 0 ? -1 : product(channels, taps, 1), ops = wide < 0 ? -1 : product(wide, positions, 1);
    if (set_out(g, n, 0, dim, x->rank) || ops < 0) {
        return ops < 0 ? onnx_error(g, n, "more than 2^48 operations") : -1;
    }
    struct conv_shape shape = unit_shape();
    shape.g = groups;
    shape.c = x->dim[1] / groups;
    shape.k = product(kernel->dim[1], taps, 1);
    shape.p = positions;
    struct onnx_value *out = onnx_out(g, n, 0);
    if (count_macs(g, n, &shape)) {
        return -1;
    }
    if (out == NULL || out->elements == 0 || x->elements == 0 || (x->act < 0 && kernel->act < 0)) {
        return 0;
    }
    char name[NETWORK_NAME];
    snprintf(name, sizeof name, "%.50s.product", n->name);
    const int64_t made_shape[] = {wide, positions, 1};
    const int in[] = {n->in[0], n->in[1]};
    int made;
    if (add_tensor(g, n, name, &shape, in, bias_of(n, 2), made_shape, &made)) {
        return -1;
    }
    struct err err = ERR_INIT;
    int64_t three[3];
    onnx_act_shape(out, three);
    const struct vector_spec sum = {VECTOR_ADD, three[0], three[1], three[2], ops, 0};
    out->act = build_vector(g->net, n->name, &made, 1, &sum, &err);
    return out->act < 0 ? onnx_error(g, n, "%s", err.text) : 0;
}

/* --- Products ---------------------------------------------------------------------------------- */

static int gemm(struct onnx *g, struct onnx_node *n)
{
    int port[3];
    ports_of(n, port);
    const struct onnx_value *a = onnx_in(g, n, port[0]), *b = onnx_in(g, n, port[1]);
    if (a == NULL || b == NULL || a->rank != 2 || b->rank != 2) {
        return onnx_error(g, n, "its inputs must have two dimensions");
    }
    bool ta = onnx_attr_int(n, "transA", 0) != 0, tb = onnx_attr_int(n, "transB", 0) != 0;
    const int64_t dim[] = {a->dim[ta], b->dim[!tb]};
    if (a->dim[!ta] != b->dim[tb]) {
        return onnx_error(g, n, "the summed dimension is %lld on one side and %lld on the other",
                          (long long)a->dim[!ta], (long long)b->dim[tb]);
    }
    if (set_out(g, n, 0, dim, 2)) {
        return -1;
    }
    struct conv_shape shape = unit_shape();
    bool swap = a->act < 0 && b->act >= 0; /* constants play the weights */
    shape.p = swap ? dim[1] : dim[0];
    shape.k = swap ? dim[0] : dim[1];
    shape.c = a->dim[!ta];
    const int in[] = {n->in[swap ? port[1] : port[0]], n->in[swap ? port[0] : port[1]]};
    return emit(g, n, &shape, in, bias_of(n, port[2]));
}

/* Batch dimensions of both sides, broadcast; their product, -1 when they do not fit. */
static int64_t batch_dims(const struct onnx_value *a, const struct onnx_value *b, int64_t dim[ONNX_RANK], int *rank)
{
    int ra = a->rank > 2 ? a->rank - 2 : 0, rb = b->rank > 2 ? b->rank - 2 : 0;
    int64_t all = 1;
    *rank = ra > rb ? ra : rb;
    for (int i = 0; i < *rank; i++) {
        int64_t x = i >= *rank - ra ? a->dim[i - *rank + ra] : 1, y = i >= *rank - rb ? b->dim[i - *rank + rb] : 1;
        if (x != 1 && y != 1 && x != y) {
            return -1;
        }
        dim[i] = x != 1 ? x : y;
        all = all < 0 ? all : product(all, dim[i], 1);
    }
    return all;
}

static int matmul(struct onnx *g, struct onnx_node *n)
{
    int port[3], rank;
    ports_of(n, port);
    const struct onnx_value *a = onnx_in(g, n, port[0]), *b = onnx_in(g, n, port[1]);
    int64_t dim[2 * ONNX_RANK], batch;
    if (a == NULL || b == NULL || a->rank < 1 || b->rank < 1 || (batch = batch_dims(a, b, dim, &rank)) < 0) {
        return onnx_error(g, n, "its inputs do not fit one another");
    }
    int64_t m = a->rank > 1 ? a->dim[a->rank - 2] : 1, depth = a->dim[a->rank - 1];
    int64_t cols = b->rank > 1 ? b->dim[b->rank - 1] : 1, other = b->rank > 1 ? b->dim[b->rank - 2] : b->dim[0];
    if (depth != other) {
        return onnx_error(g, n, "the summed dimension is %lld on one side and %lld on the other", (long long)depth,
                          (long long)other);
    }
    if (a->rank > 1) {
        dim[rank++] = m;
    }
    if (b->rank > 1) {
        dim[rank++] = cols;
    }
    if (set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    bool swap = a->act < 0 && b->act >= 0;
    const struct onnx_value *w = swap ? a : b;
    bool shared = w->elements == (swap ? m : cols) * depth; /* one matrix for the whole batch */
    struct conv_shape shape = unit_shape();
    shape.g = shared ? 1 : batch;
    shape.p = product(swap ? cols : m, shared ? batch : 1, 1);
    shape.k = swap ? m : cols;
    shape.c = depth;
    const int in[] = {n->in[swap ? port[1] : port[0]], n->in[swap ? port[0] : port[1]]};
    return shape.p < 0 ? onnx_error(g, n, "more than 2^48 rows") : emit(g, n, &shape, in, -1);
}

/* --- Einsum ------------------------------------------------------------------------------------ */

struct equation {
    char term[2][ONNX_RANK + 1], out[ONNX_RANK + 1];
    int n;
    int64_t size[128];
};

/* "ij,jk->ik" with up to two inputs, letters only. */
static int parse_equation(const struct onnx_node *n, struct equation *e)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "equation");
    memset(e, 0, sizeof *e);
    if (a == NULL || !a->has_s) {
        return -1;
    }
    char *to = e->term[0];
    int length = 0;
    bool out = false;
    for (size_t i = 0; i < a->s.len; i++) {
        char c = (char)a->s.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter && length < ONNX_RANK) {
            to[length++] = c;
        } else if (c == ',' && e->n == 0 && !out) {
            to = e->term[++e->n];
            length = 0;
        } else if (c == '-' && i + 1 < a->s.len && a->s.data[i + 1] == '>' && !out) {
            out = true;
            to = e->out;
            length = 0;
            i++;
        } else if (c != ' ') {
            return -1;
        }
    }
    e->n++;
    return out ? 0 : -1;
}

static int einsum_sizes(struct onnx *g, const struct onnx_node *n, struct equation *e)
{
    for (int t = 0; t < e->n; t++) {
        const struct onnx_value *v = onnx_in(g, n, t);
        if (v == NULL || v->rank != (int)strlen(e->term[t])) {
            return -1;
        }
        for (int i = 0; i < v->rank; i++) {
            int64_t *size = &e->size[(int)e->term[t][i]];
            if (*size > 1 && v->dim[i] > 1 && *size != v->dim[i]) {
                return -1;
            }
            *size = v->dim[i] > *size ? v->dim[i] : *size;
        }
    }
    return 0;
}

/* A letter of both inputs and the output is a group, of both only is summed, of one and the output is its rows or columns; what only one
 * input has is summed too. */
static int einsum_op(struct onnx *g, struct onnx_node *n)
{
    struct equation e;
    int64_t dim[ONNX_RANK];
    if (parse_equation(n, &e) || e.n != n->n_in || einsum_sizes(g, n, &e)) {
        return onnx_error(g, n, "its equation does not fit, or has more than two inputs or dots");
    }
    int rank = (int)strlen(e.out);
    for (int i = 0; i < rank; i++) {
        dim[i] = e.size[(int)e.out[i]];
    }
    if (set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    if (e.n == 1) {
        return onnx_vector(g, n, 0, VECTOR_MOVE, 0);
    }
    bool swap = onnx_in(g, n, 0)->act < 0 && onnx_in(g, n, 1)->act >= 0;
    const char *x = e.term[swap], *w = e.term[!swap];
    struct conv_shape shape = unit_shape();
    for (int c = 'A'; c <= 'z'; c++) {
        bool in_x = strchr(x, c) != NULL, in_w = strchr(w, c) != NULL, in_out = strchr(e.out, c) != NULL;
        if (in_x || in_w) {
            int64_t *into = in_x && in_w && in_out ? &shape.g
                            : in_x && in_out       ? &shape.p
                            : in_w && in_out       ? &shape.k
                                                   : &shape.c;
            *into = *into < 0 ? -1 : product(*into, e.size[c], 1);
        }
    }
    if (shape.g < 0 || shape.p < 0 || shape.k < 0 || shape.c < 0) {
        return onnx_error(g, n, "a dimension of more than 2^48");
    }
    const int in[] = {n->in[swap], n->in[!swap]};
    return emit(g, n, &shape, in, -1);
}

/* --- Recurrent layers -------------------------------------------------------------------------- */

static int recurrent_product(struct onnx *g, struct onnx_node *n, const char *part, int from, int weights,
                             const struct conv_shape *shape, int64_t channels, int *made)
{
    char name[NETWORK_NAME];
    snprintf(name, sizeof name, "%.50s.%s", n->name, part);
    const int in[] = {from, weights};
    const int64_t three[] = {channels, shape->p, 1};
    return add_tensor(g, n, name, shape, in, -1, three, made);
}

static int recurrent(struct onnx *g, struct onnx_node *n)
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
    if (set_out(g, n, 0, first_batch ? all_b : all, 4) || set_out(g, n, 1, first_batch ? end_b : end, 3) ||
        set_out(g, n, 2, first_batch ? end_b : end, 3) || x->act < 0) {
        return x->act < 0 ? 0 : -1;
    }
    int64_t rows = product(steps, batch, 1), wide = product(ways, width, 1), result = product(ways, hidden, 1), ops;
    if (rows < 0 || wide < 0 || result < 0 || (ops = product(rows, wide, 4)) < 0) {
        return onnx_error(g, n, "more than 2^48 operations");
    }
    struct conv_shape by_input = unit_shape(), by_state = unit_shape();
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

/* clang-format off: version 14 crashes on tables like this */
const struct onnx_op onnx_tensor_ops[] = {
    {"AveragePool", pool, 0},
    {"Conv", conv, 0},
    {"ConvInteger", conv, 0},
    {"ConvTranspose", conv_transpose, 0},
    {"Einsum", einsum_op, 0},
    {"GRU", recurrent, 0},
    {"Gemm", gemm, 0},
    {"LSTM", recurrent, 0},
    {"LpPool", pool, 0},
    {"MatMul", matmul, 0},
    {"MatMulInteger", matmul, 0},
    {"MaxPool", pool, 0},
    {"QGemm", gemm, 0},
    {"QLinearAveragePool", pool, 0},
    {"QLinearConv", conv, 0},
    {"QLinearMatMul", matmul, 0},
    {"RNN", recurrent, 0},
    {NULL, NULL, 0},
};
