/* Widths of a network: of each operator's weights, activations and partial sums, of the copies in which activations are stored, of scales. */
#include "base/mem.h"
#include "sw/network_build.h"

#include <assert.h>

#define GROUP_MAX 65536

static uint64_t width_bit(int bits)
{
    return (uint64_t)1 << bits;
}

static int sum_of_widths(uint64_t mask)
{
    int sum = 0;
    for (int bits = 1; bits <= 32; bits++) {
        sum += mask & width_bit(bits) ? bits : 0;
    }
    return sum;
}

/* Width of a weight as the MACs see it, when that is not the width it is stored in; 0: it is. E2M1's numbers are halves of integers of 5 bits;
 * the levels of nf4 are rounded to 8. */
static int decoded_bits(enum number_format format)
{
    static const int bits[] = {
        [FORMAT_INT] = 0, [FORMAT_FP8_E4M3] = 0, [FORMAT_FP8_E5M2] = 0, [FORMAT_MXFP4] = 5, [FORMAT_NF4] = 8};
    _Static_assert(sizeof bits / sizeof *bits == FORMAT_COUNT, "a width for each format");
    return bits[format];
}

static void set_einsum_widths(const struct network *net, struct op *op, const bool *cached)
{
    for (int t = 0; t < op->einsum.n_tensors; t++) {
        struct einsum_tensor *tensor = &op->einsum.tensor[t];
        bool weights = tensor->role == TENSOR_WEIGHTS && op->weights_input < 0;
        bool cache = tensor->role == TENSOR_WEIGHTS && op->weights_input >= 0 &&
                     cached[net->edge[op->first_input + op->weights_input]];
        int stored = net->kv_bits > 0 ? net->kv_bits : op->a_bits;
        tensor->bits = tensor->output ? net->act[op->output].bits : weights ? op->w_bits : cache ? stored : op->a_bits;
        if (cache) { /* its scales come with it */
            op->scale_share = net->kv_group > 0 ? (double)net->kv_scale_bits / ((double)net->kv_group * stored) : 0;
        }
        tensor->operand_bits = weights                     ? decoded_bits(op->w_quantizer.format)
                               : cache && net->kv_bits > 0 ? op->a_bits
                                                           : 0;
        tensor->partial_bits = tensor->output ? op->acc_bits : tensor->bits;
    }
}

/* Activations that live in main memory, and views of them. */
static void find_cached(const struct network *net, bool *cached)
{
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        bool in = net->act[op->output].in_memory;
        for (int e = op->first_input; op->kind == OP_VIEW && e < op->first_input + op->n_inputs; e++) {
            in |= cached[net->edge[e]];
        }
        cached[op->output] = in;
    }
}

/* mask[a] has a bit for each width that activation a is read in; readers of a view read what it looks into. */
int build_widths(struct network *net, struct err *err)
{
    uint64_t *mask = mem_calloc((size_t)net->n_acts + 1, sizeof *mask);
    bool *cached = mem_calloc((size_t)net->n_acts + 1, sizeof *cached);
    int rc = 0;
    find_cached(net, cached);
    for (int i = net->n_ops - 1; i >= 0 && rc == 0; i--) {
        struct op *op = &net->op[i];
        uint64_t out = mask[op->output] ? mask[op->output] : width_bit(NETWORK_BITS);
        bool stored = net->act[op->output].in_memory && net->kv_bits > 0;
        bool elsewhere = op->kind == OP_VIEW || op->fused_input > 0; /* stored as what it looks into, or goes on with */
        net->act[op->output].bits = elsewhere ? 0 : stored ? net->kv_bits : sum_of_widths(out);
        for (int e = op->first_input; e < op->first_input + op->n_inputs; e++) {
            bool passes = op->kind == OP_VIEW || e - op->first_input == op->fused_input - 1;
            mask[net->edge[e]] |= passes ? out : width_bit(op->a_bits);
        }
        if (net->act[op->output].bits > 64) {
            rc = err_set(err, ERR_DATA,
                         "the output of '%s' is read in so many widths that its copies "
                         "take %d bits an element; 64 are possible",
                         op->name, net->act[op->output].bits);
        }
        set_einsum_widths(net, op, cached);
    }
    for (int a = 0; a < net->n_acts; a++) {
        if (net->act[a].producer < 0) {
            net->act[a].bits = sum_of_widths(mask[a]);
        }
    }
    mem_free(cached);
    mem_free(mask);
    return rc;
}

