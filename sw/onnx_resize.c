/* Resize and Upsample: sizes or scales of all dimensions, or of some. */
#include "sw/onnx_ops.h"

#include <math.h>
#include <string.h>

/* place[i]: where dimension i stands among scales and sizes, -1: it stays. How many stand there; -1 for a wrong axis. */
static int places_of(const struct onnx_node *n, int rank, int place[ONNX_RANK])
{
    int64_t axes[ONNX_RANK];
    int count = onnx_attr_ints(n, "axes", axes, ONNX_RANK);
    for (int i = 0; i < rank; i++) {
        place[i] = count > 0 ? -1 : i;
    }
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(axes[i], rank);
        if (axis < 0) {
            return -1;
        }
        place[axis] = i;
    }
    return count > 0 ? count : count < 0 ? -1 : rank;
}

/* Opset 18: one scale for all, the smallest or the largest of those that the sizes ask for. */
static void keep_ratio(const struct onnx_node *n, const struct onnx_value *in, const int place[ONNX_RANK],
                       int64_t dim[ONNX_RANK])
{
    bool smaller = onnx_attr_is(n, "keep_aspect_ratio_policy", "not_larger");
    double scale = 0.0;
    if (!smaller && !onnx_attr_is(n, "keep_aspect_ratio_policy", "not_smaller")) {
        return;
    }
    for (int i = 0; i < in->rank; i++) {
        double own = place[i] >= 0 && in->dim[i] > 0 ? (double)dim[i] / (double)in->dim[i] : 0.0;
        scale = own > 0.0 && (scale <= 0.0 || (own < scale) == smaller) ? own : scale;
    }
    for (int i = 0; i < in->rank; i++) {
        dim[i] = place[i] >= 0 && scale > 0.0 ? onnx_whole(floor(scale * (double)in->dim[i] + 0.5)) : dim[i];
    }
}

int onnx_do_resize(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    bool old = strcmp(n->proto->op_type, "Upsample") == 0 || n->n_in == 2;
    const struct onnx_value *scales = onnx_in(g, n, old ? 1 : 2), *sizes = onnx_in(g, n, 3);
    const Onnx__AttributeProto *attr = onnx_attr(n, "scales");
    int64_t dim[ONNX_RANK];
    int place[ONNX_RANK], stated = in ? places_of(n, in->rank, place) : -1;
    if (stated < 0) {
        return onnx_bad_shape(g, n);
    }
    for (int i = 0; i < in->rank; i++) {
        if (place[i] < 0) {
            dim[i] = in->dim[i];
        } else if (sizes && sizes->data && sizes->elements == stated) {
            dim[i] = onnx_whole(sizes->data[place[i]]);
        } else if (scales && scales->data && scales->elements == stated) {
            dim[i] = onnx_whole(floor((double)in->dim[i] * scales->data[place[i]]));
        } else if (attr && attr->n_floats == (size_t)in->rank) {
            dim[i] = onnx_whole(floor((double)in->dim[i] * (double)attr->floats[i]));
        } else {
            return onnx_open(g, n, "its scales and sizes are not constants");
        }
    }
    if (sizes && sizes->data) {
        keep_ratio(n, in, place, dim);
    }
    if (onnx_set_out(g, n, 0, dim, in->rank)) {
        return -1;
    }
    const struct onnx_value *out = onnx_out(g, n, 0);
    return onnx_vector(g, n, 0, VECTOR_MOVE, out && onnx_attr_is(n, "mode", "linear") ? 7 * out->elements : 0);
}
