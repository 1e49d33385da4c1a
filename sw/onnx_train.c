/* What training needs: losses and the steps of optimizers. No operator of the array: gradients come as inputs. */
#include "sw/onnx_ops.h"

#include <string.h>

/* Scores (N, classes, d..), labels (N, d..): a loss for each label, or one. SoftmaxCrossEntropyLoss also hands out the logarithms. */
int onnx_do_loss(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *labels = onnx_in(g, n, 1);
    if (in == NULL || labels == NULL || in->rank < 2 || labels->rank != in->rank - 1) {
        return onnx_bad_shape(g, n);
    }
    bool each = onnx_attr_is(n, "reduction", "none");
    bool softmax = n->proto->op_type[0] == 'S';
    if (onnx_set_out(g, n, 0, labels->dim, each ? labels->rank : 0) || onnx_set_out(g, n, 1, in->dim, in->rank)) {
        return -1;
    }
    int64_t work = in->elements * onnx_ops_of(n), labelled = 2 * labels->elements;
    if (onnx_vector(g, n, 0, softmax ? VECTOR_SOFTMAX : VECTOR_GLOBAL_POOL, softmax ? work : labelled)) {
        return -1;
    }
    return onnx_vector(g, n, 1, VECTOR_MOVE, 0);
}

/* Rate and count, then groups of tensors: what is trained, its gradients, and one or more moments; out come all but the gradients. */
int onnx_do_optimizer(struct onnx *g, struct onnx_node *n)
{
    int groups = strcmp(n->proto->op_type, "Adam") == 0 ? 4 : 3;
    int each = (n->n_in - 2) / groups;
    if (n->n_in < 2 + groups || (n->n_in - 2) % groups != 0 || n->n_out > each * (groups - 1)) {
        return onnx_bad_shape(g, n);
    }
    for (int i = 0; i < n->n_out; i++) {
        const struct onnx_value *in = onnx_in(g, n, 2 + i % each);
        if (in == NULL || onnx_set_out(g, n, i, in->dim, in->rank) ||
            onnx_vector(g, n, i, VECTOR_ADD, in->elements * onnx_ops_of(n))) {
            return in ? -1 : onnx_bad_shape(g, n);
        }
    }
    return 0;
}
