/* Arithmetic on the small constants of an ONNX graph: what shapes are made of (Shape, Gather, Concat, Mul ... Reshape). Numbers are held
 * as doubles, exact for whole ones to 2^53. */
#include "sw/onnx_graph.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

/* Index into the data of `v`, broadcast to the shape of `out`, for the flat index i of out. */
static int64_t broadcast_index(const struct onnx_value *v, const struct onnx_value *out, int64_t i)
{
    int64_t at = 0, stride = 1;
    for (int k = 0; k < out->rank; k++) {
        int d = out->rank - 1 - k, e = v->rank - 1 - k;
        int64_t c = i % out->dim[d];
        i /= out->dim[d];
        if (e >= 0) {
            at += v->dim[e] == 1 ? 0 : c * stride;
            stride *= v->dim[e];
        }
    }
    return at;
}

enum arithmetic {
    ADD,
    SUB,
    MUL,
    DIV,
    POW,
    MAX,
    MIN,
    MOD,
    EQUAL,
    GREATER,
    LESS,
    GREATER_EQUAL,
    LESS_EQUAL,
    AND,
    OR,
    XOR,
    BINARIES
};
static const char *const binaries[] = {"Add",         "Sub", "Mul",   "Div",     "Pow",  "Max",
                                       "Min",         "Mod", "Equal", "Greater", "Less", "GreaterOrEqual",
                                       "LessOrEqual", "And", "Or",    "Xor"};
enum unary { NEG, ABS, SQRT, FLOOR, CEIL, ROUND, NOT, CAST, EXP, LOG, RECIPROCAL, SIGN, ERF, TANH, UNARIES };
static const char *const unaries[] = {"Neg",  "Abs", "Sqrt", "Floor",      "Ceil", "Round", "Not",
                                      "Cast", "Exp", "Log",  "Reciprocal", "Sign", "Erf",   "Tanh"};

static int index_of(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static double binary(enum arithmetic op, double a, double b, bool whole)
{
    switch (op) {
    case ADD:
        return a + b;
    case SUB:
        return a - b;
    case MUL:
        return a * b;
    case DIV:
        return whole ? (b == 0.0 ? 0.0 : trunc(a / b)) : a / b;
    case POW:
        return pow(a, b);
    case MAX:
        return a > b ? a : b;
    case MIN:
        return a < b ? a : b;
    case MOD:
        return b == 0.0 ? 0.0 : a - b * floor(a / b);
    case EQUAL:
        return a == b;
    case GREATER:
        return a > b;
    case LESS:
        return a < b;
    case GREATER_EQUAL:
        return a >= b;
    case LESS_EQUAL:
        return a <= b;
    case AND:
        return a != 0.0 && b != 0.0;
    case OR:
        return a != 0.0 || b != 0.0;
    case XOR:
        return (a != 0.0) != (b != 0.0);
    case BINARIES:
        break;
    }
    return (double)NAN;
}

static double unary(enum unary op, double a, bool whole)
{
    switch (op) {
    case NEG:
        return -a;
    case ABS:
        return fabs(a);
    case SQRT:
        return sqrt(a);
    case FLOOR:
        return floor(a);
    case CEIL:
        return ceil(a);
    case ROUND:
        return rint(a);
    case NOT:
        return a == 0.0;
    case CAST:
        return whole ? trunc(a) : a;
    case EXP:
        return exp(a);
    case LOG:
        return log(a);
    case RECIPROCAL:
        return 1.0 / a;
    case SIGN:
        return (a > 0.0) - (a < 0.0);
    case ERF:
        return erf(a);
    case TANH:
        return tanh(a);
    case UNARIES:
        break;
    }
    return (double)NAN;
}

static bool all_followed(struct onnx *g, const struct onnx_node *n)
{
    for (int i = 0; i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        if (v == NULL || v->data == NULL) {
            return false;
        }
    }
    return n->n_in > 0;
}

static bool casts_to_whole(const struct onnx_node *n)
{
    int64_t to = onnx_attr_int(n, "to", 1);
    return to != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && to != ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE &&
           to != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 && to != ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
}

void onnx_fold_elementwise(struct onnx *g, const struct onnx_node *n)
{
    struct onnx_value *out = onnx_out(g, n, 0);
    int two = index_of(binaries, BINARIES, n->proto->op_type), one = index_of(unaries, UNARIES, n->proto->op_type);
    bool where = strcmp(n->proto->op_type, "Where") == 0 && n->n_in == 3;
    if (out == NULL || !all_followed(g, n) || (two < 0 && one < 0 && !where) || (where ? 0 : two >= 0 && n->n_in < 2)) {
        return;
    }
    const struct onnx_value *a = onnx_in(g, n, 0);
    const struct onnx_value *b = n->n_in > 1 ? onnx_in(g, n, 1) : a, *c = n->n_in > 2 ? onnx_in(g, n, 2) : a;
    bool whole = where ? b->whole && c->whole : one == CAST ? casts_to_whole(n) : a->whole && b->whole;
    double *data = onnx_new_data(out);
    for (int64_t i = 0; data && i < out->elements; i++) {
        double x = a->data[broadcast_index(a, out, i)];
        if (where) {
            data[i] = x != 0.0 ? b->data[broadcast_index(b, out, i)] : c->data[broadcast_index(c, out, i)];
        } else if (two >= 0) {
            data[i] = binary((enum arithmetic)two, x, b->data[broadcast_index(b, out, i)], whole);
            for (int k = 2; k < n->n_in; k++) { /* Max and Min of many */
                const struct onnx_value *v = onnx_in(g, n, k);
                data[i] = binary((enum arithmetic)two, data[i], v->data[broadcast_index(v, out, i)], whole);
            }
        } else {
            data[i] = unary((enum unary)one, x, whole);
        }
    }
    out->whole = whole || (two >= EQUAL && two <= XOR) || one == NOT;
}

void onnx_fold_copy(struct onnx *g, const struct onnx_node *n, int out, int in)
{
    struct onnx_value *to = onnx_out(g, n, out);
    const struct onnx_value *from = onnx_in(g, n, in);
    if (to && from && from->data && to->elements == from->elements && onnx_new_data(to)) {
        memcpy(to->data, from->data, (size_t)to->elements * sizeof *to->data);
        to->whole = from->whole;
    }
}

void onnx_fold_strided(struct onnx *g, int out, int in, int64_t start, const int64_t *stride)
{
    struct onnx_value *to = &g->value[out];
    const struct onnx_value *from = &g->value[in];
    if (from->data == NULL || onnx_new_data(to) == NULL) {
        return;
    }
    for (int64_t i = 0; i < to->elements; i++) {
        int64_t at = start, rest = i;
        for (int d = to->rank - 1; d >= 0; d--) {
            at += rest % to->dim[d] * stride[d];
            rest /= to->dim[d];
        }
        to->data[i] = from->data[at];
    }
    to->whole = from->whole;
}