/* Weights in one output channel, and channels, of what the operator reads. */
static int64_t weights_per_channel(const struct op *op, int64_t *channels)
{
    const struct einsum *e = &op->einsum;
    int64_t sum = 1;
    *channels = 1;
    for (int t = 0; t < e->n_tensors; t++) {
        for (int d = 0; e->tensor[t].role == TENSOR_WEIGHTS && d < e->n_dims; d++) {
            if (einsum_relevant(e, t, d)) {
                *(einsum_reduction(e, d) ? &sum : channels) *= e->bound[d];
            }
        }
    }
    return sum;
}

static void count_scales(const struct network *net, struct op *op)
{
    const struct quantizer *q = &op->w_quantizer;
    int64_t channels, per_channel = weights_per_channel(op, &channels);
    double read = (double)channels * (double)per_channel * op->w_bits;
    op->scale_bits = quantizer_scale_bits(q, op->weights / per_channel, per_channel);
    op->scale_share = (double)quantizer_scale_bits(q, channels, per_channel) / read;
    int64_t groups = q->per == QUANTIZER_GROUP ? (per_channel + q->group - 1) / q->group : 1;
    op->rescale_ops = groups > 1 ? 2 * groups * net->act[op->output].elements : 0; /* a product and an addition */
}

static int check_width(const char *what, int bits, struct err *err)
{
    if (bits < 0 || bits > 32) {
        return err_set(err, ERR_DATA, "%s must be 1 to 32 bits wide, not %d", what, bits);
    }
    return 0;
}

static void set_op_bits(struct op *op, int w_bits, int a_bits, int acc_bits)
{
    op->w_bits = w_bits ? w_bits : op->w_bits;
    op->a_bits = a_bits ? a_bits : op->a_bits;
    op->acc_bits = acc_bits ? acc_bits : op->acc_bits;
}

int network_set_bits(struct network *net, enum bits_scope scope, int index, int w_bits, int a_bits, int acc_bits,
                     struct err *err)
{
    if (check_width("weights", w_bits, err) || check_width("activations", a_bits, err) ||
        check_width("partial sums", acc_bits, err)) {
        return -1;
    }
    int first = 0, n = net->n_ops;
    if (scope == BITS_BLOCK) {
        assert(index >= 0 && index < net->n_blocks);
        first = net->block[index].first_op;
        n = net->block[index].n_ops;
    } else if (scope == BITS_OP) {
        assert(index >= 0 && index < net->n_ops);
        first = index;
        n = 1;
        if (net->op[index].fixed_bits && (w_bits || a_bits)) {
            return err_set(err, ERR_DATA,
                           "'%s' stays at %d bits: it is the first or the last "
                           "operator with weights",
                           net->op[index].name, NETWORK_BITS);
        }
    }
    for (int i = first; i < first + n; i++) {
        struct op *op = &net->op[i];
        if (op->kind == OP_TENSOR) {
            set_op_bits(op, op->fixed_bits ? 0 : w_bits, op->fixed_bits ? 0 : a_bits, acc_bits);
            if (op->weights_input < 0 && op->scale_bits > 0) {
                count_scales(net, op); /* their share is of other bits now */
            }
        }
    }
    return build_widths(net, err);
}

int network_set_quantizers(struct network *net, const struct quantizer *weights, struct err *err)
{
    for (int i = 0; i < net->n_ops; i++) {
        struct op *op = &net->op[i];
        if (op->kind != OP_TENSOR || op->weights_input >= 0) {
            continue;
        }
        int own = op->fixed_bits ? 0 : number_format_bits(weights[i].format);
        op->w_quantizer = weights[i];
        if (op->fixed_bits && weights[i].format != FORMAT_INT) { /* stays an integer of its own width */
            op->w_quantizer.format = FORMAT_INT;
        }
        op->w_bits = own ? own : op->w_bits;
        if (quantizer_check(&op->w_quantizer, op->w_bits, err) < 0) {
            return -1;
        }
        count_scales(net, op);
    }
    return build_widths(net, err);
}

int network_set_kv_group(struct network *net, int group, int scale_bits, struct err *err)
{
    if (group < 0 || group > GROUP_MAX || scale_bits < 0 || scale_bits > 32) {
        return err_set(err, ERR_DATA, "a group of the KV cache has 1 to %d numbers and a scale of at most 32 bits",
                       GROUP_MAX);
    }
    net->kv_group = group;
    net->kv_scale_bits = group > 0 ? scale_bits : 0;
    return build_widths(net, err);
}

int network_set_kv_bits(struct network *net, int bits, struct err *err)
{
    if (check_width("the KV cache", bits, err)) {
        return -1;
    }
    net->kv_bits = bits;
    return build_widths(net, err);
}
