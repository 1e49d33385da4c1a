/* Networks: looking things up, totals, what is alive when. The building is in network_build.c, widths and scales in network_widths.c, the model
 * files in network_read.c. */
#include "sw/network.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/network_build.h"

#include <assert.h>
#include <string.h>

const char *const vector_kind_names[] = {
    "none",       "pool",  "global_pool", "add",    "mul",  "norm", "softmax",
    "activation", "embed", "cache",       "rotary", "scan", "move", NULL,
};
_Static_assert(sizeof vector_kind_names / sizeof *vector_kind_names == VECTOR_KIND_COUNT + 1, "a name for each kind");

const char *const split_names[] = {"channels", "rows", "batch", NULL};
_Static_assert(sizeof split_names / sizeof *split_names == SPLIT_COUNT + 1, "a name for each split");

static void *copy_array(const void *array, int n, size_t size)
{
    void *to = mem_calloc((size_t)n + 1, size);
    if (n > 0) {
        memcpy(to, array, (size_t)n * size);
    }
    return to;
}

struct network *network_copy(const struct network *net)
{
    struct network *to = mem_alloc(sizeof *to);
    *to = *net;
    to->op = copy_array(net->op, net->n_ops, sizeof *net->op);
    to->act = copy_array(net->act, net->n_acts, sizeof *net->act);
    to->edge = copy_array(net->edge, net->n_edges, sizeof *net->edge);
    to->block = copy_array(net->block, net->n_blocks, sizeof *net->block);
    to->by_name = copy_array(net->by_name, net->n_names, sizeof *net->by_name);
    to->cap_ops = net->n_ops + 1;
    to->cap_acts = net->n_acts + 1;
    to->cap_edges = net->n_edges + 1;
    to->cap_blocks = net->n_blocks + 1;
    return to;
}

void network_free(struct network *net)
{
    if (net == NULL) {
        return;
    }
    mem_free(net->op);
    mem_free(net->act);
    mem_free(net->edge);
    mem_free(net->block);
    mem_free(net->by_name);
    mem_free(net);
}

static unsigned name_hash(const char *name)
{
    unsigned h = 2166136261u; /* FNV-1a */
    for (; *name; name++) {
        h = (h ^ (unsigned char)*name) * 16777619u;
    }
    return h;
}

/* Where the name is, or the free place for it. */
static int name_slot(const struct network *net, const char *name)
{
    unsigned mask = (unsigned)net->n_names - 1, at = name_hash(name) & mask;
    while (net->by_name[at] && strcmp(net->op[net->by_name[at] - 1].name, name) != 0) {
        at = (at + 1) & mask;
    }
    return (int)at;
}

void build_index(struct network *net)
{
    int first = net->n_ops - 1;
    if (2 * net->n_ops >= net->n_names) {
        net->n_names = net->n_names ? 2 * net->n_names : 64;
        mem_free(net->by_name);
        net->by_name = mem_calloc((size_t)net->n_names, sizeof *net->by_name);
        first = 0;
    }
    for (int i = first; i < net->n_ops; i++) {
        net->by_name[name_slot(net, net->op[i].name)] = i + 1;
    }
}

int network_find_op(const struct network *net, const char *name)
{
    return net->n_names ? net->by_name[name_slot(net, name)] - 1 : -1;
}

