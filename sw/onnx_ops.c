/* ONNX operators that no array runs: element-wise work, norms, pooling, reductions, and all that moves or renames data. Each function sets
 * the shapes of its outputs, follows small constants, and adds vector work or a view to the network.
 *
 * Fused into the operator before: what one tensor operator's result goes through element by element with constants only (bias, scale,
 * batch norm, ReLU, requantization). */
#include "sw/onnx_graph.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

#define MAX_STEP ((int64_t)1 << 50) /* a larger step of a slice takes one element too */

/* Operations an element, from the table: counted from the definitions, a transcendental function as one. */
static int ops_of(const struct onnx_node *n)
{
    const struct onnx_op *op = onnx_find_op(n->proto->op_type);
    return op ? op->ops : 0;
}

static int bad_shape(struct onnx *g, const struct onnx_node *n)
{
    return onnx_error(g, n, "its inputs do not fit one another");
}

/* Shape of the output from the broadcast inputs. */
static int broadcast(struct onnx *g, const struct onnx_node *n, int64_t dim[ONNX_RANK], int *rank)
{
    *rank = 0;
    for (int i = 0; i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        *rank = v && v->rank > *rank ? v->rank : *rank;
    }
    for (int k = 0; k < *rank; k++) {
        int64_t d = 1;
        for (int i = 0; i < n->n_in; i++) {
            const struct onnx_value *v = onnx_in(g, n, i);
            int64_t own = v && k >= *rank - v->rank ? v->dim[k - *rank + v->rank] : 1;
            if (own != 1 && d != 1 && own != d) {
                return bad_shape(g, n);
            }
            d = own != 1 ? own : d;
        }
        dim[k] = d;
    }
    return 0;
}

static int set_out(struct onnx *g, const struct onnx_node *n, int i, const int64_t *dim, int rank)
{
    struct onnx_value *out = onnx_out(g, n, i);
    if (out && onnx_set_shape(out, dim, rank)) {
        return onnx_error(g, n, "its output has a negative dimension, or more than 2^48 elements or %d dimensions",
                          ONNX_RANK);
    }
    return 0;
}

static enum vector_kind kind_of(const char *op)
{
    static const struct {
        const char *op;
        enum vector_kind kind;
    } kinds[] = {{"Add", VECTOR_ADD},
                 {"Sum", VECTOR_ADD},
                 {"Sub", VECTOR_ADD},
                 {"QLinearAdd", VECTOR_ADD},
                 {"Mul", VECTOR_MUL},
                 {"Div", VECTOR_MUL},
                 {"QLinearMul", VECTOR_MUL},
                 {"Softmax", VECTOR_SOFTMAX},
                 {"LogSoftmax", VECTOR_SOFTMAX},
                 {"LayerNormalization", VECTOR_NORM},
                 {"SkipLayerNormalization", VECTOR_NORM},
                 {"BatchNormalization", VECTOR_NORM},
                 {"InstanceNormalization", VECTOR_NORM},
                 {"GroupNormalization", VECTOR_NORM},
                 {"LRN", VECTOR_NORM}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].op, op) == 0) {
            return kinds[i].kind;
        }
    }
    return VECTOR_ACTIVATION;
}

/* Softmax and norms over a whole row need all of it first; the rest may ride on its producer. */
static bool may_fuse(const struct onnx_node *n)
{
    enum vector_kind kind = kind_of(n->proto->op_type);
    return kind == VECTOR_ADD || kind == VECTOR_MUL || kind == VECTOR_ACTIVATION ||
           strcmp(n->proto->op_type, "BatchNormalization") == 0;
}

static int input_of(struct onnx *g, const struct onnx_node *n, int act)
{
    for (int i = 0; i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        if (v && v->act == act) {
            return i;
        }
    }
    return -1;
}

/* True when the node rides on the tensor operator that made its only activation. */
static bool fuse(struct onnx *g, const struct onnx_node *n)
{
    int act[ONNX_PORTS], count = onnx_acts(g, n, act);
    const struct onnx_value *out = onnx_out(g, n, 0);
    if (out == NULL || count != 1 || !may_fuse(n)) {
        return false;
    }
    int producer = g->net->act[act[0]].producer, in = input_of(g, n, act[0]);
    if (producer < 0 || g->net->op[producer].kind != OP_TENSOR || g->value[n->in[in]].elements != out->elements) {
        return false;
    }
    onnx_alias(g, n, 0, in);
    return true;
}

