/* Shapes and operators from what papers state of a layer.
 *
 * Output size of a window: floor((size + pads - dilation * (kernel - 1) - 1) / stride) + 1 (Dumoulin and Visin, "A guide to convolution
 * arithmetic for deep learning", 2016, relationship 15), rounded up where a pooling asks for it; 'same' is ceil(size / stride). */
#include "sw/network_build.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define COUNT_MAX                                                                                                      \
    ((int64_t)1 << 48) /* elements of one activation or weight: keeps every later product of a width within int64 */

const struct conv_spec conv_spec_default = {
    .k = 1,
    .groups = 1,
    .kernel = {1, 1},
    .stride = {1, 1},
    .dilation = {1, 1},
    .bias = true,
};

struct network *network_new(const char *name, int64_t batch)
{
    struct network *net = mem_alloc(sizeof *net);
    snprintf(net->name, sizeof net->name, "%s", name);
    net->batch = batch;
    return net;
}

/* a * b * c, or -1 when above COUNT_MAX. All are at least 1. */
static int64_t product(int64_t a, int64_t b, int64_t c)
{
    int64_t p;
    if (__builtin_mul_overflow(a, b, &p) || __builtin_mul_overflow(p, c, &p) || p > COUNT_MAX) {
        return -1;
    }
    return p;
}

static int add_activation(struct network *net, int producer, int64_t channels, int64_t rows, int64_t columns,
                          struct err *err)
{
    if (channels < 1 || rows < 1 || columns < 1) {
        return err_set(err, ERR_DATA, "its output would be %lld x %lld x %lld (channels, rows, columns)",
                       (long long)channels, (long long)rows, (long long)columns);
    }
    int64_t sample = product(channels, rows, columns);
    int64_t elements = sample < 0 ? -1 : product(sample, net->batch, 1);
    if (elements < 0) {
        return err_set(err, ERR_DATA, "its output has more than 2^48 elements");
    }
    MEM_GROW(net->act, net->n_acts, net->cap_acts);
    net->act[net->n_acts] = (struct activation){
        .producer = producer,
        .channels = channels,
        .rows = rows,
        .columns = columns,
        .elements = elements,
        .bits = NETWORK_BITS,
    };
    return net->n_acts++;
}

int build_input(struct network *net, int64_t channels, int64_t rows, int64_t columns, struct err *err)
{
    return add_activation(net, -1, channels, rows, columns, err);
}

void build_block(struct network *net, const char *name)
{
    if (net->n_blocks > 0 && net->block[net->n_blocks - 1].n_ops == 0) {
        net->n_blocks--;
    }
    MEM_GROW(net->block, net->n_blocks, net->cap_blocks);
    struct network_block *b = &net->block[net->n_blocks++];
    memset(b, 0, sizeof *b);
    snprintf(b->name, sizeof b->name, "%s", name);
    b->first_op = net->n_ops;
}

static void add_edge(struct network *net, int act)
{
    MEM_GROW(net->edge, net->n_edges, net->cap_edges);
    net->edge[net->n_edges++] = act;
}

/* Appends the operator with its output's shape. Returns the output, or -1 and nothing is added. */
static int add_op(struct network *net, const char *name, struct op *op, const int *in, int n_in, int64_t channels,
                  int64_t rows, int64_t columns, struct err *err)
{
    assert(net->n_blocks > 0);
    if (network_find_op(net, name) >= 0) {
        return err_set(err, ERR_DATA, "there is another operator of this name");
    }
    op->output = add_activation(net, net->n_ops, channels, rows, columns, err);
    if (op->output < 0) {
        return -1;
    }
    snprintf(op->name, sizeof op->name, "%s", name);
    op->batch = net->batch;
    op->block = net->n_blocks - 1;
    op->first_input = net->n_edges;
    op->n_inputs = n_in;
    op->w_bits = op->a_bits = NETWORK_BITS;
    op->acc_bits = NETWORK_ACC_BITS;
    op->w_quantizer = quantizer_default;
    for (int i = 0; i < n_in; i++) {
        add_edge(net, in[i]);
    }
    MEM_GROW(net->op, net->n_ops, net->cap_ops);
    net->op[net->n_ops++] = *op;
    net->block[op->block].n_ops++;
    build_index(net);
    return op->output;
}

static const struct op tensor_op = {.kind = OP_TENSOR, .weights_input = -1};

