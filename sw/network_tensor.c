/* Operators that the array runs: convolutions, linear layers, products of two activations, matrices of experts. */
#include "sw/network_parts.h"

static const struct op tensor_op = {.kind = OP_TENSOR, .weights_input = -1};

static int check_conv(const struct conv_spec *s, int64_t channels, struct err *err)
{
    for (int i = 0; i < 2; i++) {
        if (s->kernel[i] < 1 || s->stride[i] < 1 || s->dilation[i] < 1) {
            return err_set(err, ERR_DATA, "kernel, stride and dilation must be at least 1");
        }
    }
    if (s->depthwise) {
        return 0;
    }
    if (channels % s->groups != 0 || s->k % s->groups != 0) {
        return err_set(err, ERR_DATA, "%lld groups divide neither %lld input nor %lld output channels evenly",
                       (long long)s->groups, (long long)channels, (long long)s->k);
    }
    return 0;
}

int build_conv(struct network *net, const char *name, int in, const struct conv_spec *spec, struct err *err)
{
    const struct activation a = net->act[in];
    if (check_conv(spec, a.channels, err)) {
        return -1;
    }
    int64_t groups = spec->depthwise ? a.channels : spec->groups;
    int64_t k_all = spec->depthwise ? network_product(a.channels, spec->k, 1) : spec->k;
    struct conv_shape shape = {
        .n = net->batch,
        .g = groups,
        .k = k_all / groups,
        .c = a.channels / groups,
        .p = network_window(a.rows, spec->kernel[0], spec->stride[0], spec->dilation[0], spec->pad[0], spec->pad[2],
                            spec->ceil),
        .q = network_window(a.columns, spec->kernel[1], spec->stride[1], spec->dilation[1],
                            spec->pad[0] < 0 ? -1 : spec->pad[1], spec->pad[3], spec->ceil),
        .r = spec->kernel[0],
        .s = spec->kernel[1],
        .stride_h = spec->stride[0],
        .stride_w = spec->stride[1],
        .dilation_h = spec->dilation[0],
        .dilation_w = spec->dilation[1],
    };
    if (shape.p < 1 || shape.q < 1) {
        return err_set(err, ERR_DATA, "a kernel of %lld x %lld does not fit into %lld x %lld", (long long)shape.r,
                       (long long)shape.s, (long long)a.rows, (long long)a.columns);
    }
    struct op op = tensor_op;
    int64_t taps = network_product(shape.c, shape.r, shape.s);
    op.weights = taps < 0 || k_all < 1 ? -1 : network_product(k_all, taps, 1);
    if (op.weights < 0) {
        return err_set(err, ERR_DATA, "it has more than 2^48 weights");
    }
    op.biases = spec->bias ? k_all : 0;
    einsum_conv(&op.einsum, name, &shape, NETWORK_BITS, NETWORK_BITS, NETWORK_ACC_BITS);
    return network_add_op(net, name, &op, &in, 1, k_all, shape.p, shape.q, err);
}

int build_linear(struct network *net, const char *name, int in, int64_t k, bool bias, bool tied, struct err *err)
{
    struct conv_spec spec = conv_spec_default;
    spec.k = k;
    spec.bias = bias;
    int out = build_conv(net, name, in, &spec, err);
    if (out >= 0 && tied) {
        net->op[net->n_ops - 1].weights = 0;
    }
    return out;
}

int build_matmul(struct network *net, const char *name, int a, int b, int64_t heads, int64_t kv_heads, bool transpose,
                 struct err *err)
{
    const struct activation x = net->act[a], y = net->act[b];
    if (x.columns != 1 || y.columns != 1) {
        return err_set(err, ERR_DATA,
                       "a matmul needs activations of one column (tokens are rows, "
                       "features are channels)");
    }
    if (heads % kv_heads != 0 || x.channels % heads != 0 || y.channels % kv_heads != 0) {
        return err_set(err, ERR_DATA,
                       "%lld heads over %lld key heads do not divide %lld and %lld "
                       "channels evenly",
                       (long long)heads, (long long)kv_heads, (long long)x.channels, (long long)y.channels);
    }
    int64_t depth = x.channels / heads, other = transpose ? y.channels / kv_heads : y.rows;
    if (depth != other) {
        return err_set(err, ERR_DATA, "the summed dimension is %lld on one side and %lld on the other",
                       (long long)depth, (long long)other);
    }
    int64_t width = transpose ? y.rows : y.channels / kv_heads;
    int64_t groups = network_product(net->batch, kv_heads, 1), rows = network_product(x.rows, heads / kv_heads, 1);
    int64_t channels = network_product(heads, width, 1);
    if (groups < 0 || rows < 0 || channels < 0) {
        return err_set(err, ERR_DATA, "it has more than 2^48 results");
    }
    struct op op = tensor_op;
    op.weights_input = 1;
    einsum_matmul(&op.einsum, name, groups, rows, width, depth, false, NETWORK_BITS, NETWORK_BITS, NETWORK_ACC_BITS);
    const int in[] = {a, b};
    return network_add_op(net, name, &op, in, 2, channels, x.rows, 1, err);
}

int build_tensor(struct network *net, const char *name, const int *in, int n_in, const struct tensor_spec *spec,
                 struct err *err)
{
    struct op op = tensor_op;
    op.weights = spec->weights;
    op.biases = spec->biases;
    op.weights_input = spec->weights_input;
    einsum_conv(&op.einsum, name, &spec->shape, NETWORK_BITS, NETWORK_BITS, NETWORK_ACC_BITS);
    return network_add_op(net, name, &op, in, n_in, spec->channels, spec->rows, spec->columns, err);
}

int build_experts(struct network *net, const char *name, int in, const struct expert_spec *spec, struct err *err)
{
    int64_t channels = net->act[in].channels, pairs = network_product(net->batch, spec->rows, 1);
    int64_t matrix = network_product(channels, spec->k, 1),
            all = matrix < 0 ? -1 : network_product(matrix, spec->experts, 1);
    if (pairs < 0 || all < 0) {
        return err_set(err, ERR_DATA, "it has more than 2^48 weights or rows");
    }
    struct conv_shape shape = conv_shape_unit;
    shape.g = spec->distinct;
    shape.k = spec->k;
    shape.c = channels;
    shape.p = (pairs + spec->distinct - 1) / spec->distinct;
    struct op op = tensor_op;
    op.weights = all;
    op.biases = spec->bias ? spec->experts * spec->k : 0;
    einsum_conv(&op.einsum, name, &shape, NETWORK_BITS, NETWORK_BITS, NETWORK_ACC_BITS);
    return network_add_op(net, name, &op, &in, 1, spec->k, spec->rows, 1, err);
}
