/* Weights of an ONNX operator, followed back to the initializers that they come from.
 *
 * The reader's own constants (onnx_fold.c) stop at a few thousand numbers, which is enough for shapes; weights are looked up only when somebody
 * asks for them, by name, from the graph that the operator stands in outwards. Between an initializer and the operator there may be what
 * exporters put there: Identity, Cast, Reshape, Transpose, DequantizeLinear, QuantizeLinear, Quant (QONNX), and arithmetic with constants. */
#include "base/mem.h"
#include "sw/onnx_numbers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TIES 64      /* operators that may share a file's weights, in the mean */
#define MAX_STEPS 64 /* tensors looked at for one operator */

struct search {
    struct onnx *g;
    int steps;       /* left */
    int64_t outside; /* numbers that came from other files */
    struct reason why;
};

static int fail(struct search *s, const char *what, const char *name)
{
    return reason_set(&s->why, what, name);
}

/* --- What operators make of them ------------------------------------------------------------------- */

static int look_up(struct search *s, const char *name, struct floats *f);

static const char *input(const Onnx__NodeProto *p, size_t i)
{
    return i < p->n_input && p->input[i][0] ? p->input[i] : NULL;
}

static int64_t attr_int(const Onnx__NodeProto *p, const char *name, int64_t absent)
{
    const struct onnx_node n = {.proto = p};
    return onnx_attr_int(&n, name, absent);
}

static void strides_of(const struct floats *f, int64_t stride[ONNX_RANK])
{
    int64_t step = 1;
    for (int i = f->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= f->dim[i];
    }
}

static int transposed(struct search *s, const Onnx__NodeProto *p, struct floats *f)
{
    const struct onnx_node n = {.proto = p};
    int64_t perm[ONNX_RANK], dim[ONNX_RANK], stride[ONNX_RANK], moved[ONNX_RANK];
    int count = onnx_attr_ints(&n, "perm", perm, ONNX_RANK);
    strides_of(f, stride);
    for (int i = 0; i < f->rank; i++) {
        int from = count == f->rank ? onnx_axis(perm[i], f->rank) : f->rank - 1 - i;
        if (from < 0) {
            return fail(s, "a Transpose that does not fit:", p->name ? p->name : "");
        }
        dim[i] = f->dim[from];
        moved[i] = stride[from];
    }
    struct floats out = {.type = f->type};
    if (floats_shape(&out, dim, f->rank, "Transpose", &s->why) || out.elements != f->elements) {
        return fail(s, "a Transpose that does not fit:", p->name ? p->name : "");
    }
    floats_alloc(&out);
    for (int64_t i = 0; i < out.elements; i++) {
        int64_t at = 0, rest = i;
        for (int d = out.rank - 1; d >= 0; d--) {
            at += rest % out.dim[d] * moved[d];
            rest /= out.dim[d];
        }
        out.value[i] = f->value[at];
    }
    mem_free(f->value);
    *f = out;
    return 0;
}

/* Element i of `of` seen from `by`, which is one number, a vector along `axis` (blocks of it in turn), or broadcast as ONNX does (axis < 0). */
static int64_t element_for(const struct floats *of, const struct floats *by, int64_t i, int axis)
{
    if (by->elements <= 1) {
        return 0;
    }
    int64_t at = 0, step = 1;
    for (int k = 0; k < of->rank; k++) {
        int d = of->rank - 1 - k, e = by->rank - 1 - k;
        int64_t c = i % of->dim[d];
        i /= of->dim[d];
        if (axis >= 0 && by->rank == 1) {
            at = d == axis ? c * by->dim[0] / of->dim[d] : at;
        } else if (e >= 0) {
            at += c * by->dim[e] / of->dim[d] * step; /* 1: 0; equal: c; less: its block */
            step *= by->dim[e];
        }
    }
    return at < by->elements ? at : by->elements - 1;
}

/* (x - zero) * scale; either may be absent (one number each then). */
static void dequantize(struct floats *x, const struct floats *scale, const struct floats *zero, int axis)
{
    for (int64_t i = 0; i < x->elements; i++) {
        float z = zero->elements > 0 ? zero->value[element_for(x, zero, i, axis)] : 0.0F;
        float k = scale->elements > 0 ? scale->value[element_for(x, scale, i, axis)] : 1.0F;
        x->value[i] = (x->value[i] - z) * k;
    }
}