static int elementwise(struct onnx *g, struct onnx_node *n)
{
    int64_t dim[ONNX_RANK];
    int rank;
    if (broadcast(g, n, dim, &rank) || set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    onnx_fold_elementwise(g, n);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (out == NULL || out->data || fuse(g, n)) {
        return 0;
    }
    return onnx_vector(g, n, 0, kind_of(n->proto->op_type),
                       out->elements * ops_of(n) * (n->n_in > 1 ? n->n_in - 1 : 1));
}

/* The first input's shape, whatever the others are (parameters of a norm, bounds of a clip). */
static int same_shape(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    if (in == NULL || set_out(g, n, 0, in->dim, in->rank)) {
        return in ? -1 : bad_shape(g, n);
    }
    struct onnx_value *out = onnx_out(g, n, 0);
    if (n->n_in == 1) {
        onnx_fold_elementwise(g, n);
    }
    for (int i = 1; i < n->n_out;
         i++) { /* means, variances, masks: as large as the input at most, used by nobody who costs */
        set_out(g, n, i, in->dim, in->rank);
    }
    if (out == NULL || out->data || fuse(g, n)) {
        return 0;
    }
    return onnx_vector(g, n, 0, kind_of(n->proto->op_type), out->elements * ops_of(n));
}

/* The same data under the same shape: no work. */
static int rename_value(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    if (in == NULL || set_out(g, n, 0, in->dim, in->rank)) {
        return in ? -1 : bad_shape(g, n);
    }
    set_out(g, n, 1, in->dim, in->rank);
    if (strcmp(n->proto->op_type, "Cast") == 0) {
        onnx_fold_elementwise(g, n);
    } else {
        onnx_fold_copy(g, n, 0, 0);
    }
    onnx_alias(g, n, 0, 0);
    return 0;
}

static int shape_op(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (in == NULL || out == NULL) {
        return bad_shape(g, n);
    }
    int64_t start = onnx_attr_int(n, "start", 0), end = onnx_attr_int(n, "end", in->rank);
    start += start < 0 ? in->rank : 0;
    end += end < 0 ? in->rank : 0;
    start = start < 0 ? 0 : start;
    end = end > in->rank ? in->rank : end;
    bool size = strcmp(n->proto->op_type, "Size") == 0;
    const int64_t length[] = {end > start ? end - start : 0};
    if (set_out(g, n, 0, length, size ? 0 : 1)) {
        return -1;
    }
    double *data = onnx_new_data(out);
    for (int64_t i = 0; data && i < out->elements; i++) {
        data[i] = (double)(size ? in->elements : in->dim[start + i]);
    }
    out->whole = true;
    return 0;
}

static int constant(struct onnx *g, struct onnx_node *n)
{
    struct onnx_value *out = onnx_out(g, n, 0);
    const Onnx__AttributeProto *a = n->proto->n_attribute ? n->proto->attribute[0] : NULL;
    if (out == NULL || a == NULL) {
        return out ? bad_shape(g, n) : 0;
    }
    if (a->t) {
        onnx_set_tensor(g, out, a->t);
        return out->shaped ? 0 : onnx_error(g, n, "its tensor has a bad shape");
    }
    bool list = a->n_ints || a->n_floats || (a->name && strcmp(a->name, "value_ints") == 0) ||
                (a->name && strcmp(a->name, "value_floats") == 0);
    const int64_t length[] = {(int64_t)(a->n_ints ? a->n_ints : a->n_floats)};
    if (set_out(g, n, 0, length, list ? 1 : 0)) {
        return -1;
    }
    double *data = onnx_new_data(out);
    for (int64_t i = 0; data && i < out->elements; i++) {
        data[i] = a->n_ints     ? (double)a->ints[i]
                  : a->n_floats ? (double)a->floats[i]
                  : a->has_i    ? (double)a->i
                                : (double)a->f;
    }
    out->whole = a->n_ints > 0 || a->has_i;
    return 0;
}

static int constant_of_shape(struct onnx *g, struct onnx_node *n)
{
    int64_t dim[ONNX_RANK];
    int rank = onnx_ints(g, n, "", 0, dim, ONNX_RANK);
    if (rank < 0) {
        return onnx_error(g, n, "its shape is not a constant");
    }
    if (set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    struct onnx_value *out = onnx_out(g, n, 0), fill = {.act = -1};
    const Onnx__AttributeProto *a = onnx_attr(n, "value");
    if (a && a->t) {
        onnx_set_tensor(g, &fill, a->t);
    }
    double *data = out ? onnx_new_data(out) : NULL;
    for (int64_t i = 0; data && i < out->elements; i++) {
        data[i] = fill.data ? fill.data[0] : 0.0;
    }
    if (out) {
        out->whole = fill.whole;
    }
    mem_free(fill.data);
    return 0;
}

/* Output of another shape over the same elements. */
static int reshaped(struct onnx *g, const struct onnx_node *n, const int64_t *dim, int rank)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *out;
    if (set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    out = onnx_out(g, n, 0);
    if (out && out->elements != in->elements) {
        return onnx_error(g, n, "%lld elements cannot become %lld", (long long)in->elements, (long long)out->elements);
    }
    onnx_fold_copy(g, n, 0, 0);
    onnx_alias(g, n, 0, 0);
    return 0;
}

static int reshape(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t dim[ONNX_RANK], known = 1;
    int rank = onnx_ints(g, n, "shape", 1, dim, ONNX_RANK), open = -1;
    if (in == NULL || rank < 0) {
        return onnx_error(g, n, "its shape is not a constant of up to %d numbers", ONNX_RANK);
    }
    for (int i = 0; i < rank; i++) {
        if (dim[i] == 0 && !onnx_attr_int(n, "allowzero", 0)) {
            dim[i] = i < in->rank ? in->dim[i] : 0;
        }
        if (dim[i] == -1) {
            open = i;
        } else if (dim[i] < 0 || __builtin_mul_overflow(known, dim[i], &known)) {
            return bad_shape(g, n);
        }
    }
    if (open >= 0) {
        dim[open] = known > 0 ? in->elements / known : 0;
    }
    return reshaped(g, n, dim, rank);
}

static int flatten(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t axis = onnx_attr_int(n, "axis", 1), dim[2] = {1, 1};
    if (in == NULL) {
        return bad_shape(g, n);
    }
    axis += axis < 0 ? in->rank : 0;
    for (int i = 0; i < in->rank; i++) {
        dim[i >= axis] *= in->dim[i];
    }
    return reshaped(g, n, dim, 2);
}

static int squeeze(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "axes", 1, axes, ONNX_RANK), rank = 0;
    bool drop[ONNX_RANK] = {false};
    if (in == NULL || count < 0) {
        return bad_shape(g, n);
    }
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(axes[i], in->rank);
        if (axis < 0) {
            return bad_shape(g, n);
        }
        drop[axis] = true;
    }
    for (int i = 0; i < in->rank; i++) {
        if (!(count ? drop[i] : in->dim[i] == 1)) {
            dim[rank++] = in->dim[i];
        }
    }
    return reshaped(g, n, dim, rank);
}

