/* Many elements into few: reductions, the largest ones, global pooling. */
#include "base/mem.h"
#include "sw/onnx_ops.h"

#include <math.h>
#include <string.h>

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

int onnx_do_reduce(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "axes", 1, axes, ONNX_RANK), rank = 0;
    bool gone[ONNX_RANK] = {false}, keep = onnx_attr_int(n, "keepdims", 1) != 0;
    if (in != NULL && count < 0) {
        return onnx_open(g, n, "its axes are not constants");
    }
    if (in == NULL || !onnx_mark_axes(axes, count, in->rank, gone)) {
        return onnx_bad_shape(g, n);
    }
    bool all = count == 0 && !onnx_attr_int(n, "noop_with_empty_axes", 0);
    for (int i = 0; i < in->rank; i++) {
        if (!all && !gone[i]) {
            dim[rank++] = in->dim[i];
        } else if (keep) {
            dim[rank++] = 1;
        }
    }
    if (onnx_set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    fold_reduce(g, n);
    return onnx_vector(g, n, 0, VECTOR_GLOBAL_POOL, in->elements * onnx_ops_of(n));
}

/* ArgMax, ArgMin, TopK: one axis becomes one, or k. */
int onnx_do_choose(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    bool top = strcmp(n->proto->op_type, "TopK") == 0;
    int axis = in ? onnx_axis(onnx_attr_int(n, "axis", top ? -1 : 0), in->rank) : -1, rank = 0;
    int64_t dim[ONNX_RANK], k = 1;
    if (axis < 0 || (top && onnx_in(g, n, 1) == NULL && (k = onnx_attr_int(n, "k", -1)) < 0)) {
        return onnx_bad_shape(g, n);
    }
    if (top && onnx_in(g, n, 1) && onnx_ints(g, n, "", 1, &k, 1) != 1) {
        return onnx_open(g, n, "how many are taken is not a constant");
    }
    for (int i = 0; i < in->rank; i++) {
        if (i != axis || top || onnx_attr_int(n, "keepdims", 1)) {
            dim[rank++] = i == axis ? k : in->dim[i];
        }
    }
    if (onnx_set_out(g, n, 0, dim, rank) || onnx_set_out(g, n, 1, dim, rank) ||
        onnx_vector(g, n, 0, VECTOR_ACTIVATION, in->elements)) {
        return -1;
    }
    return top ? onnx_as_view(g, n, 1) : 0;
}

int onnx_do_global_pool(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t dim[ONNX_RANK];
    if (in == NULL || in->rank < 2) {
        return onnx_bad_shape(g, n);
    }
    for (int i = 0; i < in->rank; i++) {
        dim[i] = i < 2 ? in->dim[i] : 1;
    }
    return onnx_set_out(g, n, 0, dim, in->rank) ? -1 : onnx_vector(g, n, 0, VECTOR_GLOBAL_POOL, in->elements);
}
