/* Weights of ONNX operators as their kinds have them: which axes are output channels, where scales of integers are, packing; and their keeping
 * for whoever asks (sw/weights.h). */
#include "base/mem.h"
#include "sw/onnx_numbers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TIES 64      /* operators that may share a file's weights, in the mean */
#define MAX_STEPS 64 /* tensors looked at for one operator */

/* Which axes count output channels; axis 0 may be `split` groups of input channels (ConvTranspose), which count too. */
struct layout {
    unsigned channel_axes; /* bit i: axis i */
    int64_t split;         /* 1: axis 0 as it is */
    int scale, zero;       /* inputs that hold scale and zero point of weights in integers; 0: none */
};

static unsigned einsum_axes(const Onnx__NodeProto *p, size_t port)
{
    const struct onnx_node n = {.proto = p};
    const Onnx__AttributeProto *a = onnx_attr(&n, "equation");
    unsigned axes = 0, axis = 0;
    size_t term = 0, arrow = 0;
    while (a && arrow < a->s.len && a->s.data[arrow] != '>') {
        arrow++;
    }
    for (size_t i = 0; a && i < arrow; i++) {
        char c = (char)a->s.data[i];
        term += c == ',';
        if (c == ' ' || c == ',' || c == '-' || term != port || axis >= ONNX_RANK) {
            continue;
        }
        axes |= memchr(a->s.data + arrow, c, a->s.len - arrow) ? 1U << axis : 0;
        axis++;
    }
    return axes;
}

static bool is(const Onnx__NodeProto *p, const char *op)
{
    return strcmp(p->op_type, op) == 0;
}

/* Letters only, with a result. */
static bool plain_equation(const Onnx__NodeProto *p)
{
    const struct onnx_node n = {.proto = p};
    const Onnx__AttributeProto *a = onnx_attr(&n, "equation");
    return a && memchr(a->s.data, '>', a->s.len) && !memchr(a->s.data, '.', a->s.len);
}

/* False for operators whose weights are not followed. `port`: the node's input that plays the weights. */
static bool layout_of(const Onnx__NodeProto *p, size_t port, int rank, struct layout *out)
{
    unsigned all = (1U << rank) - 1;
    static const struct {
        const char *op;
        int scale, zero;
    } scales[] = {{"MatMulIntegerToFloat", 3, 5}, {"DynamicQuantizeMatMul", 2, 3}, {"QAttention", 4, 7}};
    *out = (struct layout){.split = 1};
    bool linear = strncmp(p->op_type, "QLinear", 7) == 0, integer = strstr(p->op_type, "Integer") != NULL;
    if (is(p, "Conv") || is(p, "QLinearConv") || is(p, "ConvInteger") || is(p, "FusedConv") || is(p, "DeformConv") ||
        is(p, "MatMulNBits")) {
        out->channel_axes = 1;
    } else if (is(p, "ConvTranspose")) {
        out->channel_axes = 2;
        out->split = node_int(p, "group", 1);
    } else if (is(p, "Gemm") || is(p, "QGemm") || is(p, "FusedGemm")) {
        bool first = port == 0, turned = node_int(p, first ? "transA" : "transB", 0) != 0;
        out->channel_axes = first == turned ? 2 : 1;
    } else if (strstr(p->op_type, "MatMul") || is(p, "Attention") || is(p, "QAttention")) {
        bool turned = node_int(p, port == 0 ? "transA" : "transB", 0) != 0, last = (port == 0) != turned;
        out->channel_axes = rank < 2 ? 0 : all & ~(1U << (rank - (last ? 1 : 2)));
    } else if (is(p, "Einsum") && plain_equation(p)) {
        out->channel_axes = einsum_axes(p, port);
    } else if (is(p, "LSTM") || is(p, "GRU") || is(p, "RNN")) {
        out->channel_axes = 3;
    } else {
        return false;
    }
    out->scale = linear || is(p, "QGemm") ? (port == 0 ? 1 : 4) : 0;
    out->zero = out->scale ? out->scale + 1 : integer ? (port == 0 ? 2 : 3) : 0;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        if (is(p, scales[i].op)) {
            out->scale = scales[i].scale;
            out->zero = scales[i].zero;
        }
    }
    return true;
}

/* MatMulNBits: N rows of K numbers of `bits` bits, in blocks that have a scale, and a zero point packed like them. */
static int unpack_blocks(struct search *s, const Onnx__NodeProto *p, struct floats *f)
{
    int64_t rows = node_int(p, "N", 0), k = node_int(p, "K", 0), bits = node_int(p, "bits", 4),
            block = node_int(p, "block_size", 0);
    struct floats scale = {0}, zero = {0}, out = {0};
    if (rows < 1 || k < 1 || block < 1 || block > k + 65536 || (bits != 4 && bits != 8) || node_input(p, 4)) {
        return search_fail(s, "its packing is not followed in", p->op_type);
    }
    int64_t blocks = (k + block - 1) / block, per_byte = 8 / bits, stride = (block + per_byte - 1) / per_byte;
    int64_t zero_stride = (blocks + per_byte - 1) / per_byte, middle = (int64_t)1 << (bits - 1);
    const int64_t dim[] = {rows, k};
    int rc = search_value(s, node_input(p, 2) ? node_input(p, 2) : "", &scale);
    rc = rc || (node_input(p, 3) && search_value(s, node_input(p, 3), &zero)) ||
         floats_shape(&out, dim, 2, p->op_type, &s->why);
    bool packed = zero.type == TYPE_UINT8;
    if (rc == 0 && (f->elements != rows * blocks * stride || scale.elements != rows * blocks ||
                    (zero.elements > 0 && zero.elements != rows * (packed ? zero_stride : blocks)))) {
        rc = search_fail(s, "its packing does not fit in", p->op_type);
    }
    if (rc == 0) {
        floats_alloc(&out);
    }
    for (int64_t i = 0; rc == 0 && i < out.elements; i++) {
        int64_t row = i / k, b = i % k / block, at = i % k % block;
        unsigned byte = (unsigned)f->value[(row * blocks + b) * stride + at / per_byte];
        unsigned q = bits == 8 ? byte : byte >> (at % 2 ? 4 : 0) & 15U;
        float z = (float)middle;
        if (zero.elements > 0 && packed) {
            unsigned pair = (unsigned)zero.value[row * zero_stride + b / per_byte];
            z = (float)(bits == 8 ? pair : pair >> (b % 2 ? 4 : 0) & 15U);
        } else if (zero.elements > 0) {
            z = zero.value[row * blocks + b];
        }
        out.value[i] = ((float)q - z) * scale.value[row * blocks + b];
    }
    mem_free(scale.value);
    mem_free(zero.value);
    if (rc != 0) {
        mem_free(out.value);
        return -1;
    }
    mem_free(f->value);
    *f = out;
    return 0;
}

