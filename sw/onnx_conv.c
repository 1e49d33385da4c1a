/* Windows: Conv and its quantized forms, ConvTranspose, pooling.
 *
 * ConvTranspose is what it is on such hardware: a product of each input position with all taps, and an addition of the overlapping
 * results as vector work. */
#include "sw/onnx_ops.h"

#include <stdio.h>
#include <string.h>

#define SPATIAL 3

struct window {
    int rank; /* spatial dimensions, 1..3 */
    int64_t kernel[SPATIAL], stride[SPATIAL], dilation[SPATIAL], pad[2 * SPATIAL], out[SPATIAL];
};

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
                              "a window of %lld does not fit into %lld with its padding: bind the dynamic dimensions "
                              "(workload --set, a study's 'shapes')",
                              (long long)reach, (long long)size);
        }
        w->out[i] = same ? same_pad(size, w->stride[i]) : (room + (ceil ? w->stride[i] - 1 : 0)) / w->stride[i] + 1;
        if (ceil && !same && (w->out[i] - 1) * w->stride[i] >= size + w->pad[i]) {
            w->out[i]--; /* a window that begins in the padding behind does not count */
        }
    }
    return 0;
}

int onnx_do_pool(struct onnx *g, struct onnx_node *n)
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
    if (onnx_set_out(g, n, 0, dim, x->rank) || onnx_set_out(g, n, 1, dim, x->rank)) {
        return -1;
    }
    const struct onnx_value *out = onnx_out(g, n, 0);
    int64_t taps = onnx_product(w.kernel[0], w.kernel[1], w.kernel[2]),
            ops = out && taps >= 0 ? onnx_product(out->elements, taps, 1) : -1;
    return ops < 0 ? onnx_error(g, n, "more than 2^48 operations") : onnx_vector(g, n, 0, VECTOR_POOL, ops);
}

/* The first spatial dimension of three joins batch (positions) and channels (taps): the same MACs. */
static struct conv_shape conv_shape_of(const struct window *w, int64_t batch, int64_t groups, int64_t k, int64_t c)
{
    struct conv_shape s = conv_shape_unit;
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

int onnx_do_conv(struct onnx *g, struct onnx_node *n)
{
    int port[3];
    onnx_ports(n, port);
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
    if (onnx_set_out(g, n, 0, dim, x->rank)) {
        return -1;
    }
    struct conv_shape shape = conv_shape_of(&w, x->dim[0], groups, kernel->dim[0] / groups, kernel->dim[1]);
    const int in[] = {n->in[port[0]], n->in[port[1]]};
    return onnx_emit(g, n, &shape, in, onnx_bias(n, port[2]));
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
        int64_t full = onnx_product(w->stride[i], x->dim[i + 2] > 0 ? x->dim[i + 2] - 1 : 0, 1);
        int64_t limit = (int64_t)1 << 31;
        if (full < 0 || extra[i] < -limit || extra[i] > limit) {
            return onnx_error(g, n, "its output is too large");
        }
        full += extra[i] + (w->kernel[i] - 1) * w->dilation[i] + 1 - w->pad[i] - w->pad[i + SPATIAL];
        w->out[i] = shape ? given[shape - w->rank + i] : same ? onnx_product(x->dim[i + 2], w->stride[i], 1) : full;
    }
    return 0;
}

int onnx_do_conv_transpose(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *x = onnx_in(g, n, 0), *kernel = onnx_in(g, n, 1);
    int64_t groups = onnx_attr_int(n, "group", 1), dim[ONNX_RANK], channels;
    struct window w;
    if (x == NULL || kernel == NULL || x->rank != kernel->rank || read_window(g, n, x, kernel->dim + 2, &w) ||
        transpose_out(g, n, x, &w)) {
        return x && kernel && x->rank == kernel->rank ? -1 : onnx_error(g, n, "its inputs do not fit one another");
    }
    if (groups < 1 || x->dim[1] != kernel->dim[0] || x->dim[1] < 1 || x->dim[1] % groups != 0 || kernel->dim[1] < 1 ||
        (channels = onnx_product(kernel->dim[1], groups, 1)) < 0) {
        return onnx_error(g, n, "its channels do not fit its groups");
    }
    dim[0] = x->dim[0];
    dim[1] = channels;
    memcpy(dim + 2, w.out, (size_t)w.rank * sizeof *dim);
    int64_t taps = onnx_product(w.kernel[0], w.kernel[1], w.kernel[2]), positions = x->elements / x->dim[1];
    int64_t wide = taps < 0 ? -1 : onnx_product(channels, taps, 1),
            ops = wide < 0 ? -1 : onnx_product(wide, positions, 1);
    if (onnx_set_out(g, n, 0, dim, x->rank) || ops < 0) {
        return ops < 0 ? onnx_error(g, n, "more than 2^48 operations") : -1;
    }
    struct conv_shape shape = conv_shape_unit;
    shape.g = groups;
    shape.c = x->dim[1] / groups;
    shape.k = onnx_product(kernel->dim[1], taps, 1);
    shape.p = positions;
    struct onnx_value *out = onnx_out(g, n, 0);
    if (onnx_count_macs(g, n, &shape)) {
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
    if (onnx_add_tensor(g, n, name, &shape, in, onnx_bias(n, 2), made_shape, &made)) {
        return -1;
    }
    struct err err = ERR_INIT;
    int64_t three[3];
    onnx_act_shape(out, three);
    const struct vector_spec sum = {VECTOR_ADD, three[0], three[1], three[2], ops, 0};
    out->act = build_vector(g->net, n->name, &made, 1, &sum, &err);
    return out->act < 0 ? onnx_error(g, n, "%s", err.text) : 0;
}
