/* Vector work and views. */
#include "sw/network_parts.h"

/* An operator of vector work; `ops` and `params` may be -1 for too many. */
static int add_vector(struct network *net, const char *name, enum vector_kind kind, const int *in, int n_in,
                      const int64_t shape[3], int64_t ops, int64_t params, struct err *err)
{
    struct op op = {.kind = OP_VECTOR, .vector = kind, .weights_input = -1, .weights = params, .weights_read = params};
    op.vector_ops = ops;
    if (ops < 0 || params < 0) {
        return err_set(err, ERR_DATA, "it has more than 2^48 operations or parameters");
    }
    return network_add_op(net, name, &op, in, n_in, shape[0], shape[1], shape[2], err);
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
        out[i] = network_window(size[i], spec->kernel[i], stride, 1, spec->pad[0] < 0 ? -1 : spec->pad[i],
                                spec->pad[i + 2], spec->ceil);
    }
    if (out[0] < 1 || out[1] < 1) {
        return err_set(err, ERR_DATA, "a window of %lld x %lld does not fit into %lld x %lld",
                       (long long)spec->kernel[0], (long long)spec->kernel[1], (long long)a.rows, (long long)a.columns);
    }
    const int64_t shape[] = {a.channels, out[0], out[1]};
    int64_t results = network_product(shape[0], shape[1], shape[2]),
            taps = network_product(spec->kernel[0], spec->kernel[1], net->batch);
    int64_t ops = results < 0 || taps < 0 ? -1 : network_product(results, taps, 1);
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
    return add_vector(net, name, kind, in, n_in, shape, network_product(a.elements, n_in - 1, 1), 0, err);
}

int build_unary(struct network *net, const char *name, enum vector_kind kind, int in, int64_t ops, int64_t params,
                struct err *err)
{
    const struct activation a = net->act[in];
    const int64_t shape[] = {a.channels, a.rows, a.columns};
    return add_vector(net, name, kind, &in, 1, shape, ops == 0 ? 0 : network_product(a.elements, ops, 1), params, err);
}

int build_embed(struct network *net, const char *name, int in, int64_t vocabulary, int64_t k, struct err *err)
{
    const struct activation a = net->act[in];
    if (a.channels != 1 || a.columns != 1) {
        return err_set(err, ERR_DATA, "an embedding needs one channel and one column: a row for each token");
    }
    const int64_t shape[] = {k, a.rows, 1};
    int out = add_vector(net, name, VECTOR_EMBED, &in, 1, shape, 0, network_product(vocabulary, k, 1), err);
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
    return network_add_op(net, name, &op, in, n_in, channels, rows, columns, err);
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
    return add_vector(net, name, spec->kind, in, n_in, shape, spec->ops > NETWORK_COUNT_MAX ? -1 : spec->ops,
                      spec->params, err);
}

int build_view(struct network *net, const char *name, const int *in, int n_in, int64_t channels, int64_t rows,
               int64_t columns, struct err *err)
{
    return add_view(net, name, in, n_in, channels, rows, columns, err);
}
