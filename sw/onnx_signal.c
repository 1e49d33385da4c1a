/* Signals: windows, Fourier transforms, mel weights; and what images need beside convolutions: crops to a size, grids, columns into images, unpooling,
 * determinants. A transform of n numbers is taken as n log2 n operations of a complex multiplication and addition (8). */
#include "sw/onnx_ops.h"

#include <math.h>
#include <string.h>

/* One whole number of input i, or `absent`. 0, or -1 when it is not a constant. */
static int whole_input(struct onnx *g, const struct onnx_node *n, int i, int64_t absent, int64_t *out)
{
    *out = absent;
    return onnx_in(g, n, i) && onnx_ints(g, n, "", i, out, 1) != 1 ? -1 : 0;
}

int onnx_do_window(struct onnx *g, struct onnx_node *n)
{
    int64_t size;
    if (onnx_in(g, n, 0) == NULL || whole_input(g, n, 0, 0, &size)) {
        return onnx_open(g, n, "its size is not a constant");
    }
    return onnx_set_out(g, n, 0, &size, 1);
}

/* Number of mel bins, of points of the transform: one-sided spectrum x bins. */
int onnx_do_mel_weights(struct onnx *g, struct onnx_node *n)
{
    int64_t bins, points;
    if (whole_input(g, n, 0, 0, &bins) || whole_input(g, n, 1, 0, &points) || points < 0) {
        return onnx_open(g, n, "its sizes are not constants");
    }
    const int64_t dim[] = {points / 2 + 1, bins};
    return onnx_set_out(g, n, 0, dim, 2);
}

static int64_t transform_ops(int64_t elements, int64_t points)
{
    double work = 8.0 * (double)elements * log2((double)(points > 2 ? points : 2));
    return work < 1e15 ? (int64_t)work : (int64_t)1e15;
}

/* (batch, signal.., real or complex): along one axis. Its length may be stated; one-sided: half of it and one. */
int onnx_do_dft(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t dim[ONNX_RANK], length, place;
    if (in == NULL || in->rank < 2) {
        return onnx_bad_shape(g, n);
    }
    if (whole_input(g, n, 1, -1, &length) ||
        whole_input(g, n, 2, onnx_attr_int(n, "axis", g->opset >= 20 ? -2 : 1), &place)) {
        return onnx_open(g, n, "its length or axis is not a constant");
    }
    int axis = onnx_axis(place, in->rank);
    if (axis < 0) {
        return onnx_bad_shape(g, n);
    }
    bool half = onnx_attr_int(n, "onesided", 0) != 0, inverse = onnx_attr_int(n, "inverse", 0) != 0;
    memcpy(dim, in->dim, sizeof dim);
    dim[axis] = length >= 0 ? length : half && inverse ? 2 * (dim[axis] - 1) : dim[axis];
    int64_t points = dim[axis];
    dim[axis] = half && !inverse ? dim[axis] / 2 + 1 : dim[axis];
    dim[in->rank - 1] = half && inverse ? 1 : 2;
    return onnx_set_out(g, n, 0, dim, in->rank)
               ? -1
               : onnx_vector(g, n, 0, VECTOR_MOVE, transform_ops(in->elements, points));
}

/* Signal (batch, samples, real or complex), step, window, frame length: (batch, frames, spectrum, 2). */
int onnx_do_stft(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *window = onnx_in(g, n, 2);
    int64_t step, frame;
    if (in == NULL || in->rank < 2) {
        return onnx_bad_shape(g, n);
    }
    if (whole_input(g, n, 1, 0, &step) || whole_input(g, n, 3, window ? window->elements : 0, &frame)) {
        return onnx_open(g, n, "its step or frame is not a constant");
    }
    if (step < 1 || frame < 1 || frame > in->dim[1]) {
        return onnx_error(g, n,
                          "frames of %lld, %lld apart, do not fit %lld samples: bind the dynamic dimensions (workload "
                          "--set, a study's 'shapes')",
                          (long long)frame, (long long)step, (long long)in->dim[1]);
    }
    int64_t frames = (in->dim[1] - frame) / step + 1;
    const int64_t dim[] = {in->dim[0], frames, onnx_attr_int(n, "onesided", 1) ? frame / 2 + 1 : frame, 2};
    int64_t points = onnx_product(in->dim[0], frames, frame);
    return onnx_set_out(g, n, 0, dim, 4) || points < 0
               ? -1
               : onnx_vector(g, n, 0, VECTOR_MOVE, transform_ops(points, frame));
}

