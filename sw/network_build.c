/* Shapes and operators from what papers state of a layer.
 *
 * Output size of a window: floor((size + pads - dilation * (kernel - 1) - 1) / stride) + 1 (Dumoulin and Visin, "A guide to convolution
 * arithmetic for deep learning", 2016, relationship 15), rounded up where a pooling asks for it; 'same' is ceil(size / stride). */
#include "sw/network_parts.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

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

int64_t network_product(int64_t a, int64_t b, int64_t c)
{
    int64_t p;
    if (__builtin_mul_overflow(a, b, &p) || __builtin_mul_overflow(p, c, &p) || p > NETWORK_COUNT_MAX) {
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
    int64_t sample = network_product(channels, rows, columns);
    int64_t elements = sample < 0 ? -1 : network_product(sample, net->batch, 1);
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

int network_add_op(struct network *net, const char *name, struct op *op, const int *in, int n_in, int64_t channels,
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

int64_t network_window(int64_t size, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after,
                       bool ceil)
{
    if (before < 0) {
        return (size + stride - 1) / stride;
    }
    int64_t room = size + before + after - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : (room + (ceil ? stride - 1 : 0)) / stride + 1;
}
