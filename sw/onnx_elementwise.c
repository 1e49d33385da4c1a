/* Element by element: arithmetic, activations, norms, quantization and requantization.
 *
 * Fused into the operator before: what one tensor operator's result goes through element by element with constants only (bias, scale,
 * batch norm, ReLU, requantization). */
#include "sw/onnx_ops.h"

#include <string.h>

/* Shape of the output from the broadcast inputs. */
static int broadcast(struct onnx *g, const struct onnx_node *n, int64_t dim[ONNX_RANK], int *rank)
{
    *rank = 0;
    for (int i = 0; i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        *rank = v && v->rank > *rank ? v->rank : *rank;
    }
    for (int k = 0; k < *rank; k++) {
        int64_t d = 1;
        for (int i = 0; i < n->n_in; i++) {
            const struct onnx_value *v = onnx_in(g, n, i);
            int64_t own = v && k >= *rank - v->rank ? v->dim[k - *rank + v->rank] : 1;
            if (own != 1 && d != 1 && own != d) {
                return onnx_bad_shape(g, n);
            }
            d = own != 1 ? own : d;
        }
        dim[k] = d;
    }
    return 0;
}

/* Softmax and norms over a whole row need all of it first; the rest may ride on its producer. */
static bool may_fuse(const struct onnx_node *n)
{
    enum vector_kind kind = onnx_kind_of(n);
    return kind == VECTOR_ADD || kind == VECTOR_MUL || kind == VECTOR_ACTIVATION ||
           strcmp(n->proto->op_type, "BatchNormalization") == 0;
}

static int input_of(struct onnx *g, const struct onnx_node *n, int act)
{
    for (int i = 0; i < n->n_in; i++) {
        const struct onnx_value *v = onnx_in(g, n, i);
        if (v && v->act == act) {
            return i;
        }
    }
    return -1;
}

/* True when the node rides on the tensor operator that made its only activation. */
static bool fuse(struct onnx *g, const struct onnx_node *n)
{
    int act[ONNX_PORTS], count = onnx_acts(g, n, act);
    const struct onnx_value *out = onnx_out(g, n, 0);
    if (out == NULL || count != 1 || !may_fuse(n)) {
        return false;
    }
    int producer = g->net->act[act[0]].producer, in = input_of(g, n, act[0]);
    if (producer < 0 || g->net->op[producer].kind != OP_TENSOR || g->value[n->in[in]].elements != out->elements) {
        return false;
    }
    onnx_alias(g, n, 0, in);
    return true;
}

int onnx_do_elementwise(struct onnx *g, struct onnx_node *n)
{
    int64_t dim[ONNX_RANK];
    int rank;
    if (broadcast(g, n, dim, &rank) || onnx_set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    onnx_fold_elementwise(g, n);
    struct onnx_value *out = onnx_out(g, n, 0);
    if (out == NULL || out->data || fuse(g, n)) {
        return 0;
    }
    return onnx_vector(g, n, 0, onnx_kind_of(n),
                       out->elements * onnx_ops_of(n) * (n->n_in > 1 && n->proto->op_type[0] != 'Q' ? n->n_in - 1 : 1));
}

/* Outputs beside the first, which nobody who costs reads: means and deviations of a layer norm, of a batch norm for each channel, masks. */
static int set_others(struct onnx *g, const struct onnx_node *n, const struct onnx_value *in)
{
    bool batch = strcmp(n->proto->op_type, "BatchNormalization") == 0;
    bool layer = strcmp(n->proto->op_type, "LayerNormalization") == 0;
    int axis = layer ? onnx_axis(onnx_attr_int(n, "axis", -1), in->rank) : in->rank;
    int64_t dim[ONNX_RANK];
    for (int k = 0; k < in->rank; k++) {
        dim[k] = axis >= 0 && k >= axis ? 1 : in->dim[k];
    }
    for (int i = 1; i < n->n_out; i++) {
        int rc = batch && in->rank > 1 ? onnx_set_out(g, n, i, in->dim + 1, 1) : onnx_set_out(g, n, i, dim, in->rank);
        if (rc) {
            return -1;
        }
    }
    return 0;
}

/* The first input's shape, whatever the others are (parameters of a norm, bounds of a clip). */
int onnx_do_same_shape(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    if (in == NULL || onnx_set_out(g, n, 0, in->dim, in->rank)) {
        return in ? -1 : onnx_bad_shape(g, n);
    }
    struct onnx_value *out = onnx_out(g, n, 0);
    if (n->n_in == 1) {
        onnx_fold_elementwise(g, n);
    }
    if (set_others(g, n, in)) {
        return -1;
    }
    if (out == NULL || out->data || fuse(g, n)) {
        return 0;
    }
    return onnx_vector(g, n, 0, onnx_kind_of(n), out->elements * onnx_ops_of(n));
}