static void quantize(struct floats *x, const struct floats *scale, const struct floats *zero, int axis, float lowest,
                     float highest)
{
    for (int64_t i = 0; i < x->elements; i++) {
        float z = zero->elements > 0 ? zero->value[element_for(x, zero, i, axis)] : 0.0F;
        float k = scale->value[element_for(x, scale, i, axis)];
        float q = rintf(x->value[i] / k) + z;
        x->value[i] = q < lowest ? lowest : q > highest ? highest : q;
    }
}

/* Quant of QONNX: (clip(round(x / scale + zero)) - zero) * scale, bits in input 3. */
static void fake_quantize(const Onnx__NodeProto *p, struct floats *x, const struct floats *scale,
                          const struct floats *zero, float bits)
{
    bool is_signed = attr_int(p, "signed", 1) != 0, narrow = attr_int(p, "narrow", 0) != 0;
    float top = exp2f(bits - (is_signed ? 1.0F : 0.0F)) - 1.0F;
    float bottom = is_signed ? -top - (narrow ? 0.0F : 1.0F) : 0.0F;
    quantize(x, scale, zero, -1, bottom, narrow && !is_signed ? top - 1.0F : top);
    dequantize(x, scale, zero, -1);
}

/* DequantizeLinear, QuantizeLinear, Quant; x is input 0 already. */
static int scaled(struct search *s, const Onnx__NodeProto *p, struct floats *x)
{
    struct floats scale = {0}, zero = {0}, bits = {0};
    bool fake = strcmp(p->op_type, "Quant") == 0;
    int axis = onnx_axis(attr_int(p, "axis", 1), x->rank), rc = 0;
    rc |= input(p, 1) ? look_up(s, input(p, 1), &scale) : fail(s, "there is no scale at", p->op_type);
    rc |= input(p, 2) ? look_up(s, input(p, 2), &zero) : 0;
    rc |= fake && input(p, 3) ? look_up(s, input(p, 3), &bits) : 0;
    if (rc == 0 && fake && bits.elements > 0) {
        fake_quantize(p, x, &scale, &zero, bits.value[0]);
    } else if (rc == 0 && strcmp(p->op_type, "DequantizeLinear") == 0) {
        dequantize(x, &scale, &zero, axis);
    } else if (rc == 0 && strcmp(p->op_type, "QuantizeLinear") == 0) {
        int type = zero.elements > 0 ? zero.type : TYPE_UINT8, width = floats_bits(type);
        bool is_signed = type == TYPE_INT8 || type == TYPE_INT16 || type == TYPE_INT4;
        float span = exp2f((float)width);
        quantize(x, &scale, &zero, axis, is_signed ? -span / 2 : 0.0F, is_signed ? span / 2 - 1.0F : span - 1.0F);
        x->type = type;
    } else if (rc == 0) {
        rc = fail(s, "its width is not known:", p->op_type);
    }
    mem_free(scale.value);
    mem_free(zero.value);
    mem_free(bits.value);
    return rc;
}

static int combined(struct search *s, const Onnx__NodeProto *p, struct floats *a)
{
    struct floats b = {0}, out = {.type = a->type};
    if (input(p, 1) == NULL || look_up(s, input(p, 1), &b)) {
        mem_free(b.value);
        return input(p, 1) ? -1 : fail(s, "one side is missing at", p->op_type);
    }
    int64_t dim[ONNX_RANK];
    int rank = a->rank > b.rank ? a->rank : b.rank, rc = 0;
    for (int k = 0; k < rank; k++) {
        int i = a->rank - rank + k, j = b.rank - rank + k;
        int64_t da = i >= 0 ? a->dim[i] : 1, db = j >= 0 ? b.dim[j] : 1;
        dim[k] = da > db ? da : db;
        rc |= da != db && da != 1 && db != 1 ? fail(s, "two shapes that do not fit at", p->op_type) : 0;
    }
    rc = rc || floats_shape(&out, dim, rank, p->op_type, &s->why) ? -1 : 0;
    if (rc == 0 && out.elements > (a->elements > b.elements ? a->elements : b.elements)) {
        rc = fail(s, "both sides are spread out at", p->op_type); /* a small file would make large weights */
    }
    if (rc == 0) {
        floats_alloc(&out);
    }
    for (int64_t i = 0; rc == 0 && i < out.elements; i++) {
        float x = a->value[element_for(&out, a, i, -1)], y = b.value[element_for(&out, &b, i, -1)];
        out.value[i] = p->op_type[0] == 'A'   ? x + y
                       : p->op_type[0] == 'S' ? x - y
                       : p->op_type[0] == 'M' ? x * y
                                              : x / y;
    }
    mem_free(b.value);
    if (rc == 0) {
        mem_free(a->value);
        *a = out;
        return 0;
    }
    mem_free(out.value);
    return -1;
}