static int unsqueeze(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "axes", 1, axes, ONNX_RANK), from = 0;
    bool added[ONNX_RANK] = {false};
    if (in == NULL || count < 0 || in->rank + count > ONNX_RANK) {
        return bad_shape(g, n);
    }
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(axes[i], in->rank + count);
        if (axis < 0 || added[axis]) {
            return bad_shape(g, n);
        }
        added[axis] = true;
    }
    for (int i = 0; i < in->rank + count; i++) {
        dim[i] = added[i] ? 1 : in->dim[from++];
    }
    return reshaped(g, n, dim, in->rank + count);
}

static void strides_of(const struct onnx_value *v, int64_t stride[ONNX_RANK])
{
    int64_t s = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        stride[i] = s;
        s *= v->dim[i];
    }
}

static int transpose(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t perm[ONNX_RANK], dim[ONNX_RANK], stride[ONNX_RANK], moved[ONNX_RANK];
    int count = onnx_attr_ints(n, "perm", perm, ONNX_RANK), last = -1;
    bool kept = true, seen[ONNX_RANK] = {false};
    if (in == NULL || count < 0 || (count > 0 && count != in->rank)) {
        return bad_shape(g, n);
    }
    strides_of(in, stride);
    for (int i = 0; i < in->rank; i++) {
        int from = count ? onnx_axis(perm[i], in->rank) : in->rank - 1 - i;
        if (from < 0 || seen[from]) {
            return bad_shape(g, n);
        }
        seen[from] = true;
        dim[i] = in->dim[from];
        moved[i] = stride[from];
        kept = kept && (dim[i] == 1 || from > last);
        last = dim[i] == 1 ? last : from;
    }
    if (set_out(g, n, 0, dim, in->rank)) {
        return -1;
    }
    if (onnx_out(g, n, 0)) {
        onnx_fold_strided(g, n->out[0], n->in[0], 0, moved);
    }
    if (kept) { /* only dimensions of 1 change places */
        onnx_alias(g, n, 0, 0);
        return 0;
    }
    return onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

static void fold_concat(struct onnx *g, const struct onnx_node *n)
{
    struct onnx_value *out = onnx_out(g, n, 0);
    bool whole = true;
    for (int i = 0; i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        if (v == NULL || v->data == NULL || v->rank != 1) {
            return; /* shapes are vectors */
        }
        whole &= v->whole;
    }
    double *data = onnx_new_data(out);
    for (int i = 0, at = 0; data && i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        memcpy(data + at, v->data, (size_t)v->elements * sizeof *data);
        at += (int)v->elements;
    }
    out->whole = whole;
}

static int concat(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *first = onnx_in(g, n, 0);
    int axis = first ? onnx_axis(onnx_attr_int(n, "axis", 1), first->rank) : -1;
    int64_t dim[ONNX_RANK];
    if (axis < 0) {
        return bad_shape(g, n);
    }
    memcpy(dim, first->dim, sizeof dim);
    for (int i = 1; i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        if (v == NULL || v->rank != first->rank) {
            return bad_shape(g, n);
        }
        for (int k = 0; k < v->rank; k++) {
            if (k != axis && v->dim[k] != first->dim[k]) {
                return bad_shape(g, n);
            }
        }
        dim[axis] += v->dim[axis];
    }
    if (set_out(g, n, 0, dim, first->rank)) {
        return -1;
    }
    if (onnx_out(g, n, 0)) {
        fold_concat(g, n);
    }
    return onnx_as_view(g, n, 0);
}

/* Start, end, step of one axis, as ONNX clamps them; how many remain. */
static int64_t clamp_slice(int64_t size, int64_t *start, int64_t end, int64_t step)
{
    int64_t s = *start < 0 ? (*start < -size ? -1 : *start + size) : *start;
    int64_t e = end < 0 ? (end < -size ? -1 : end + size) : end;
    if (step > 0) {
        s = s < 0 ? 0 : s > size ? size : s;
        e = e < 0 ? 0 : e > size ? size : e;
        *start = s;
        return e > s ? (e - s + step - 1) / step : 0;
    }
    s = s > size - 1 ? size - 1 : s;
    e = e > size - 1 ? size - 1 : e;
    *start = s;
    return s > e && s >= 0 ? (s - e - step - 1) / -step : 0;
}

static int slice(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t starts[ONNX_RANK], ends[ONNX_RANK], axes[ONNX_RANK], steps[ONNX_RANK], dim[ONNX_RANK], stride[ONNX_RANK],
        start = 0;
    int count = onnx_ints(g, n, "starts", 1, starts, ONNX_RANK), n_ends = onnx_ints(g, n, "ends", 2, ends, ONNX_RANK);
    int n_axes = onnx_ints(g, n, "axes", 3, axes, ONNX_RANK), n_steps = onnx_ints(g, n, "", 4, steps, ONNX_RANK);
    if (in == NULL || count < 0 || n_ends != count || (n_axes > 0 && n_axes != count) ||
        (n_steps > 0 && n_steps != count) || n_axes < 0 || n_steps < 0 || count > in->rank) {
        return onnx_error(g, n, "its bounds are not constants that fit its input");
    }
    memcpy(dim, in->dim, sizeof dim);
    strides_of(in, stride);
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(n_axes ? axes[i] : i, in->rank);
        int64_t step = n_steps ? steps[i] : 1;
        if (axis < 0 || step == 0) {
            return bad_shape(g, n);
        }
        step = step > MAX_STEP ? MAX_STEP : step < -MAX_STEP ? -MAX_STEP : step;
        dim[axis] = clamp_slice(in->dim[axis], &starts[i], ends[i], step);
        start += starts[i] * stride[axis];
        stride[axis] *= dim[axis] > 1 ? step : 1;
    }
    if (set_out(g, n, 0, dim, in->rank)) {
        return -1;
    }
    struct onnx_value *out = onnx_out(g, n, 0);
    if (out && out->elements == in->elements && n_steps == 0) {
        onnx_fold_copy(g, n, 0, 0);
        onnx_alias(g, n, 0, 0);
        return 0;
    }
    if (out) {
        onnx_fold_strided(g, n->out[0], n->in[0], start, stride);
    }
    return onnx_as_view(g, n, 0);
}