/* Weights in integers whose scale and zero point are the operator's own inputs. */
static int unpack(struct search *s, const Onnx__NodeProto *p, const struct layout *l, struct floats *f)
{
    struct floats scale = {0}, zero = {0};
    int rc = 0, axis = 0;
    if (is(p, "MatMulNBits")) {
        return unpack_blocks(s, p, f);
    }
    for (int i = 0; i < f->rank; i++) { /* the last of the channel axes */
        axis = l->channel_axes >> i & 1U ? i : axis;
    }
    rc |= l->scale && node_input(p, (size_t)l->scale) ? search_value(s, node_input(p, (size_t)l->scale), &scale) : 0;
    rc |= l->zero && node_input(p, (size_t)l->zero) ? search_value(s, node_input(p, (size_t)l->zero), &zero) : 0;
    if (rc == 0 && (l->scale || l->zero)) {
        floats_dequantize(f, &scale, &zero, axis);
    }
    mem_free(scale.value);
    mem_free(zero.value);
    return rc;
}

/* Channel and place within it of element i. */
static void place_of(const struct floats *f, const struct layout *l, int64_t i, int64_t *channel, int64_t *within)
{
    int64_t channel_step = 1, within_step = 1, group = f->rank > 0 ? f->dim[0] / l->split : 1;
    *channel = *within = 0;
    for (int d = f->rank - 1; d >= 0; d--) {
        int64_t c = i % f->dim[d];
        i /= f->dim[d];
        bool counts = l->channel_axes >> d & 1U;
        if (d == 0 && !counts && l->split > 1) {
            *channel += c / group * channel_step;
            *within += c % group * within_step;
        } else if (counts) {
            *channel += c * channel_step;
            channel_step *= f->dim[d];
        } else {
            *within += c * within_step;
            within_step *= f->dim[d];
        }
    }
}

static void lay_out(const struct floats *f, const struct layout *l, struct weight_tensor *out)
{
    int64_t channels = l->split;
    for (int d = 0; d < f->rank; d++) {
        channels *= l->channel_axes >> d & 1U ? f->dim[d] : 1;
    }
    out->channels = channels;
    out->per_channel = f->elements / channels;
    out->value = mem_calloc((size_t)f->elements + 1, sizeof *out->value);
    for (int64_t i = 0; i < f->elements; i++) {
        int64_t channel, within;
        place_of(f, l, i, &channel, &within);
        out->value[channel * out->per_channel + within] = f->value[i];
    }
}

static bool all_finite(const struct floats *f)
{
    for (int64_t i = 0; i < f->elements; i++) {
        if (!isfinite(f->value[i])) {
            return false;
        }
    }
    return true;
}

void onnx_keep_weights(struct onnx *g, const struct onnx_node *n, int op, const char *name)
{
    if (g->weights == NULL) {
        return;
    }
    struct weights *w = g->weights;
    int cap = w->n_ops;
    if (op >= cap) { /* as many as the network has operators so far */
        w->of = mem_realloc(w->of, (size_t)op + 1, sizeof *w->of);
        memset(w->of + cap, 0, (size_t)(op + 1 - cap) * sizeof *w->of);
        w->n_ops = op + 1;
    }
    struct weight_tensor *out = &w->of[op];
    struct search s = {g, MAX_STEPS, 0, {out->why, sizeof out->why}};
    struct floats f = {0};
    struct layout l;
    size_t port = 0;
    while (port < n->proto->n_input && strcmp(n->proto->input[port], name) != 0) {
        port++;
    }
    if (search_value(&s, name, &f) == 0) {
        if (!layout_of(n->proto, port, f.rank, &l) || l.split < 1 || f.rank < 1 || f.dim[0] % l.split != 0) {
            search_fail(&s, "weights are not followed in operators of type", n->proto->op_type);
        } else if (f.elements > (w->room += TIES * s.outside)) {
            search_fail(&s, "there are more weights than the file has numbers for, at", name);
        } else if (f.elements == 0 || unpack(&s, n->proto, &l, &f) || !all_finite(&f)) {
            snprintf(out->why, sizeof out->why, "%s",
                     out->why[0] ? out->why : "there are no weights, or they are not finite");
        } else {
            lay_out(&f, &l, out);
            w->room -= f.elements;
        }
    }
    mem_free(f.value);
}
