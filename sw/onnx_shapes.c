/* The shape of data, and the data under another shape: no work. Constants, and the small numbers that shapes are made of. */
#include "base/mem.h"
#include "sw/onnx_ops.h"

#include <math.h>
#include <string.h>

/* The same data under the same shape: no work. */
int onnx_do_rename(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    if (in == NULL || onnx_set_out(g, n, 0, in->dim, in->rank)) {
        return in ? -1 : onnx_bad_shape(g, n);
    }
    onnx_set_out(g, n, 1, in->dim, in->rank);
    if (strcmp(n->proto->op_type, "Cast") == 0) {
        onnx_fold_elementwise(g, n);
    } else {
        onnx_fold_copy(g, n, 0, 0);
    }
    onnx_alias(g, n, 0, 0);
    return 0;
}

int onnx_do_shape(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (in == NULL || out == NULL) {
        return onnx_bad_shape(g, n);
    }
    int64_t start = onnx_attr_int(n, "start", 0), end = onnx_attr_int(n, "end", in->rank);
    start += start < 0 ? in->rank : 0;
    end += end < 0 ? in->rank : 0;
    start = start < 0 ? 0 : start;
    end = end > in->rank ? in->rank : end;
    bool size = strcmp(n->proto->op_type, "Size") == 0;
    const int64_t length[] = {end > start ? end - start : 0};
    if (onnx_set_out(g, n, 0, length, size ? 0 : 1)) {
        return -1;
    }
    double *data = onnx_new_data(out);
    for (int64_t i = 0; data && i < out->elements; i++) {
        data[i] = (double)(size ? in->elements : in->dim[start + i]);
    }
    out->whole = true;
    return 0;
}

int onnx_do_constant(struct onnx *g, struct onnx_node *n)
{
    struct onnx_value *out = onnx_out(g, n, 0);
    const Onnx__AttributeProto *a = n->proto->n_attribute ? n->proto->attribute[0] : NULL;
    if (out == NULL || a == NULL) {
        return out ? onnx_bad_shape(g, n) : 0;
    }
    if (a->t) {
        onnx_set_tensor(g, out, a->t);
        return out->shaped ? 0 : onnx_error(g, n, "its tensor has a bad shape");
    }
    bool list = a->n_ints || a->n_floats || (a->name && strcmp(a->name, "value_ints") == 0) ||
                (a->name && strcmp(a->name, "value_floats") == 0);
    const int64_t length[] = {(int64_t)(a->n_ints ? a->n_ints : a->n_floats)};
    if (onnx_set_out(g, n, 0, length, list ? 1 : 0)) {
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

int onnx_do_constant_of_shape(struct onnx *g, struct onnx_node *n)
{
    int64_t dim[ONNX_RANK];
    int rank = onnx_ints(g, n, "", 0, dim, ONNX_RANK);
    if (rank < 0) {
        return onnx_open(g, n, "its shape is not a constant");
    }
    if (onnx_set_out(g, n, 0, dim, rank)) {
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
int onnx_reshaped(struct onnx *g, const struct onnx_node *n, const int64_t *dim, int rank)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *out;
    if (onnx_set_out(g, n, 0, dim, rank)) {
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

int onnx_do_reshape(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t dim[ONNX_RANK], known = 1;
    int rank = onnx_ints(g, n, "shape", 1, dim, ONNX_RANK), open = -1;
    if (in == NULL || rank < 0) {
        return onnx_open(g, n, "its shape is not a constant of up to 8 numbers");
    }
    for (int i = 0; i < rank; i++) {
        if (dim[i] == 0 && !onnx_attr_int(n, "allowzero", 0)) {
            dim[i] = i < in->rank ? in->dim[i] : 0;
        }
        if (dim[i] == -1) {
            open = i;
        } else if (dim[i] < 0 || __builtin_mul_overflow(known, dim[i], &known)) {
            return onnx_bad_shape(g, n);
        }
    }
    if (open >= 0) {
        dim[open] = known > 0 ? in->elements / known : 0;
    }
    return onnx_reshaped(g, n, dim, rank);
}

int onnx_do_flatten(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t axis = onnx_attr_int(n, "axis", 1), dim[2] = {1, 1};
    if (in == NULL) {
        return onnx_bad_shape(g, n);
    }
    axis += axis < 0 ? in->rank : 0;
    for (int i = 0; i < in->rank; i++) {
        dim[i >= axis] *= in->dim[i];
    }
    return onnx_reshaped(g, n, dim, 2);
}

int onnx_do_squeeze(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "axes", 1, axes, ONNX_RANK), rank = 0;
    bool drop[ONNX_RANK] = {false};
    if (in != NULL && count < 0) {
        return onnx_open(g, n, "its axes are not constants");
    }
    if (in == NULL || !onnx_mark_axes(axes, count, in->rank, drop)) {
        return onnx_bad_shape(g, n);
    }
    for (int i = 0; i < in->rank; i++) {
        if (!(count ? drop[i] : in->dim[i] == 1)) {
            dim[rank++] = in->dim[i];
        }
    }
    return onnx_reshaped(g, n, dim, rank);
}

int onnx_do_unsqueeze(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "axes", 1, axes, ONNX_RANK), from = 0;
    bool added[ONNX_RANK] = {false};
    if (in != NULL && count < 0) {
        return onnx_open(g, n, "its axes are not constants");
    }
    if (in == NULL || in->rank + count > ONNX_RANK) {
        return onnx_bad_shape(g, n);
    }
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(axes[i], in->rank + count);
        if (axis < 0 || added[axis]) {
            return onnx_bad_shape(g, n);
        }
        added[axis] = true;
    }
    for (int i = 0; i < in->rank + count; i++) {
        dim[i] = added[i] ? 1 : in->dim[from++];
    }
    return onnx_reshaped(g, n, dim, in->rank + count);
}

int onnx_do_range(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *a = onnx_in(g, n, 0), *b = onnx_in(g, n, 1), *step = onnx_in(g, n, 2);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (!a || !b || !step || !out || !a->data || !b->data || !step->data || !a->elements || !b->elements ||
        !step->elements || step->data[0] == 0.0) {
        return onnx_open(g, n, "its bounds are not constants");
    }
    double count = ceil((b->data[0] - a->data[0]) / step->data[0]);
    const int64_t dim[] = {count > 0.0 && count < 1e15 ? (int64_t)count : 0};
    if (onnx_set_out(g, n, 0, dim, 1)) {
        return -1;
    }
    double *data = onnx_new_data(out);
    for (int64_t i = 0; data && i < dim[0]; i++) {
        data[i] = a->data[0] + (double)i * step->data[0];
    }
    out->whole = a->whole && step->whole;
    return 0;
}

int onnx_do_non_zero(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (!in || !out) {
        return onnx_bad_shape(g, n);
    }
    int64_t dim[2] = {1, 0};
    if (!in->data || in->rank > 1) { /* at most all of them */
        const int64_t all[] = {in->rank > 0 ? in->rank : 1, in->elements};
        onnx_unknown_number(g, n, in->elements);
        return onnx_set_out(g, n, 0, all, 2) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, in->elements);
    }
    for (int64_t i = 0; i < in->elements; i++) {
        dim[1] += in->data[i] != 0.0;
    }
    if (onnx_set_out(g, n, 0, dim, 2)) {
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
