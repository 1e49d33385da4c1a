/* Data from one place to another: views where the order stays, movement where it does not. */
#include "sw/onnx_ops.h"

#include <math.h>
#include <string.h>

void onnx_strides(const struct onnx_value *v, int64_t stride[ONNX_RANK])
{
    int64_t s = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        stride[i] = s;
        s *= v->dim[i];
    }
}

int onnx_do_transpose(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t perm[ONNX_RANK], dim[ONNX_RANK], stride[ONNX_RANK], moved[ONNX_RANK];
    int count = onnx_attr_ints(n, "perm", perm, ONNX_RANK), last = -1;
    bool kept = true, seen[ONNX_RANK] = {false};
    if (in == NULL || count < 0 || (count > 0 && count != in->rank)) {
        return onnx_bad_shape(g, n);
    }
    onnx_strides(in, stride);
    for (int i = 0; i < in->rank; i++) {
        int from = count ? onnx_axis(perm[i], in->rank) : in->rank - 1 - i;
        if (from < 0 || seen[from]) {
            return onnx_bad_shape(g, n);
        }
        seen[from] = true;
        dim[i] = in->dim[from];
        moved[i] = stride[from];
        kept = kept && (dim[i] == 1 || from > last);
        last = dim[i] == 1 ? last : from;
    }
    if (onnx_set_out(g, n, 0, dim, in->rank)) {
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
        if (v == NULL || v->data == NULL || v->rank > 1) {
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

int onnx_do_concat(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *first = onnx_in(g, n, 0);
    int axis = first ? onnx_axis(onnx_attr_int(n, "axis", 1), first->rank) : -1;
    int64_t dim[ONNX_RANK];
    if (axis < 0) {
        return onnx_bad_shape(g, n);
    }
    memcpy(dim, first->dim, sizeof dim);
    for (int i = 1; i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        bool one = v && v->rank == 0 && first->rank == 1; /* some files join single numbers to vectors */
        if (v == NULL || (v->rank != first->rank && !one)) {
            return onnx_bad_shape(g, n);
        }
        if (one) {
            dim[axis]++;
            continue;
        }
        for (int k = 0; k < v->rank; k++) {
            if (k != axis && v->dim[k] != first->dim[k]) {
                return onnx_bad_shape(g, n);
            }
        }
        dim[axis] += v->dim[axis];
    }
    if (onnx_set_out(g, n, 0, dim, first->rank)) {
        return -1;
    }
    if (onnx_out(g, n, 0)) {
        fold_concat(g, n);
    }
    return onnx_as_view(g, n, 0);
}

#define MAX_STEP ((int64_t)1 << 50) /* a larger step of a slice takes one element too */

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

int onnx_do_slice(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t starts[ONNX_RANK], ends[ONNX_RANK], axes[ONNX_RANK], steps[ONNX_RANK], dim[ONNX_RANK], stride[ONNX_RANK],
        start = 0;
    int count = onnx_ints(g, n, "starts", 1, starts, ONNX_RANK), n_ends = onnx_ints(g, n, "ends", 2, ends, ONNX_RANK);
    int n_axes = onnx_ints(g, n, "axes", 3, axes, ONNX_RANK), n_steps = onnx_ints(g, n, "", 4, steps, ONNX_RANK);
    if (in == NULL || count < 0 || n_ends != count || (n_axes > 0 && n_axes != count) ||
        (n_steps > 0 && n_steps != count) || n_axes < 0 || n_steps < 0 || count > in->rank) {
        return onnx_open(g, n, "its bounds are not constants that fit its input");
    }
    memcpy(dim, in->dim, sizeof dim);
    onnx_strides(in, stride);
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(n_axes ? axes[i] : i, in->rank);
        int64_t step = n_steps ? steps[i] : 1;
        if (axis < 0 || step == 0) {
            return onnx_bad_shape(g, n);
        }
        step = step > MAX_STEP ? MAX_STEP : step < -MAX_STEP ? -MAX_STEP : step;
        dim[axis] = clamp_slice(in->dim[axis], &starts[i], ends[i], step);
        start += starts[i] * stride[axis];
        stride[axis] *= dim[axis] > 1 ? step : 1;
    }
    if (onnx_set_out(g, n, 0, dim, in->rank)) {
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

int onnx_do_split(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t sizes[ONNX_PORTS], dim[ONNX_RANK], stride[ONNX_RANK], at = 0;
    int axis = in ? onnx_axis(onnx_attr_int(n, "axis", 0), in->rank) : -1;
    int count = onnx_ints(g, n, "split", 1, sizes, ONNX_PORTS);
    if (axis >= 0 && count < 0) {
        return onnx_open(g, n, "the sizes of its parts are not constants");
    }
    if (axis < 0 || (count > 0 && count < n->n_out)) {
        return onnx_bad_shape(g, n);
    }
    memcpy(dim, in->dim, sizeof dim);
    onnx_strides(in, stride);
    for (int i = 0; i < n->n_out; i++) {
        int64_t each = (in->dim[axis] + n->n_out - 1) / n->n_out, rest = in->dim[axis] - at;
        dim[axis] = count ? sizes[i] : each < rest ? each : rest;
        if (dim[axis] < 0 || dim[axis] > rest) {
            return onnx_bad_shape(g, n);
        }
        if (onnx_set_out(g, n, i, dim, in->rank)) {
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

int onnx_do_gather(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *index = onnx_in(g, n, 1);
    int axis = in && index ? onnx_axis(onnx_attr_int(n, "axis", 0), in->rank) : -1, rank = 0;
    int64_t dim[2 * ONNX_RANK];
    if (axis < 0) {
        return onnx_bad_shape(g, n);
    }
    for (int i = 0; i < in->rank; i++) {
        for (int k = 0; i == axis && k < index->rank; k++) {
            dim[rank++] = index->dim[k];
        }
        if (i != axis) {
            dim[rank++] = in->dim[i];
        }
    }
    if (onnx_set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    fold_gather(g, n);
    if (in->act < 0) { /* rows of a table */
        return onnx_vector(g, n, 0, VECTOR_EMBED, 0);
    }
    return onnx_as_view(g, n, 0);
}

int onnx_do_expand(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t want[ONNX_RANK], dim[ONNX_RANK], stride[ONNX_RANK], own[ONNX_RANK];
    int count = onnx_ints(g, n, "", 1, want, ONNX_RANK);
    if (in == NULL || count < 0) {
        return onnx_open(g, n, "its shape is not a constant");
    }
    int rank = count > in->rank ? count : in->rank;
    onnx_strides(in, own);
    for (int i = 0; i < rank; i++) {
        int64_t a = i >= rank - in->rank ? in->dim[i - rank + in->rank] : 1,
                b = i >= rank - count ? want[i - rank + count] : 1;
        if (a != 1 && b != 1 && a != b) {
            return onnx_bad_shape(g, n);
        }
        dim[i] = a != 1 ? a : b;
        stride[i] = a != 1 ? own[i - rank + in->rank] : 0;
    }
    if (onnx_set_out(g, n, 0, dim, rank)) {
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

int onnx_do_tile(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t times[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "", 1, times, ONNX_RANK);
    if (in != NULL && count < 0) {
        return onnx_open(g, n, "its repeats are not constants");
    }
    if (in == NULL || count != in->rank) {
        return onnx_bad_shape(g, n);
    }
    for (int i = 0; i < count; i++) {
        if (times[i] < 0 || __builtin_mul_overflow(in->dim[i], times[i], &dim[i])) {
            return onnx_bad_shape(g, n);
        }
    }
    return onnx_set_out(g, n, 0, dim, in->rank) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

int onnx_do_pad(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t pads[2 * ONNX_RANK], axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, onnx_attr(n, "paddings") ? "paddings" : "pads", 1, pads, 2 * ONNX_RANK);
    int n_axes = onnx_ints(g, n, "", 3, axes, ONNX_RANK);
    if (in == NULL || count < 0 || n_axes < 0 || count != 2 * (n_axes ? n_axes : in->rank)) {
        return onnx_open(g, n, "its sizes are not constants that fit its input");
    }
    memcpy(dim, in->dim, sizeof dim);
    for (int i = 0; i < count / 2; i++) {
        int axis = onnx_axis(n_axes ? axes[i] : i, in->rank);
        if (axis < 0 || __builtin_add_overflow(dim[axis], pads[i], &dim[axis]) ||
            __builtin_add_overflow(dim[axis], pads[i + count / 2], &dim[axis])) {
            return onnx_bad_shape(g, n);
        }
    }
    if (onnx_set_out(g, n, 0, dim, in->rank)) {
        return -1;
    }
    const struct onnx_value *out = onnx_out(g, n, 0);
    if (out && out->elements == in->elements) {
        onnx_alias(g, n, 0, 0);
        return 0;
    }
    return onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

int onnx_do_depth_space(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t b = onnx_attr_int(n, "blocksize", 1);
    if (in == NULL || in->rank != 4 || b < 1 || b > 1 << 15) {
        return onnx_bad_shape(g, n);
    }
    bool to_space = strcmp(n->proto->op_type, "DepthToSpace") == 0;
    const int64_t up[] = {in->dim[0], in->dim[1] / (b * b), in->dim[2] * b, in->dim[3] * b};
    const int64_t down[] = {in->dim[0], in->dim[1] * b * b, in->dim[2] / b, in->dim[3] / b};
    return onnx_set_out(g, n, 0, to_space ? up : down, 4) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

/* Shape of the second input (GatherElements), or of the first (Scatter...). */
int onnx_do_gather_elements(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *index = onnx_in(g, n, 1);
    return index == NULL                                    ? onnx_bad_shape(g, n)
           : onnx_set_out(g, n, 0, index->dim, index->rank) ? -1
                                                            : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

int onnx_do_moved(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    return in == NULL                                 ? onnx_bad_shape(g, n)
           : onnx_set_out(g, n, 0, in->dim, in->rank) ? -1
                                                      : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

int onnx_do_one_hot(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t depth, dim[ONNX_RANK + 1];
    if (in == NULL) {
        return onnx_bad_shape(g, n);
    }
    if (onnx_ints(g, n, "depth", 1, &depth, 1) != 1) {
        return onnx_open(g, n, "its depth is not a constant");
    }
    int axis = onnx_axis(onnx_attr_int(n, "axis", -1), in->rank + 1), from = 0;
    for (int i = 0; i <= in->rank && axis >= 0; i++) {
        dim[i] = i == axis ? depth : in->dim[from++];
    }
    return axis < 0                                   ? onnx_bad_shape(g, n)
           : onnx_set_out(g, n, 0, dim, in->rank + 1) ? -1
                                                      : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

/* com.microsoft QLinearConcat: scale and zero point of the result, then each input with its own. */
int onnx_do_quantized_concat(struct onnx *g, struct onnx_node *n)
{
    struct onnx_node plain = *n;
    plain.n_in = 0;
    for (int i = 2; i < n->n_in; i += 3) {
        plain.in[plain.n_in++] = n->in[i];
    }
    return onnx_do_concat(g, &plain);
}

/* Crop of the first ONNX versions: a border (left, top, right, bottom) away, or a size from its corner. */
int onnx_do_crop(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t border[4] = {0}, scale[2] = {0}, dim[ONNX_RANK];
    if (in == NULL || in->rank != 4 || onnx_attr_ints(n, "border", border, 4) < 0) {
        return onnx_bad_shape(g, n);
    }
    memcpy(dim, in->dim, sizeof dim);
    bool sized = onnx_attr_ints(n, "scale", scale, 2) == 2;
    for (int i = 0; i < 2; i++) {
        int64_t before = border[1 - i], after = border[3 - i];
        bool sane = before >= 0 && after >= 0 && before <= in->dim[i + 2] && after <= in->dim[i + 2];
        dim[i + 2] = !sane ? -1 : sized ? scale[i] : in->dim[i + 2] - before - after;
    }
    return onnx_set_out(g, n, 0, dim, 4) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}
