/* Operators of ai.onnx.ml (learners of tables) and of text. A linear classifier is small vector work here: its weights are attributes. */
#include "sw/onnx_ops.h"

#include <string.h>

/* Rows of an input: its first dimension, of a vector 1. */
static int64_t rows_of(const struct onnx_value *in)
{
    return in->rank > 1 ? in->dim[0] : 1;
}

/* Number of classes that the attributes name. */
static int64_t classes_of(const struct onnx_node *n)
{
    static const char *const names[] = {"classlabels_ints", "classlabels_int64s", "classlabels_strings"};
    for (int i = 0; i < 3; i++) {
        const Onnx__AttributeProto *a = onnx_attr(n, names[i]);
        if (a && (a->n_ints || a->n_strings)) {
            return (int64_t)(a->n_ints ? a->n_ints : a->n_strings);
        }
    }
    return 0;
}

/* LinearClassifier, TreeEnsembleClassifier, SVMClassifier: a label and a score for each class. */
int onnx_do_classifier(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t classes = classes_of(n);
    if (in == NULL || in->rank < 1 || classes < 1) {
        return onnx_open(g, n, "it does not name its classes");
    }
    const int64_t labels[] = {rows_of(in)}, scores[] = {rows_of(in), classes};
    if (onnx_set_out(g, n, 0, labels, 1) || onnx_set_out(g, n, 1, scores, 2)) {
        return -1;
    }
    bool linear = n->proto->op_type[0] == 'L';
    int64_t work = onnx_product(in->elements, linear ? 2 * classes : 1, 1);
    return work < 0 || onnx_vector(g, n, 1, VECTOR_ACTIVATION, work) ||
                   onnx_vector(g, n, 0, VECTOR_ACTIVATION, labels[0])
               ? -1
               : 0;
}

/* LinearRegressor, TreeEnsembleRegressor, SVMRegressor: a row of targets. */
int onnx_do_regressor(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    int64_t targets = onnx_attr_int(n, n->proto->op_type[0] == 'L' ? "targets" : "n_targets", 1);
    if (in == NULL || in->rank < 1 || targets < 1) {
        return onnx_bad_shape(g, n);
    }
    const int64_t dim[] = {rows_of(in), targets};
    int64_t work = onnx_product(in->elements, targets, 2);
    return work < 0 || onnx_set_out(g, n, 0, dim, 2) ? -1 : onnx_vector(g, n, 0, VECTOR_ACTIVATION, work);
}

/* Some columns of the last dimension. */
int onnx_do_columns(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0), *which = onnx_in(g, n, 1);
    int64_t dim[ONNX_RANK];
    if (in == NULL || which == NULL || in->rank < 1) {
        return onnx_bad_shape(g, n);
    }
    memcpy(dim, in->dim, sizeof dim);
    int rank = in->rank > 1 ? in->rank : 2;
    dim[0] = in->rank > 1 ? dim[0] : 1;
    dim[rank - 1] = which->elements;
    return onnx_set_out(g, n, 0, dim, rank) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

/* OneHotEncoder: a dimension of categories more. */
int onnx_do_categories(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    const Onnx__AttributeProto *ints = onnx_attr(n, "cats_int64s"), *words = onnx_attr(n, "cats_strings");
    int64_t dim[ONNX_RANK + 1];
    if (in == NULL) {
        return onnx_bad_shape(g, n);
    }
    memcpy(dim, in->dim, sizeof in->dim);
    dim[in->rank] = (int64_t)(ints && ints->n_ints ? ints->n_ints : words ? words->n_strings : 0);
    return onnx_set_out(g, n, 0, dim, in->rank + 1) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, 0);
}

/* TfIdfVectorizer: counts of n-grams in place of the last dimension. */
int onnx_do_tf_idf(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    const Onnx__AttributeProto *places = onnx_attr(n, "ngram_indexes");
    int64_t dim[ONNX_RANK], most = -1;
    if (in == NULL || in->rank < 1 || places == NULL) {
        return onnx_bad_shape(g, n);
    }
    for (size_t i = 0; i < places->n_ints; i++) {
        most = places->ints[i] > most ? places->ints[i] : most;
    }
    memcpy(dim, in->dim, sizeof dim);
    dim[in->rank - 1] = most < INT64_MAX ? most + 1 : -1;
    return onnx_set_out(g, n, 0, dim, in->rank) ? -1 : onnx_vector(g, n, 0, VECTOR_MOVE, in->elements);
}

/* StringSplit: how many parts there are is known only when it runs; the file's shape counts. */
int onnx_do_string_split(struct onnx *g, struct onnx_node *n)
{
    const struct onnx_value *in = onnx_in(g, n, 0);
    if (in == NULL || onnx_set_out(g, n, 1, in->dim, in->rank)) {
        return in ? -1 : onnx_bad_shape(g, n);
    }
    struct onnx_value *out = onnx_out(g, n, 0);
    int64_t dim[ONNX_RANK + 1];
    memcpy(dim, in->dim, sizeof in->dim);
    dim[in->rank] = onnx_attr_int(n, "maxsplit", 0) + 1;
    if (out && !onnx_stated_shape(g, out) && onnx_set_out(g, n, 0, dim, in->rank + 1)) {
        return -1;
    }
    return onnx_vector(g, n, 0, VECTOR_MOVE, 0) || onnx_vector(g, n, 1, VECTOR_MOVE, 0) ? -1 : 0;
}
