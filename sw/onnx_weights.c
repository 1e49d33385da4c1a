/* Numbers of an ONNX value, followed back to the initializers that they come from.
 *
 * The reader's own constants (onnx_fold.c) stop at a few thousand numbers, which is enough for shapes; weights are looked up only when somebody
 * asks for them, by name, from the graph that the operator stands in outwards. Between an initializer and the operator there may be what
 * exporters put there: Identity, Cast, Reshape, Transpose, DequantizeLinear, QuantizeLinear, Quant (QONNX), and arithmetic with constants. */
#include "base/mem.h"
#include "sw/onnx_numbers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *node_input(const Onnx__NodeProto *p, size_t i)
{
    return i < p->n_input && p->input[i][0] ? p->input[i] : NULL;
}

int64_t node_int(const Onnx__NodeProto *p, const char *name, int64_t absent)
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
            return search_fail(s, "a Transpose that does not fit:", p->name ? p->name : "");
        }
        dim[i] = f->dim[from];
        moved[i] = stride[from];
    }
    struct floats out = {.type = f->type};
    if (floats_shape(&out, dim, f->rank, "Transpose", &s->why) || out.elements != f->elements) {
        return search_fail(s, "a Transpose that does not fit:", p->name ? p->name : "");
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
void floats_dequantize(struct floats *x, const struct floats *scale, const struct floats *zero, int axis)
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
    bool is_signed = node_int(p, "signed", 1) != 0, narrow = node_int(p, "narrow", 0) != 0;
    float top = exp2f(bits - (is_signed ? 1.0F : 0.0F)) - 1.0F;
    float bottom = is_signed ? -top - (narrow ? 0.0F : 1.0F) : 0.0F;
    quantize(x, scale, zero, -1, bottom, narrow && !is_signed ? top - 1.0F : top);
    floats_dequantize(x, scale, zero, -1);
}

/* DequantizeLinear, QuantizeLinear, Quant; x is input 0 already. */
static int scaled(struct search *s, const Onnx__NodeProto *p, struct floats *x)
{
    struct floats scale = {0}, zero = {0}, bits = {0};
    bool fake = strcmp(p->op_type, "Quant") == 0;
    int axis = onnx_axis(node_int(p, "axis", 1), x->rank), rc = 0;
    rc |= node_input(p, 1) ? search_value(s, node_input(p, 1), &scale)
                           : search_fail(s, "there is no scale at", p->op_type);
    rc |= node_input(p, 2) ? search_value(s, node_input(p, 2), &zero) : 0;
    rc |= fake && node_input(p, 3) ? search_value(s, node_input(p, 3), &bits) : 0;
    if (rc == 0 && fake && bits.elements > 0) {
        fake_quantize(p, x, &scale, &zero, bits.value[0]);
    } else if (rc == 0 && strcmp(p->op_type, "DequantizeLinear") == 0) {
        floats_dequantize(x, &scale, &zero, axis);
    } else if (rc == 0 && strcmp(p->op_type, "QuantizeLinear") == 0) {
        int type = zero.elements > 0 ? zero.type : TYPE_UINT8, width = floats_bits(type);
        bool is_signed = type == TYPE_INT8 || type == TYPE_INT16 || type == TYPE_INT4;
        float span = exp2f((float)width);
        quantize(x, &scale, &zero, axis, is_signed ? -span / 2 : 0.0F, is_signed ? span / 2 - 1.0F : span - 1.0F);
        x->type = type;
    } else if (rc == 0) {
        rc = search_fail(s, "its width is not known:", p->op_type);
    }
    mem_free(scale.value);
    mem_free(zero.value);
    mem_free(bits.value);
    return rc;
}

static int combined(struct search *s, const Onnx__NodeProto *p, struct floats *a)
{
    struct floats b = {0}, out = {.type = a->type};
    if (node_input(p, 1) == NULL || search_value(s, node_input(p, 1), &b)) {
        mem_free(b.value);
        return node_input(p, 1) ? -1 : search_fail(s, "one side is missing at", p->op_type);
    }
    int64_t dim[ONNX_RANK];
    int rank = a->rank > b.rank ? a->rank : b.rank, rc = 0;
    for (int k = 0; k < rank; k++) {
        int i = a->rank - rank + k, j = b.rank - rank + k;
        int64_t da = i >= 0 ? a->dim[i] : 1, db = j >= 0 ? b.dim[j] : 1;
        dim[k] = da > db ? da : db;
        rc |= da != db && da != 1 && db != 1 ? search_fail(s, "two shapes that do not fit at", p->op_type) : 0;
    }
    rc = rc || floats_shape(&out, dim, rank, p->op_type, &s->why) ? -1 : 0;
    if (rc == 0 && out.elements > (a->elements > b.elements ? a->elements : b.elements)) {
        rc = search_fail(s, "both sides are spread out at", p->op_type); /* a small file would make large weights */
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
        return search_fail(s, "the shape is not known after", p->op_type);
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
            if (node_input(p, 0) == NULL || search_value(s, node_input(p, 0), f)) {
                return node_input(p, 0) ? -1 : search_fail(s, "an input is missing at", p->op_type);
            }
            return ops[i].fn(s, p, f);
        }
    }
    return search_fail(s, "it is not followed through", p->op_type);
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
        return search_fail(s, "the shape is not known, or large, of", name);
    }
    if (t != NULL && (floats_read(t, s->g->file, &one, name, &s->why) < 0 || one.elements < 1)) {
        mem_free(one.value);
        return search_fail(s, "there is no number to fill", name);
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
        return t ? floats_read(t, s->g->file, f, name, &s->why)
                 : search_fail(s, "no tensor is in the Constant of", name);
    }
    if (p->op_type && strcmp(p->op_type, "ConstantOfShape") == 0) {
        return filled(s, p, f, name);
    }
    return p->op_type ? apply(s, p, f) : search_fail(s, "nothing makes", name);
}

/* Inner graphs hide the names of outer ones. On failure f->value may be allocated all the same: the caller frees it. */
int search_value(struct search *s, const char *name, struct floats *f)
{
    if (s->steps-- <= 0) {
        return search_fail(s, "too many operators lie between the file and", name);
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
    return search_fail(s, "nothing makes", name);
}