/* To a size along some axes, by cutting off or padding. */
int onnx_do_center_crop(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t size[ONNX_RANK], axes[ONNX_RANK], dim[ONNX_RANK];
    int count = onnx_ints(g, n, "", 1, size, ONNX_RANK), n_axes = onnx_attr_ints(n, "axes", axes, ONNX_RANK);
    if (in == NULL || n_axes < 0) {
        return onnx_bad_shape(g, n);
    }
    if (count < 0 || count != (n_axes ? n_axes : in->rank)) {
        return onnx_open(g, n, "its size is not a constant that fits its axes");
    }
    memcpy(dim, in->dim, sizeof dim);
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(n_axes ? axes[i] : i, in->rank);
        if (axis < 0) {
            return onnx_bad_shape(g, n);
        }
        dim[axis] = size[i];
    }
    return onnx_set_out(g, n, 0, dim, in->rank) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

/* Affine maps (batch, ...) at the places of an image of a stated size (N, C, [D,] H, W): places (N, [D,] H, W, coordinates). */
int onnx_do_affine_grid(struct onnx *g, struct onnx_node *n)
{
    int64_t size[5], dim[5];
    int count = onnx_ints(g, n, "", 1, size, 5);
    if (count < 4) {
        return onnx_open(g, n, "its size is not a constant of 4 or 5 numbers");
    }
    int spatial = count - 2;
    dim[0] = size[0];
    memcpy(dim + 1, size + 2, (size_t)spatial * sizeof *dim);
    dim[spatial + 1] = spatial;
    if (onnx_set_out(g, n, 0, dim, spatial + 2)) {
        return -1;
    }
    const struct onnx_value *out = onnx_out(g, n, 0);
    return onnx_vector(g, n, 0, VECTOR_MOVE, out ? 2 * (spatial + 1) * out->elements : 0);
}

/* Columns (N, C * block, positions) into an image of a stated size, overlaps added. */
int onnx_do_col2im(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t dim[ONNX_RANK], block[ONNX_RANK], taps = 1;
    int count = onnx_ints(g, n, "", 1, dim + 2, ONNX_RANK - 2), blocks = onnx_ints(g, n, "", 2, block, ONNX_RANK);
    if (in == NULL || in->rank != 3) {
        return onnx_bad_shape(g, n);
    }
    if (count < 1 || blocks != count) {
        return onnx_open(g, n, "the sizes of its image and block are not constants that fit");
    }
    for (int i = 0; i < blocks; i++) {
        taps = block[i] < 1 || taps < 1 ? -1 : onnx_product(taps, block[i], 1);
    }
    if (taps < 1 || in->dim[1] % taps != 0) {
        return onnx_bad_shape(g, n);
    }
    dim[0] = in->dim[0];
    dim[1] = in->dim[1] / taps;
    return onnx_set_out(g, n, 0, dim, count + 2) ? -1 : onnx_vector(g, n, 0, VECTOR_ADD, in->elements);
}

/* Each number back to where MaxPool found it. */
int onnx_do_max_unpool(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t dim[ONNX_RANK], kernel[ONNX_RANK], stride[ONNX_RANK], pad[2 * ONNX_RANK] = {0}, given[ONNX_RANK];
    int taps = onnx_attr_ints(n, "kernel_shape", kernel, ONNX_RANK),
        steps = onnx_attr_ints(n, "strides", stride, ONNX_RANK);
    const int64_t limit = (int64_t)1 << 31;
    if (in == NULL || in->rank < 3 || taps != in->rank - 2 || (steps != 0 && steps != taps) ||
        onnx_attr_ints(n, "pads", pad, 2 * ONNX_RANK) < 0) {
        return onnx_bad_shape(g, n);
    }
    memcpy(dim, in->dim, sizeof dim);
    for (int i = 0; i < taps; i++) {
        int64_t step = steps ? stride[i] : 1, cut = pad[i] + pad[i + taps];
        if (step < 1 || kernel[i] < 1 || kernel[i] > limit || pad[i] < 0 || pad[i + taps] < 0 || pad[i] > limit ||
            pad[i + taps] > limit) {
            return onnx_bad_shape(g, n);
        }
        int64_t wide = onnx_product(dim[i + 2] > 0 ? dim[i + 2] - 1 : 0, step, 1);
        dim[i + 2] = wide < 0 ? -1 : wide + kernel[i] - cut;
    }
    if (onnx_in(g, n, 2)) {
        if (onnx_ints(g, n, "", 2, given, ONNX_RANK) != in->rank) {
            return onnx_open(g, n, "its size is not a constant that fits its input");
        }
        memcpy(dim, given, sizeof dim);
    }
    return onnx_set_out(g, n, 0, dim, in->rank) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

/* Of the matrices in the last two dimensions, by elimination: n cubed by 2/3. */
int onnx_do_det(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    if (in == NULL || in->rank < 2 || in->dim[in->rank - 1] != in->dim[in->rank - 2]) {
        return onnx_bad_shape(g, n);
    }
    int64_t work = onnx_product(in->elements, in->dim[in->rank - 1], 1);
    return onnx_set_out(g, n, 0, in->dim, in->rank - 2) || work < 0
               ? -1
               : onnx_vector(g, n, 0, VECTOR_GLOBAL_POOL, work * 2 / 3);
}
