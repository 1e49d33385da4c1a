/* What is known when all operators are there: who reads an activation last, which operators keep their bits, that sums fit. */
#include "sw/network_parts.h"

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
        over |= __builtin_add_overflow(weights, op->weights + op->biases, &weights) || weights > NETWORK_COUNT_MAX * 64;
        over |= __builtin_add_overflow(ops, op->vector_ops, &ops);
    }
    for (int a = 0; a < net->n_acts; a++) {
        elements += net->act[a].elements;
        over |= elements > NETWORK_COUNT_MAX * 64;
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