int network_find_block(const struct network *net, const char *name)
{
    for (int i = 0; i < net->n_blocks; i++) {
        if (strcmp(net->block[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int network_set_density(struct network *net, int op, const double *density, struct err *err)
{
    for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
        if (!(density[r] >= 0 && density[r] <= 1)) {
            return err_set(err, ERR_DATA, "the density of %s must lie in (0, 1], not %g", tensor_role_names[r],
                           density[r]);
        }
    }
    for (int i = op < 0 ? 0 : op; i < (op < 0 ? net->n_ops : op + 1); i++) {
        struct einsum *e = &net->op[i].einsum;
        for (int t = 0; net->op[i].kind == OP_TENSOR && t < e->n_tensors; t++) {
            double d = density[e->tensor[t].role];
            e->tensor[t].density = d > 0 ? d : e->tensor[t].density;
        }
    }
    return 0;
}

/* Bits of memory that are taken while operator i runs. Activations of views have 0 bits, those they look into live as long as they. */
static int64_t live_bits(const struct network *net, int i)
{
    int64_t bits = 0;
    for (int a = 0; a < net->n_acts; a++) {
        const struct activation *act = &net->act[a];
        if (act->producer <= i && act->last_use >= i && !act->in_memory) {
            bits += act->elements * act->bits;
        }
    }
    return bits;
}

/* One channel a group, stride 1: each output channel needs its own input channel alone. */
static bool is_plain_depthwise(const struct network *net, const struct op *op)
{
    if (op->kind != OP_TENSOR || op->weights_input >= 0) {
        return false;
    }
    const struct einsum *e = &op->einsum;
    int g = einsum_dim(e, "G"), k = einsum_dim(e, "K"), c = einsum_dim(e, "C");
    const struct activation *in = &net->act[net->edge[op->first_input]], *out = &net->act[op->output];
    return g >= 0 && k >= 0 && c >= 0 && e->bound[k] == 1 && e->bound[c] == 1 && in->elements == out->elements;
}

static bool is_elementwise(const struct op *op)
{
    return op->kind == OP_VECTOR &&
           (op->vector == VECTOR_ADD || op->vector == VECTOR_MUL || op->vector == VECTOR_NORM ||
            op->vector == VECTOR_SOFTMAX || op->vector == VECTOR_ACTIVATION || op->vector == VECTOR_ROTARY);
}

int network_in_place(const struct network *net, int i)
{
    const struct op *op = &net->op[i];
    const struct activation *out = &net->act[op->output];
    if (op->fused_input > 0 || (!is_elementwise(op) && !is_plain_depthwise(net, op))) {
        return -1;
    }
    for (int e = op->first_input; e < op->first_input + op->n_inputs; e++) {
        const struct activation *in = &net->act[net->edge[e]];
        if (in->last_use == i && !in->in_memory && in->elements >= out->elements && in->bits >= out->bits) {
            return net->edge[e];
        }
    }
    return -1;
}

/* What writing over an input saves while operator i runs. */
static int64_t in_place_saving(const struct network *net, int i)
{
    const struct op *op = &net->op[i];
    const struct activation *out = &net->act[op->output];
    if (network_in_place(net, i) < 0 || out->in_memory) {
        return 0;
    }
    return out->elements * out->bits - (op->kind == OP_TENSOR ? out->rows * out->columns * out->bits : 0);
}

static void add_op_totals(const struct op *op, struct network_totals *t)
{
    t->weights += op->weights;
    t->biases += op->biases;
    t->weight_bits += op->weights * op->w_bits + op->biases * NETWORK_ACC_BITS + op->scale_bits;
    t->scale_bits += op->scale_bits;
    t->vector_ops += op->vector_ops;
    t->tensor_ops += op->kind == OP_TENSOR;
    t->vector_work += op->kind == OP_VECTOR;
    t->fused += op->fused_input > 0;
    t->views += op->kind == OP_VIEW;
    if (op->kind == OP_TENSOR) {
        int64_t macs = einsum_macs(&op->einsum);
        t->macs += macs;
        int w_bits = op->weights_input < 0 ? op->w_bits : op->a_bits;
        t->mac_bit_products += (double)macs * w_bits * op->a_bits;
    }
}

int64_t network_cache_bits(const struct network *net, const struct activation *act)
{
    int64_t scales = net->kv_group > 0 ? (act->elements + net->kv_group - 1) / net->kv_group : 0;
    return act->elements * act->bits + scales * net->kv_scale_bits;
}

void network_totals(const struct network *net, struct network_totals *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < net->n_ops; i++) {
        add_op_totals(&net->op[i], out);
        int64_t live = live_bits(net, i);
        out->peak_activation_bits = live > out->peak_activation_bits ? live : out->peak_activation_bits;
        live -= in_place_saving(net, i);
        out->peak_in_place_bits = live > out->peak_in_place_bits ? live : out->peak_in_place_bits;
    }
    for (int a = 0; a < net->n_acts; a++) {
        out->activation_bits += net->act[a].elements * net->act[a].bits;
        out->cache_bits += net->act[a].in_memory ? network_cache_bits(net, &net->act[a]) : 0;
    }
}

int network_unique(const struct network *net, int *unique)
{
    struct hash *hash = mem_calloc((size_t)net->n_ops + 1, sizeof *hash);
    struct strbuf text = STRBUF_INIT;
    int distinct = 0;
    for (int i = 0; i < net->n_ops; i++) {
        unique[i] = -1;
        if (net->op[i].kind != OP_TENSOR) {
            continue;
        }
        strbuf_reset(&text);
        einsum_canonical(&net->op[i].einsum, &text);
        hash[i] = hash_bytes(text.buf, text.len);
        int first = 0;
        while (first < i && (unique[first] != first || !hash_equal(hash[first], hash[i]))) {
            first++;
        }
        unique[i] = first;
        distinct += first == i;
    }
    strbuf_release(&text);
    mem_free(hash);
    return distinct;
}

static int wide_dim(const struct einsum *e, const char *name)
{
    int d = einsum_dim(e, name);
    return d >= 0 && e->bound[d] > 1 ? d : -1;
}

int op_split_dim(const struct op *op, enum split split)
{
    if (op->kind != OP_TENSOR) {
        return -1;
    }
    const struct einsum *e = &op->einsum;
    int groups = wide_dim(e, "G");
    switch (split) {
    case SPLIT_CHANNELS:
        return groups >= 0 ? groups : wide_dim(e, "K");
    case SPLIT_ROWS:
        return wide_dim(e, "P");
    case SPLIT_BATCH:
        return op->batch == 1 ? -1 : op->weights_input >= 0 ? groups : wide_dim(e, "N");
    case SPLIT_COUNT:
        break;
    }
    return -1;
}

static void canonical_op(const struct network *net, const struct op *op, struct strbuf *out)
{
    strbuf_addf(out, "op block=%d in=", op->block);
    for (int i = 0; i < op->n_inputs; i++) {
        strbuf_addf(out, "%s%d", i ? "," : "", net->edge[op->first_input + i]);
    }
    strbuf_addf(out, " out=%d", op->output);
    const struct quantizer *q = &op->w_quantizer;
    if (q->format != FORMAT_INT || q->per != QUANTIZER_CHANNEL || q->scale_bits + q->zero_bits > 0) {
        strbuf_addf(out, " quantizer=%s/%s/%d/%d/%d", number_format_names[q->format], quantizer_per_names[q->per],
                    q->group, q->scale_bits, q->zero_bits);
    }
    switch (op->kind) {
    case OP_TENSOR:
        strbuf_addf(out, " weights_input=%d biases=%lld ", op->weights_input, (long long)op->biases);
        einsum_canonical(&op->einsum, out);
        break;
    case OP_VECTOR:
        if (op->fused_input > 0) {
            strbuf_addf(out, " fused=%d", op->fused_input);
        }
        strbuf_addf(out, " vector ops=%lld reads=%lld w=%d a=%d\n", (long long)op->vector_ops,
                    (long long)op->weights_read, op->w_bits, op->a_bits);
        break;
    case OP_VIEW:
        strbuf_adds(out, " view\n");
        break;
    }
}

void network_canonical(const struct network *net, struct strbuf *out)
{
    strbuf_addf(out, "network batch=%lld\n", (long long)net->batch);
    if (net->kv_group > 0) {
        strbuf_addf(out, "cache group=%d scale=%d\n", net->kv_group, net->kv_scale_bits);
    }
    for (int i = 0; i < net->n_ops; i++) {
        canonical_op(net, &net->op[i], out);
    }
    for (int a = 0; a < net->n_acts; a++) {
        const struct activation *act = &net->act[a];
        strbuf_addf(out, "activation elements=%lld bits=%d last=%d memory=%d\n", (long long)act->elements, act->bits,
                    act->last_use, act->in_memory);
    }
}