/* Another shape over the same numbers: the reader knows it already. */
static int reshaped(struct search *s, const Onnx__NodeProto *p, struct floats *f)
{
    int at = p->n_output > 0 ? onnx_find_value(s->g, p->output[0]) : -1;
    const struct onnx_value *v = at >= 0 ? &s->g->value[at] : NULL;
    if (v == NULL || !v->shaped || v->elements != f->elements) {
        return fail(s, "the shape is not known after", p->op_type);
    }
    f->rank = v->rank;
    memcpy(f->dim, v->dim, sizeof f->dim);
    return 0;
}

static int same(struct search *s, const Onnx__NodeProto *p, struct floats *f)
{
    (void)s;
    (void)p;
    (void)f;
    return 0;
}

static int apply(struct search *s, const Onnx__NodeProto *p, struct floats *f)
{
    static const struct {
        const char *op;
        int (*fn)(struct search *s, const Onnx__NodeProto *p, struct floats *f);
    } ops[] = {{"Identity", same},         {"Cast", same},          {"Dropout", same},
               {"Transpose", transposed},  {"Reshape", reshaped},   {"Flatten", reshaped},
               {"Squeeze", reshaped},      {"Unsqueeze", reshaped}, {"DequantizeLinear", scaled},
               {"QuantizeLinear", scaled}, {"Quant", scaled},       {"Add", combined},
               {"Sub", combined},          {"Mul", combined},       {"Div", combined}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (strcmp(ops[i].op, p->op_type) == 0) {
            if (input(p, 0) == NULL || look_up(s, input(p, 0), f)) {
                return input(p, 0) ? -1 : fail(s, "an input is missing at", p->op_type);
            }
            return ops[i].fn(s, p, f);
        }
    }
    return fail(s, "it is not followed through", p->op_type);
}

static const Onnx__TensorProto *constant_tensor(const Onnx__NodeProto *p)
{
    for (size_t i = 0; i < p->n_attribute; i++) {
        if (p->attribute[i]->t) {
            return p->attribute[i]->t;
        }
    }
    return NULL;
}

/* One number, or 0, in the shape that the reader knows. */
static int filled(struct search *s, const Onnx__NodeProto *p, struct floats *f, const char *name)
{
    const Onnx__TensorProto *t = constant_tensor(p);
    int at = onnx_find_value(s->g, name);
    const struct onnx_value *v = at >= 0 ? &s->g->value[at] : NULL;
    struct floats one = {0};
    if (v == NULL || !v->shaped || v->elements > s->g->weights->room ||
        floats_shape(f, v->dim, v->rank, name, &s->why) < 0) {
        return fail(s, "the shape is not known, or large, of", name);
    }
    if (t != NULL && (floats_read(t, s->g->file, &one, name, &s->why) < 0 || one.elements < 1)) {
        mem_free(one.value);
        return fail(s, "there is no number to fill", name);
    }
    floats_alloc(f);
    s->g->weights->room -= f->elements;
    for (int64_t i = 0; t != NULL && i < f->elements; i++) {
        f->value[i] = one.value[0];
    }
    mem_free(one.value);
    return 0;
}

