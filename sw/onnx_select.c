/* What picks by numbers that are known only when the network runs (NonZero, NonMaxSuppression, Compress, Unique): the most that can be is taken, and a
 * warning says so. Beside them what samples at given places, and random numbers. */
#include "base/diag.h"
#include "sw/onnx_ops.h"

#include <string.h>

void onnx_unknown_number(struct onnx *g, const struct onnx_node *n, int64_t most)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    diags_warning(g->d, nowhere, NULL,
                  "%s: how many results %s '%s' has is not known before it runs: taken as all %lld", g->file,
                  n->proto->op_type, n->name, (long long)most);
}

/* Boxes (batch, n, 4), scores (batch, classes, n), most of a class: indices (selected, 3). */
int onnx_do_non_max_suppression(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *boxes = onnx_in(g, n, 0), *scores = onnx_in(g, n, 1);
    int64_t most = 0;
    if (boxes == NULL || scores == NULL || boxes->rank != 3 || scores->rank != 3) {
        return onnx_bad_shape(g, n);
    }
    if (onnx_in(g, n, 2) == NULL || onnx_ints(g, n, "", 2, &most, 1) != 1 || most > boxes->dim[1]) {
        most = boxes->dim[1];
    }
    int64_t all = most < 0 ? -1 : onnx_product(scores->dim[0], scores->dim[1], most);
    const int64_t dim[] = {all, 3};
    if (onnx_set_out(g, n, 0, dim, 2)) {
        return -1;
    }
    onnx_unknown_number(g, n, all);
    return onnx_vector(g, n, 0, VECTOR_ACTIVATION, scores->elements * onnx_ops_of(n));
}

/* How many of a constant condition hold; -1 when it is not one. */
static int64_t holding(const struct onnx_value *condition, int64_t most)
{
    if (condition == NULL || condition->data == NULL) {
        return -1;
    }
    int64_t count = 0;
    for (int64_t i = 0; i < condition->elements && i < most; i++) {
        count += condition->data[i] != 0.0;
    }
    return count;
}

int onnx_do_compress(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    bool along = onnx_attr(n, "axis") != NULL;
    int axis = in && along ? onnx_axis(onnx_attr_int(n, "axis", 0), in->rank) : 0;
    if (in == NULL || axis < 0) {
        return onnx_bad_shape(g, n);
    }
    int64_t dim[ONNX_RANK], all = along ? in->dim[axis] : in->elements, count = holding(onnx_in(g, n, 1), all);
    memcpy(dim, in->dim, sizeof dim);
    if (count < 0) {
        onnx_unknown_number(g, n, all);
    }
    dim[along ? axis : 0] = count < 0 ? all : count;
    return onnx_set_out(g, n, 0, dim, along ? in->rank : 1) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

/* The different elements, or slices along an axis; where each stands, where each came from, how often each is there. */
int onnx_do_unique(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    bool along = onnx_attr(n, "axis") != NULL;
    int axis = in && along ? onnx_axis(onnx_attr_int(n, "axis", 0), in->rank) : 0;
    if (in == NULL || axis < 0) {
        return onnx_bad_shape(g, n);
    }
    const int64_t all[] = {along ? in->dim[axis] : in->elements};
    onnx_unknown_number(g, n, all[0]);
    for (int i = 0; i < 4; i++) {
        bool whole = i == 0 && along;
        if (onnx_set_out(g, n, i, whole ? in->dim : all, whole ? in->rank : 1) ||
            onnx_vector(g, n, i, VECTOR_MOVE, in->elements)) {
            return -1;
        }
    }
    return 0;
}

/* Each row of the indices names a slice: indices' shape without the last dimension, then what is left of the data's. */
int onnx_do_gather_nd(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *index = onnx_in(g, n, 1);
    int64_t dim[2 * ONNX_RANK], batch = onnx_attr_int(n, "batch_dims", 0);
    int rank = 0;
    if (in == NULL || index == NULL || index->rank < 1 || batch < 0 || batch > in->rank ||
        index->dim[index->rank - 1] > in->rank - batch) {
        return onnx_bad_shape(g, n);
    }
    for (int i = 0; i + 1 < index->rank; i++) {
        dim[rank++] = index->dim[i];
    }
    for (int64_t i = batch + index->dim[index->rank - 1]; i < in->rank; i++) {
        dim[rank++] = in->dim[i];
    }
    return onnx_set_out(g, n, 0, dim, rank) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

/* Values at the places of a grid (batch, rows, columns, 2), interpolated. */
int onnx_do_grid_sample(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *grid = onnx_in(g, n, 1);
    if (in == NULL || grid == NULL || in->rank < 3 || grid->rank != in->rank) {
        return onnx_bad_shape(g, n);
    }
    int64_t dim[ONNX_RANK];
    memcpy(dim, in->dim, sizeof dim);
    memcpy(dim + 2, grid->dim + 1, (size_t)(in->rank - 2) * sizeof *dim);
    const struct onnx_value *out = onnx_out(g, n, 0);
    return onnx_set_out(g, n, 0, dim, in->rank)
               ? -1
               : onnx_vector(g, n, 0, VECTOR_POOL, out ? out->elements * onnx_ops_of(n) : 0);
}

/* RoiAlign, MaxRoiPool: a window of fixed size for each region. */
int onnx_do_roi(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *rois = onnx_in(g, n, 1);
    int64_t shape[2] = {onnx_attr_int(n, "output_height", 1), onnx_attr_int(n, "output_width", 1)};
    int stated = onnx_attr_ints(n, "pooled_shape", shape, 2);
    if (in == NULL || rois == NULL || in->rank != 4 || rois->rank < 1 || stated < 0) {
        return onnx_bad_shape(g, n);
    }
    const int64_t dim[] = {rois->dim[0], in->dim[1], shape[0], shape[1]};
    const struct onnx_value *out = onnx_out(g, n, 0);
    return onnx_set_out(g, n, 0, dim, 4) ? -1
                                         : onnx_vector(g, n, 0, VECTOR_POOL, out ? out->elements * onnx_ops_of(n) : 0);
}

int onnx_do_dynamic_quantize(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    if (in == NULL) {
        return onnx_bad_shape(g, n);
    }
    return onnx_set_out(g, n, 0, in->dim, in->rank) || onnx_set_out(g, n, 1, NULL, 0) || onnx_set_out(g, n, 2, NULL, 0)
               ? -1
               : onnx_vector(g, n, 0, VECTOR_ACTIVATION, in->elements * onnx_ops_of(n));
}

/* EyeLike, RandomNormalLike ...: numbers that do not depend on the input, in its shape. */
int onnx_do_like(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    return in == NULL ? onnx_bad_shape(g, n) : onnx_set_out(g, n, 0, in->dim, in->rank);
}

int onnx_do_random(struct onnx *g, struct onnx_node *n)
{
    int64_t dim[ONNX_RANK];
    int rank = onnx_attr_ints(n, "shape", dim, ONNX_RANK);
    return rank < 0 ? onnx_bad_shape(g, n) : onnx_set_out(g, n, 0, dim, rank);
}