static int split(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t sizes[ONNX_PORTS], dim[ONNX_RANK], stride[ONNX_RANK], at = 0;
    int axis = in ? onnx_axis(onnx_attr_int(n, "axis", 0), in->rank) : -1;
    int count = onnx_ints(g, n, "split", 1, sizes, ONNX_PORTS);
    if (axis < 0 || count < 0 || (count > 0 && count < n->n_out)) {
        return bad_shape(g, n);
    }
    memcpy(dim, in->dim, sizeof dim);
    strides_of(in, stride);
    for (int i = 0; i < n->n_out; i++) {
        int64_t each = (in->dim[axis] + n->n_out - 1) / n->n_out, rest = in->dim[axis] - at;
        dim[axis] = count ? sizes[i] : each < rest ? each : rest;
        if (dim[axis] < 0 || dim[axis] > rest) {
            return bad_shape(g, n);
        }
        if (set_out(g, n, i, dim, in->rank)) {
            return -1;
        }
        if (onnx_out(g, n, i)) {
            onnx_fold_strided(g, n->out[i], n->in[0], at * stride[axis], stride);
        }
        at += dim[axis];
        if (onnx_as_view(g, n, i)) {
            return -1;
        }
    }
    return 0;
}

static void fold_gather(struct onnx *g, const struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *index = onnx_in(g, n, 1);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (out == NULL || in->data == NULL || index->data == NULL || in->rank != 1 || onnx_new_data(out) == NULL) {
        return; /* shapes are vectors */
    }
    for (int64_t i = 0; i < out->elements; i++) {
        int at = onnx_axis(onnx_whole(index->data[i]), (int)in->elements);
        out->data[i] = at >= 0 ? in->data[at] : (double)NAN;
    }
    out->whole = in->whole;
}