static int made_by(struct search *s, const Onnx__NodeProto *p, struct floats *f, const char *name)
{
    if (p->op_type && strcmp(p->op_type, "Constant") == 0) {
        const Onnx__TensorProto *t = constant_tensor(p);
        return t ? floats_read(t, s->g->file, f, name, &s->why) : fail(s, "no tensor is in the Constant of", name);
    }
    if (p->op_type && strcmp(p->op_type, "ConstantOfShape") == 0) {
        return filled(s, p, f, name);
    }
    return p->op_type ? apply(s, p, f) : fail(s, "nothing makes", name);
}

/* Inner graphs hide the names of outer ones. On failure f->value may be allocated all the same: the caller frees it. */
static int look_up(struct search *s, const char *name, struct floats *f)
{
    if (s->steps-- <= 0) {
        return fail(s, "too many operators lie between the file and", name);
    }
    for (int depth = s->g->depth; depth >= 0; depth--) {
        const Onnx__GraphProto *graph = s->g->graph[depth];
        for (size_t i = 0; i < graph->n_initializer; i++) {
            const Onnx__TensorProto *t = graph->initializer[i];
            if (t->name && strcmp(t->name, name) == 0) {
                int rc = floats_read(t, s->g->file, f, name, &s->why);
                s->outside += rc == 0 && t->has_data_location ? f->elements : 0;
                return rc;
            }
        }
        for (size_t i = 0; i < graph->n_node; i++) {
            for (size_t k = 0; k < graph->node[i]->n_output; k++) {
                if (strcmp(graph->node[i]->output[k], name) == 0) {
                    return made_by(s, graph->node[i], f, name);
                }
            }
        }
    }
    return fail(s, "nothing makes", name);
}

/* --- Layouts -------------------------------------------------------------------------------------- */

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
        out->split = attr_int(p, "group", 1);
    } else if (is(p, "Gemm") || is(p, "QGemm") || is(p, "FusedGemm")) {
        bool first = port == 0, turned = attr_int(p, first ? "transA" : "transB", 0) != 0;
        out->channel_axes = first == turned ? 2 : 1;
    } else if (strstr(p->op_type, "MatMul") || is(p, "Attention") || is(p, "QAttention")) {
        bool turned = attr_int(p, port == 0 ? "transA" : "transB", 0) != 0, last = (port == 0) != turned;
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
    int64_t rows = attr_int(p, "N", 0), k = attr_int(p, "K", 0), bits = attr_int(p, "bits", 4),
            block = attr_int(p, "block_size", 0);
    struct floats scale = {0}, zero = {0}, out = {0};
    if (rows < 1 || k < 1 || block < 1 || block > k + 65536 || (bits != 4 && bits != 8) || input(p, 4)) {
        return fail(s, "its packing is not followed in", p->op_type);
    }
    int64_t blocks = (k + block - 1) / block, per_byte = 8 / bits, stride = (block + per_byte - 1) / per_byte;
    int64_t zero_stride = (blocks + per_byte - 1) / per_byte, middle = (int64_t)1 << (bits - 1);
    const int64_t dim[] = {rows, k};
    int rc = look_up(s, input(p, 2) ? input(p, 2) : "", &scale);
    rc = rc || (input(p, 3) && look_up(s, input(p, 3), &zero)) || floats_shape(&out, dim, 2, p->op_type, &s->why);
    bool packed = zero.type == TYPE_UINT8;
    if (rc == 0 && (f->elements != rows * blocks * stride || scale.elements != rows * blocks ||
                    (zero.elements > 0 && zero.elements != rows * (packed ? zero_stride : blocks)))) {
        rc = fail(s, "its packing does not fit in", p->op_type);
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
    rc |= l->scale && input(p, (size_t)l->scale) ? look_up(s, input(p, (size_t)l->scale), &scale) : 0;
    rc |= l->zero && input(p, (size_t)l->zero) ? look_up(s, input(p, (size_t)l->zero), &zero) : 0;
    if (rc == 0 && (l->scale || l->zero)) {
        dequantize(f, &scale, &zero, axis);
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
    if (look_up(&s, name, &f) == 0) {
        if (!layout_of(n->proto, port, f.rank, &l) || l.split < 1 || f.rank < 1 || f.dim[0] % l.split != 0) {
            fail(&s, "weights are not followed in operators of type", n->proto->op_type);
        } else if (f.elements > (w->room += TIES * s.outside)) {
            fail(&s, "there are more weights than the file has numbers for, at", name);
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