/* Output extent of a window along one axis; below 1 when the kernel does not fit. */
static int64_t window(int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after,
                      bool ceil)
{
    if (before < 0) {
        return (size + stride - 1) / stride;
    }
    int64_t room = size + before + after - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : (room + (ceil ? stride - 1 : 0)) / stride + 1;
}

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
    int64_t k_all = spec->depthwise ? product(a.channels, spec->k, 1) : spec->k;
    struct conv_shape shape = {
        .n = net->batch,
        .g = groups,
        .k = k_all / groups,
        .c = a.channels / groups,
        .p =
            window(a.rows, spec->kernel[0], spec->stride[0], spec->dilation[0], spec->pad[0], spec->pad[2], spec->ceil),
        .q = window(a.columns, spec->kernel[1], spec->stride[1], spec->dilation[1],
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
    int64_t taps = product(shape.c, shape.r, shape.s);
    op.weights = taps < 0 || k_all < 1 ? -1 : product(k_all, taps, 1);
    if (op.weights < 0) {
        return err_set(err, ERR_DATA, "it has more than 2^48 weights");
    }
    op.biases = spec->bias ? k_all : 0;
    einsum_conv(&op.einsum, name, &shape, NETWORK_BITS, NETWORK_BITS, NETWORK_ACC_BITS);
    return add_op(net, name, &op, &in, 1, k_all, shape.p, shape.q, err);
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
    int64_t groups = product(net->batch, kv_heads, 1), rows = product(x.rows, heads / kv_heads, 1);
    int64_t channels = product(heads, width, 1);
    if (groups < 0 || rows < 0 || channels < 0) {
        return err_set(err, ERR_DATA, "it has more than 2^48 results");
    }
    struct op op = tensor_op;
    op.weights_input = 1;
    einsum_matmul(&op.einsum, name, groups, rows, width, depth, false, NETWORK_BITS, NETWORK_BITS, NETWORK_ACC_BITS);
    const int in[] = {a, b};
    return add_op(net, name, &op, in, 2, channels, x.rows, 1, err);
}

/* An operator of vector work; `ops` and `params` may be -1 for too many. */
static int add_vector(struct network *net, const char *name, enum vector_kind kind, const int *in, int n_in,
                      const int64_t shape[3], int64_t ops, int64_t params, struct err *err)
{
    struct op op = {.kind = OP_VECTOR, .vector = kind, .weights_input = -1, .weights = params, .weights_read = params};
    op.vector_ops = ops;
    if (ops < 0 || params < 0) {
        return err_set(err, ERR_DATA, "it has more than 2^48 operations or parameters");
    }
    return add_op(net, name, &op, in, n_in, shape[0], shape[1], shape[2], err);
}

int build_pool(struct network *net, const char *name, int in, const struct pool_spec *spec, struct err *err)
{
    const struct activation a = net->act[in];
    int64_t size[2] = {a.rows, a.columns}, out[2];
    for (int i = 0; i < 2; i++) {
        int64_t stride = spec->stride[i] ? spec->stride[i] : spec->kernel[i];
        if (spec->kernel[i] < 1 || stride < 1) {
            return err_set(err, ERR_DATA, "kernel and stride must be at least 1");
        }
        out[i] = window(size[i], spec->kernel[i], stride, 1, spec->pad[0] < 0 ? -1 : spec->pad[i], spec->pad[i + 2],
                        spec->ceil);
    }
    if (out[0] < 1 || out[1] < 1) {
        return err_set(err, ERR_DATA, "a window of %lld x %lld does not fit into %lld x %lld",
                       (long long)spec->kernel[0], (long long)spec->kernel[1], (long long)a.rows, (long long)a.columns);
    }
    const int64_t shape[] = {a.channels, out[0], out[1]};
    int64_t results = product(shape[0], shape[1], shape[2]),
            taps = product(spec->kernel[0], spec->kernel[1], net->batch);
    int64_t ops = results < 0 || taps < 0 ? -1 : product(results, taps, 1);
    return add_vector(net, name, VECTOR_POOL, &in, 1, shape, ops, 0, err);
}

int build_global_pool(struct network *net, const char *name, int in, struct err *err)
{
    const int64_t shape[] = {net->act[in].channels, 1, 1};
    return add_vector(net, name, VECTOR_GLOBAL_POOL, &in, 1, shape, net->act[in].elements, 0, err);
}

int build_elementwise(struct network *net, const char *name, enum vector_kind kind, const int *in, int n_in,
                      struct err *err)
{
    if (n_in < 2) {
        return err_set(err, ERR_DATA, "it needs two inputs at least");
    }
    int wide = in[0];
    for (int i = 1; i < n_in; i++) {
        wide = net->act[in[i]].elements > net->act[wide].elements ? in[i] : wide;
    }
    const struct activation a = net->act[wide];
    for (int i = 0; i < n_in; i++) {
        const struct activation *b = &net->act[in[i]];
        bool same = b->channels == a.channels && b->rows == a.rows && b->columns == a.columns;
        bool spread = b->channels == a.channels && b->rows == 1 && b->columns == 1;
        if (!same && !spread) {
            return err_set(err, ERR_DATA,
                           "its inputs are %lld x %lld x %lld and %lld x %lld x %lld "
                           "(channels, rows, columns)",
                           (long long)a.channels, (long long)a.rows, (long long)a.columns, (long long)b->channels,
                           (long long)b->rows, (long long)b->columns);
        }
    }
    const int64_t shape[] = {a.channels, a.rows, a.columns};
    return add_vector(net, name, kind, in, n_in, shape, product(a.elements, n_in - 1, 1), 0, err);
}

int build_unary(struct network *net, const char *name, enum vector_kind kind, int in, int64_t ops, int64_t params,
                struct err *err)
{
    const struct activation a = net->act[in];
    const int64_t shape[] = {a.channels, a.rows, a.columns};
    return add_vector(net, name, kind, &in, 1, shape, ops == 0 ? 0 : product(a.elements, ops, 1), params, err);
}

int build_embed(struct network *net, const char *name, int in, int64_t vocabulary, int64_t k, struct err *err)
{
    const struct activation a = net->act[in];
    if (a.channels != 1 || a.columns != 1) {
        return err_set(err, ERR_DATA, "an embedding needs one channel and one column: a row for each token");
    }
    const int64_t shape[] = {k, a.rows, 1};
    int out = add_vector(net, name, VECTOR_EMBED, &in, 1, shape, 0, product(vocabulary, k, 1), err);
    if (out >= 0) {
        net->op[net->n_ops - 1].weights_read = net->act[out].elements;
    }
    return out;
}

int build_cache(struct network *net, const char *name, int in, int64_t rows, struct err *err)
{
    const struct activation a = net->act[in];
    if (rows < a.rows || a.columns != 1) {
        return err_set(err, ERR_DATA,
                       "a cache of %lld rows cannot hold %lld new rows of %lld columns "
                       "(one is possible)",
                       (long long)rows, (long long)a.rows, (long long)a.columns);
    }
    const int64_t shape[] = {a.channels, rows, 1};
    int out = add_vector(net, name, VECTOR_CACHE, &in, 1, shape, 0, 0, err);
    if (out >= 0) {
        net->act[out].in_memory = true;
    }
    return out;
}

static int add_view(struct network *net, const char *name, const int *in, int n_in, int64_t channels, int64_t rows,
                    int64_t columns, struct err *err)
{
    struct op op = {.kind = OP_VIEW, .weights_input = -1};
    return add_op(net, name, &op, in, n_in, channels, rows, columns, err);
}

int build_flatten(struct network *net, const char *name, int in, struct err *err)
{
    const struct activation a = net->act[in];
    return add_view(net, name, &in, 1, a.elements / net->batch, 1, 1, err);
}

int build_concat(struct network *net, const char *name, const int *in, int n_in, struct err *err)
{
    int64_t channels = 0;
    const struct activation first = net->act[in[0]];
    for (int i = 0; i < n_in; i++) {
        const struct activation *a = &net->act[in[i]];
        if (a->rows != first.rows || a->columns != first.columns) {
            return err_set(err, ERR_DATA, "its inputs have %lld x %lld and %lld x %lld rows and columns",
                           (long long)first.rows, (long long)first.columns, (long long)a->rows, (long long)a->columns);
        }
        channels += a->channels;
    }
    return add_view(net, name, in, n_in, channels, first.rows, first.columns, err);
}

int build_last_rows(struct network *net, const char *name, int in, int64_t rows, struct err *err)
{
    const struct activation a = net->act[in];
    if (rows > a.rows) {
        return err_set(err, ERR_DATA, "there are only %lld rows, not %lld", (long long)a.rows, (long long)rows);
    }
    return add_view(net, name, &in, 1, a.channels, rows, a.columns, err);
}

int build_vector(struct network *net, const char *name, const int *in, int n_in, const struct vector_spec *spec,
                 struct err *err)
{
    const int64_t shape[] = {spec->channels, spec->rows, spec->columns};
    return add_vector(net, name, spec->kind, in, n_in, shape, spec->ops > COUNT_MAX ? -1 : spec->ops, spec->params,
                      err);
}

int build_view(struct network *net, const char *name, const int *in, int n_in, int64_t channels, int64_t rows,
               int64_t columns, struct err *err)
{
    return add_view(net, name, in, n_in, channels, rows, columns, err);
}

int build_tensor(struct network *net, const char *name, const int *in, int n_in, const struct tensor_spec *spec,
                 struct err *err)
{
    struct op op = tensor_op;
    op.weights = spec->weights;
    op.biases = spec->biases;
    op.weights_input = spec->weights_input;
    einsum_conv(&op.einsum, name, &spec->shape, NETWORK_BITS, NETWORK_BITS, NETWORK_ACC_BITS);
    return add_op(net, name, &op, in, n_in, spec->channels, spec->rows, spec->columns, err);
}

int build_experts(struct network *net, const char *name, int in, const struct expert_spec *spec, struct err *err)
{
    int64_t channels = net->act[in].channels, pairs = product(net->batch, spec->rows, 1);
    int64_t matrix = product(channels, spec->k, 1), all = matrix < 0 ? -1 : product(matrix, spec->experts, 1);
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
    return add_op(net, name, &op, &in, 1, spec->k, spec->rows, 1, err);
}

/* An activation that a view looks into lives until the view's last reader. Operators are in order, so one pass backwards does it. */
void build_last_uses(struct network *net)
{
    for (int a = 0; a < net->n_acts; a++) {
        net->act[a].last_use = -1;
    }
    for (int i = net->n_ops - 1; i >= 0; i--) {
        const struct op *op = &net->op[i];
        struct activation *out = &net->act[op->output];
        out->last_use = out->last_use < 0 ? net->n_ops : out->last_use;
        for (int e = op->first_input; e < op->first_input + op->n_inputs; e++) {
            struct activation *in = &net->act[net->edge[e]];
            int until = op->kind == OP_VIEW || e - op->first_input == op->fused_input - 1 ? out->last_use : i;
            in->last_use = until > in->last_use ? until : in->last_use;
        }
    }
}

static void fix_first_and_last(struct network *net)
{
    int first = -1, last = -1;
    for (int i = 0; i < net->n_ops; i++) {
        if (net->op[i].kind == OP_TENSOR && net->op[i].weights_input < 0) {
            first = first < 0 ? i : first;
            last = i;
        }
    }
    if (first >= 0) {
        net->op[first].fixed_bits = net->op[last].fixed_bits = true;
    }
}

/* Sums over the network that later code forms in int64, with room for widths. */
static int check_sums(const struct network *net, struct err *err)
{
    int64_t macs = 0, weights = 0, ops = 0, elements = 0;
    bool over = false;
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        over |= op->kind == OP_TENSOR && __builtin_add_overflow(macs, einsum_macs(&op->einsum), &macs);
        over |= __builtin_add_overflow(weights, op->weights + op->biases, &weights) || weights > COUNT_MAX * 64;
        over |= __builtin_add_overflow(ops, op->vector_ops, &ops);
    }
    for (int a = 0; a < net->n_acts; a++) {
        elements += net->act[a].elements;
        over |= elements > COUNT_MAX * 64;
        elements = over ? 0 : elements;
    }
    return over ? err_set(err, ERR_DATA, "network '%s' is too large to be counted", net->name) : 0;
}

int build_finish(struct network *net, struct err *err)
{
    if (net->n_blocks > 0 && net->block[net->n_blocks - 1].n_ops == 0) {
        net->n_blocks--;
    }
    if (net->n_ops == 0) {
        return err_set(err, ERR_DATA, "network '%s' has no operators", net->name);
    }
    build_last_uses(net);
    fix_first_and_last(net);
    if (build_widths(net, err)) {
        return -1;
    }
    for (int i = 0; i < net->n_ops; i++) {
        if (net->op[i].kind == OP_TENSOR && einsum_check(&net->op[i].einsum, err)) {
            return -1;
        }
    }
    return check_sums(net, err);
}