static int gather(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *index = onnx_in(g, n, 1);
    int axis = in && index ? onnx_axis(onnx_attr_int(n, "axis", 0), in->rank) : -1, rank = 0;
    int64_t dim[2 * ONNX_RANK];
    if (axis < 0) {
        return bad_shape(g, n);
    }
    for (int i = 0; i < in->rank; i++) {
        for (int k = 0; i == axis && k < index->rank; k++) {
            dim[rank++] = index->dim[k];
        }
        if (i != axis) {
            dim[rank++] = in->dim[i];
        }
    }
    if (set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    fold_gather(g, n);
    if (in->act < 0) { /* rows of a table */
        return onnx_vector(g, n, 0, VECTOR_EMBED, 0);
    }
    return onnx_as_view(g, n, 0);
}

static int expand(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t want[ONNX_RANK], dim[ONNX_RANK], stride[ONNX_RANK], own[ONNX_RANK];
    int count = onnx_ints(g, n, "", 1, want, ONNX_RANK);
    if (in == NULL || count < 0) {
        return onnx_error(g, n, "its shape is not a constant");
    }
    int rank = count > in->rank ? count : in->rank;
    strides_of(in, own);
    for (int i = 0; i < rank; i++) {
        int64_t a = i >= rank - in->rank ? in->dim[i - rank + in->rank] : 1,
                b = i >= rank - count ? want[i - rank + count] : 1;
        if (a != 1 && b != 1 && a != b) {
            return bad_shape(g, n);
        }
        dim[i] = a != 1 ? a : b;
        stride[i] = a != 1 ? own[i - rank + in->rank] : 0;
    }
    if (set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    struct onnx_value *out = onnx_out(g, n, 0);
    if (out && out->elements > 0) {
        onnx_fold_strided(g, n->out[0], n->in[0], 0, stride);
    }
    if (out && out->elements == in->elements) {
        onnx_alias(g, n, 0, 0);
        return 0;
    }
    return onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

static int tile(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t times[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "", 1, times, ONNX_RANK);
    if (in == NULL || count != in->rank) {
        return bad_shape(g, n);
    }
    for (int i = 0; i < count; i++) {
        if (times[i] < 0 || __builtin_mul_overflow(in->dim[i], times[i], &dim[i])) {
            return bad_shape(g, n);
        }
    }
    return set_out(g, n, 0, dim, in->rank) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

static int range(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *a = onnx_in(g, n, 0), *b = onnx_in(g, n, 1), *step = onnx_in(g, n, 2);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (!a || !b || !step || !out || !a->data || !b->data || !step->data || !a->elements || !b->elements ||
        !step->elements || step->data[0] == 0.0) {
        return onnx_error(g, n, "its bounds are not constants");
    }
    double count = ceil((b->data[0] - a->data[0]) / step->data[0]);
    const int64_t dim[] = {count > 0.0 && count < 1e15 ? (int64_t)count : 0};
    if (set_out(g, n, 0, dim, 1)) {
        return -1;
    }
    double *data = onnx_new_data(out);
    for (int64_t i = 0; data && i < dim[0]; i++) {
        data[i] = a->data[0] + (double)i * step->data[0];
    }
    out->whole = a->whole && step->whole;
    return 0;
}

static int non_zero(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (!in || !out || !in->data || in->rank > 1) {
        return onnx_error(g, n, "how many of its input are not zero is not known before it runs");
    }
    int64_t dim[2] = {1, 0};
    for (int64_t i = 0; i < in->elements; i++) {
        dim[1] += in->data[i] != 0.0;
    }
    if (set_out(g, n, 0, dim, 2)) {
        return -1;
    }
    double *data = onnx_new_data(out);
    for (int64_t i = 0, at = 0; data && i < in->elements; i++) {
        if (in->data[i] != 0.0) {
            data[at++] = (double)i;
        }
    }
    out->whole = true;
    return 0;
}

static int pad(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t pads[2 * ONNX_RANK], axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, onnx_attr(n, "paddings") ? "paddings" : "pads", 1, pads, 2 * ONNX_RANK);
    int n_axes = onnx_ints(g, n, "", 3, axes, ONNX_RANK);
    if (in == NULL || count < 0 || n_axes < 0 || count != 2 * (n_axes ? n_axes : in->rank)) {
        return onnx_error(g, n, "its sizes are not constants that fit its input");
    }
    memcpy(dim, in->dim, sizeof dim);
    for (int i = 0; i < count / 2; i++) {
        int axis = onnx_axis(n_axes ? axes[i] : i, in->rank);
        if (axis < 0 || __builtin_add_overflow(dim[axis], pads[i], &dim[axis]) ||
            __builtin_add_overflow(dim[axis], pads[i + count / 2], &dim[axis])) {
            return bad_shape(g, n);
        }
    }
    if (set_out(g, n, 0, dim, in->rank)) {
        return -1;
    }
    const struct onnx_value *out = onnx_out(g, n, 0);
    if (out && out->elements == in->elements) {
        onnx_alias(g, n, 0, 0);
        return 0;
    }
    return onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

static int resize(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    bool old = strcmp(n->proto->op_type, "Upsample") == 0 || n->n_in == 2;
    const struct onnx_value *scales = onnx_in(g, n, old ? 1 : 2), *sizes = onnx_in(g, n, 3);
    const Onnx__AttributeProto *attr = onnx_attr(n, "scales");
    int64_t dim[ONNX_RANK];
    if (in == NULL) {
        return bad_shape(g, n);
    }
    for (int i = 0; i < in->rank; i++) {
        if (sizes && sizes->data && sizes->elements == in->rank) {
            dim[i] = onnx_whole(sizes->data[i]);
        } else if (scales && scales->data && scales->elements == in->rank) {
            dim[i] = onnx_whole(floor((double)in->dim[i] * scales->data[i]));
        } else if (attr && attr->n_floats == (size_t)in->rank) {
            dim[i] = onnx_whole(floor((double)in->dim[i] * (double)attr->floats[i]));
        } else {
            return onnx_error(g, n, "its scales and sizes are not constants");
        }
    }
    if (set_out(g, n, 0, dim, in->rank)) {
        return -1;
    }
    const struct onnx_value *out = onnx_out(g, n, 0);
    return onnx_vector(g, n, 0, VECTOR_MOVE, out && onnx_attr_is(n, "mode", "linear") ? 7 * out->elements : 0);
}

static int depth_space(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t b = onnx_attr_int(n, "blocksize", 1);
    if (in == NULL || in->rank != 4 || b < 1 || b > 1 << 15) {
        return bad_shape(g, n);
    }
    bool to_space = strcmp(n->proto->op_type, "DepthToSpace") == 0;
    const int64_t up[] = {in->dim[0], in->dim[1] / (b * b), in->dim[2] * b, in->dim[3] * b};
    const int64_t down[] = {in->dim[0], in->dim[1] * b * b, in->dim[2] / b, in->dim[3] / b};
    return set_out(g, n, 0, to_space ? up : down, 4) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

static void fold_reduce(struct onnx *g, const struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    struct onnx_value *out = onnx_out(g, n, 0);
    const char *op = n->proto->op_type + strlen("Reduce");
    if (!in->data || !out || out->elements != 1 || in->elements < 1 || onnx_new_data(out) == NULL) {
        return;
    }
    double r = in->data[0];
    for (int64_t i = 1; i < in->elements; i++) {
        double x = in->data[i];
        r = strcmp(op, "Prod") == 0  ? r * x
            : strcmp(op, "Max") == 0 ? fmax(r, x)
            : strcmp(op, "Min") == 0 ? fmin(r, x)
                                     : r + x;
    }
    out->data[0] = strcmp(op, "Mean") == 0 ? r / (double)in->elements : r;
    out->whole = in->whole;
    if (strcmp(op, "Prod") != 0 && strcmp(op, "Max") != 0 && strcmp(op, "Min") != 0 && strcmp(op, "Sum") != 0 &&
        strcmp(op, "Mean") != 0) {
        mem_free(out->data);
        out->data = NULL;
    }
}

static int reduce(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "axes", 1, axes, ONNX_RANK), rank = 0;
    bool gone[ONNX_RANK] = {false}, keep = onnx_attr_int(n, "keepdims", 1) != 0;
    if (in == NULL || count < 0) {
        return bad_shape(g, n);
    }
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(axes[i], in->rank);
        if (axis < 0) {
            return bad_shape(g, n);
        }
        gone[axis] = true;
    }
    bool all = count == 0 && !onnx_attr_int(n, "noop_with_empty_axes", 0);
    for (int i = 0; i < in->rank; i++) {
        if (!all && !gone[i]) {
            dim[rank++] = in->dim[i];
        } else if (keep) {
            dim[rank++] = 1;
        }
    }
    if (set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    fold_reduce(g, n);
    return onnx_vector(g, n, 0, VECTOR_GLOBAL_POOL, in->elements * ops_of(n));
}

/* ArgMax, ArgMin, TopK: one axis becomes one, or k. */
static int choose(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    bool top = strcmp(n->proto->op_type, "TopK") == 0;
    int axis = in ? onnx_axis(onnx_attr_int(n, "axis", top ? -1 : 0), in->rank) : -1, rank = 0;
    int64_t dim[ONNX_RANK], k = 1;
    if (axis < 0 || (top && onnx_in(g, n, 1) == NULL && (k = onnx_attr_int(n, "k", -1)) < 0) ||
        (top && onnx_in(g, n, 1) && onnx_ints(g, n, "", 1, &k, 1) != 1)) {
        return bad_shape(g, n);
    }
    for (int i = 0; i < in->rank; i++) {
        if (i != axis || top || onnx_attr_int(n, "keepdims", 1)) {
            dim[rank++] = i == axis ? k : in->dim[i];
        }
    }
    if (set_out(g, n, 0, dim, rank) || set_out(g, n, 1, dim, rank) ||
        onnx_vector(g, n, 0, VECTOR_ACTIVATION, in->elements)) {
        return -1;
    }
    return top ? onnx_as_view(g, n, 1) : 0;
}

/* Shape of the second input (GatherElements), or of the first (Scatter...). */
static int gather_elements(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *index = onnx_in(g, n, 1);
    return index == NULL                               ? bad_shape(g, n)
           : set_out(g, n, 0, index->dim, index->rank) ? -1
                                                       : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

static int moved(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    return in == NULL                            ? bad_shape(g, n)
           : set_out(g, n, 0, in->dim, in->rank) ? -1
                                                 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

static int one_hot(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t depth, dim[ONNX_RANK + 1];
    if (in == NULL || onnx_ints(g, n, "", 1, &depth, 1) != 1) {
        return bad_shape(g, n);
    }
    int axis = onnx_axis(onnx_attr_int(n, "axis", -1), in->rank + 1), from = 0;
    for (int i = 0; i <= in->rank && axis >= 0; i++) {
        dim[i] = i == axis ? depth : in->dim[from++];
    }
    return axis < 0 ? bad_shape(g, n) : set_out(g, n, 0, dim, in->rank + 1) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

static int global_pool(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t dim[ONNX_RANK];
    if (in == NULL || in->rank < 2) {
        return bad_shape(g, n);
    }
    for (int i = 0; i < in->rank; i++) {
        dim[i] = i < 2 ? in->dim[i] : 1;
    }
    return set_out(g, n, 0, dim, in->rank) ? -1 : onnx_vector(g, n, 0, VECTOR_GLOBAL_POOL, in->elements);
}

/* By name, sorted as strcmp() does. */
/* clang-format off: version 14 crashes on tables like this */
const struct onnx_op onnx_ops[] = {
    {"Abs", elementwise, 1},
    {"Add", elementwise, 1},
    {"And", elementwise, 1},
    {"ArgMax", choose, 1},
    {"ArgMin", choose, 1},
    {"BatchNormalization", same_shape, 2},
    {"BiasGelu", elementwise, 9},
    {"BipolarQuant", same_shape, 2},
    {"Cast", rename_value, 0},
    {"CastLike", same_shape, 0},
    {"Ceil", elementwise, 1},
    {"Celu", same_shape, 3},
    {"Clip", same_shape, 2},
    {"Concat", concat, 0},
    {"Constant", constant, 0},
    {"ConstantOfShape", constant_of_shape, 0},
    {"Cos", elementwise, 1},
    {"CumSum", same_shape, 1},
    {"DepthToSpace", depth_space, 0},
    {"DequantizeLinear", same_shape, 2},
    {"Div", elementwise, 1},
    {"Dropout", rename_value, 0},
    {"Elu", same_shape, 3},
    {"Equal", elementwise, 1},
    {"Erf", elementwise, 1},
    {"Exp", elementwise, 1},
    {"Expand", expand, 0},
    {"FastGelu", elementwise, 8},
    {"Flatten", flatten, 0},
    {"Floor", elementwise, 1},
    {"Gather", gather, 0},
    {"GatherElements", gather_elements, 0},
    {"Gelu", same_shape, 8},
    {"GlobalAveragePool", global_pool, 1},
    {"GlobalMaxPool", global_pool, 1},
    {"Greater", elementwise, 1},
    {"GreaterOrEqual", elementwise, 1},
    {"GroupNormalization", same_shape, 7},
    {"HardSigmoid", same_shape, 3},
    {"HardSwish", same_shape, 5},
    {"Identity", rename_value, 0},
    {"InstanceNormalization", same_shape, 7},
    {"IsNaN", elementwise, 1},
    {"LRN", same_shape, 8},
    {"LayerNormalization", same_shape, 7},
    {"LeakyRelu", same_shape, 2},
    {"Less", elementwise, 1},
    {"LessOrEqual", elementwise, 1},
    {"Log", elementwise, 1},
    {"LogSoftmax", same_shape, 6},
    {"LpNormalization", same_shape, 4},
    {"Max", elementwise, 1},
    {"Mean", elementwise, 1},
    {"Min", elementwise, 1},
    {"Mish", same_shape, 5},
    {"Mod", elementwise, 1},
    {"Mul", elementwise, 1},
    {"MultiThreshold", same_shape, 4},
    {"Neg", elementwise, 1},
    {"NonZero", non_zero, 0},
    {"Not", elementwise, 1},
    {"OneHot", one_hot, 0},
    {"Or", elementwise, 1},
    {"PRelu", elementwise, 2},
    {"Pad", pad, 0},
    {"Pow", elementwise, 1},
    {"QLinearAdd", elementwise, 1},
    {"QLinearGlobalAveragePool", global_pool, 1},
    {"QLinearLeakyRelu", same_shape, 2},
    {"QLinearMul", elementwise, 1},
    {"QLinearSigmoid", same_shape, 3},
    {"Quant", same_shape, 2},
    {"QuantizeLinear", same_shape, 2},
    {"QuickGelu", same_shape, 4},
    {"Range", range, 0},
    {"Reciprocal", elementwise, 1},
    {"ReduceL1", reduce, 2},
    {"ReduceL2", reduce, 2},
    {"ReduceLogSumExp", reduce, 2},
    {"ReduceMax", reduce, 1},
    {"ReduceMean", reduce, 1},
    {"ReduceMin", reduce, 1},
    {"ReduceProd", reduce, 1},
    {"ReduceSum", reduce, 1},
    {"ReduceSumSquare", reduce, 2},
    {"Relu", same_shape, 1},
    {"Reshape", reshape, 0},
    {"Resize", resize, 0},
    {"ReverseSequence", moved, 0},
    {"Round", elementwise, 1},
    {"ScatterElements", moved, 0},
    {"ScatterND", moved, 0},
    {"Selu", same_shape, 3},
    {"Shape", shape_op, 0},
    {"Sigmoid", same_shape, 3},
    {"Sign", elementwise, 1},
    {"Silu", same_shape, 4},
    {"Sin", elementwise, 1},
    {"Size", shape_op, 0},
    {"SkipLayerNormalization", same_shape, 8},
    {"Slice", slice, 0},
    {"Softmax", same_shape, 5},
    {"Softplus", same_shape, 3},
    {"Softsign", same_shape, 3},
    {"SpaceToDepth", depth_space, 0},
    {"Split", split, 0},
    {"Sqrt", elementwise, 1},
    {"Squeeze", squeeze, 0},
    {"Sub", elementwise, 1},
    {"Sum", elementwise, 1},
    {"Tanh", elementwise, 1},
    {"ThresholdedRelu", same_shape, 2},
    {"Tile", tile, 0},
    {"TopK", choose, 1},
    {"Transpose", transpose, 0},
    {"Trilu", moved, 0},
    {"Unsqueeze", unsqueeze, 0},
    {"Upsample", resize, 0},
    {"Where", elementwise, 1},
    {"Xor", elementwise, 1},
    {NULL, NULL, 0},
};
