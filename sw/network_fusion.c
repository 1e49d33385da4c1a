/* Fusion: element-wise work done on a result as its producer makes it, before it is written.
 *
 * An addition, a product or an activation function rides on a tensor operator (or on work that does so already) when nobody else reads that
 * operator's result, it has as many elements, and what else the work reads is there before the operator begins. The result is then written once, in the widths that the readers of the element-wise work ask
 * for; what else the work reads (a residual) is read as before. What stands alone: work on results that others need too, and norms and softmax,
 * which need a whole row first. */
#include "sw/network_build.h"

#include "base/mem.h"

static bool rides_well(enum vector_kind kind)
{
    return kind == VECTOR_ADD || kind == VECTOR_MUL || kind == VECTOR_ACTIVATION;
}

/* The tensor operator that fused work ends at, from the operator that made the activation; -1: it is neither. */
static int root_of(const struct network *net, int producer)
{
    while (producer >= 0 && net->op[producer].fused_input > 0) {
        const struct op *op = &net->op[producer];
        producer = net->act[net->edge[op->first_input + op->fused_input - 1]].producer;
    }
    return producer >= 0 && net->op[producer].kind == OP_TENSOR ? producer : -1;
}

/* Is all that operator i reads beside input k there when `root` begins? */
static bool others_there(const struct network *net, int i, int k, int root)
{
    const struct op *op = &net->op[i];
    for (int o = 0; o < op->n_inputs; o++) {
        if (o != k && net->act[net->edge[op->first_input + o]].producer >= root) {
            return false;
        }
    }
    return true;
}

/* The input of operator i that it may take as it is made; -1: none. */
static int candidate(const struct network *net, int i, const int *readers)
{
    const struct op *op = &net->op[i];
    if (op->kind != OP_VECTOR || !rides_well(op->vector)) {
        return -1;
    }
    for (int k = 0; k < op->n_inputs; k++) {
        int a = net->edge[op->first_input + k], root = root_of(net, net->act[a].producer);
        const struct activation *in = &net->act[a];
        if (root >= 0 && readers[a] == 1 && !in->in_memory && in->elements == net->act[op->output].elements &&
            others_there(net, i, k, root)) {
            return k;
        }
    }
    return -1;
}

int network_fuse(struct network *net, bool on, struct err *err)
{
    int *readers = mem_calloc((size_t)net->n_acts + 1, sizeof *readers);
    for (int e = 0; e < net->n_edges; e++) {
        readers[net->edge[e]]++;
    }
    net->fused = on;
    for (int i = 0; i < net->n_ops; i++) {
        net->op[i].fused_input = on ? candidate(net, i, readers) + 1 : 0;
    }
    mem_free(readers);
    build_last_uses(net);
    return build_widths(net, err);
}
