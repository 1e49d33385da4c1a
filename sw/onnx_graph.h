/* An ONNX graph while it is read: values with shapes and, where small, their numbers; the network that grows from it. Internal to the reader:
 * onnx_graph.c (values, attributes), onnx_fold.c (arithmetic on constants), onnx_table.c (the operators, by name) and the files
 * of onnx_ops.h (what each does), onnx_weights.c, onnx_layout.c (numbers of weights), import_onnx.c (files) and the files that it names. */
#ifndef SW_ONNX_GRAPH_H
#define SW_ONNX_GRAPH_H

#include "sw/import.h"
#include "sw/network_build.h"
#include "sw/weights.h"

#include <onnx.pb-c.h>

#define ONNX_RANK 8
#define ONNX_FOLD 4096  /* most elements of a value whose numbers are followed */
#define ONNX_PORTS 1024 /* most inputs of a node that are looked at; those of Concat and Sum */
#define ONNX_DEPTH 8    /* subgraphs within subgraphs */

struct onnx_value {
    const char *name; /* borrowed from the file */
    int next;         /* in its bucket, -1 at the end */
    bool shaped;
    int rank;
    int64_t dim[ONNX_RANK]; /* >= 0 */
    int64_t elements;
    bool whole;   /* numbers are integers: division truncates */
    double *data; /* [elements], or NULL: not followed. Owned */
    int act;      /* activation of the network, -1: a constant or empty */
};

enum { ONNX_BUCKETS = 4096 };

/* A dynamic dimension by its name, as the inputs have it. */
struct onnx_dim {
    const char *name; /* borrowed from the file */
    int64_t size;
};

struct onnx {
    struct diags *d;
    const char *file;
    const Onnx__ModelProto *model;
    struct network *net;
    struct onnx_value *value;
    int n_values, cap_values;
    int bucket[ONNX_BUCKETS];
    int64_t opset;
    int depth; /* of subgraphs; 0: the main graph */
    const Onnx__GraphProto *graph[ONNX_DEPTH + 1];
    struct onnx_facts *facts;
    const char **unknown; /* operator names that were warned about; borrowed */
    int n_unknown, cap_unknown;
    struct onnx_dim *dims;
    int n_dims, cap_dims;
    bool strict;
    struct weights *weights; /* where the numbers of weights go; NULL: nobody asks for them */
};

/* One node with its values; in[i] is -1 where an optional input is absent. */
struct onnx_node {
    const Onnx__NodeProto *proto;
    char name[NETWORK_NAME];  /* unique in the network */
    int in[ONNX_PORTS], n_in; /* indices of values */
    int out[ONNX_PORTS], n_out;
};

enum onnx_count { ONNX_COUNT_NONE, ONNX_COUNT_PLAIN, ONNX_COUNT_QUANTISED };
typedef int onnx_op_fn(struct onnx *g, struct onnx_node *n);
struct onnx_op {
    const char *name;
    onnx_op_fn *fn;
    int ops;               /* vector work: operations an element of the result */
    enum vector_kind kind; /* of vector work */
    bool array;            /* the array runs it: it begins a block of the network */
    enum onnx_count count; /* which of the facts its MACs are counted in */
};
const struct onnx_op *onnx_find_op(const char *name); /* NULL when unknown */

/* An error of this node: its kind and name stand before the text. Returns -1. */
int onnx_error(struct onnx *g, const struct onnx_node *n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

int onnx_find_value(const struct onnx *g, const char *name); /* index or -1 */
int onnx_add_value(struct onnx *g, const char *name);        /* shadows an older one of the name */
void onnx_pop_values(struct onnx *g, int n);                 /* back to n values */
/* -1 when a dimension is negative or there are more than 2^48 elements. */
int onnx_set_shape(struct onnx_value *v, const int64_t *dim, int rank);
/* The shape that the file itself states for a value, when its dimensions are numbers or names that an input has. */
bool onnx_stated_shape(struct onnx *g, struct onnx_value *v);
int onnx_set_tensor(struct onnx *g, struct onnx_value *v, const Onnx__TensorProto *t); /* shape, small numbers */
struct onnx_value *onnx_in(struct onnx *g, const struct onnx_node *n, int i);          /* NULL when absent */
struct onnx_value *onnx_out(struct onnx *g, const struct onnx_node *n, int i); /* NULL when nobody asks for it */
/* Every input that is there has a shape. */
bool onnx_all_shaped(struct onnx *g, const struct onnx_node *n);

const Onnx__AttributeProto *onnx_attr(const struct onnx_node *n, const char *name);
int64_t onnx_attr_int(const struct onnx_node *n, const char *name, int64_t absent);
int onnx_attr_ints(const struct onnx_node *n, const char *name, int64_t *out,
                   int max); /* count, 0 when absent; -1 too many */
bool onnx_attr_is(const struct onnx_node *n, const char *name, const char *text);
/* Whole numbers of an attribute, or of input i (numbers followed). Count; -1 unknown or too many. */
int onnx_ints(struct onnx *g, const struct onnx_node *n, const char *attr, int input, int64_t *out, int max);
int64_t onnx_whole(double x); /* clamped to int64; -1 for NaN */
/* axis from the end when negative; -1 out of range. */
int onnx_axis(int64_t axis, int rank);
/* Sets marked[] of each axis; false when one is out of range. */
bool onnx_mark_axes(const int64_t *axes, int count, int rank, bool *marked);

/* The values' activations, in order, each once; -1 with an error when there are too many. */
int onnx_acts(struct onnx *g, const struct onnx_node *n, int act[ONNX_PORTS]);
/* channels, rows, columns of a shape: N C H W gives C, N * H, W; less than four dimensions: the last one, the others, 1. */
void onnx_act_shape(const struct onnx_value *v, int64_t shape[3]);
/* The output, shaped already, is made from the inputs by vector work or a view; it stays a constant when they are, and empty when it is. */
int onnx_vector(struct onnx *g, const struct onnx_node *n, int out, enum vector_kind kind, int64_t ops);
int onnx_as_view(struct onnx *g, const struct onnx_node *n, int out);
void onnx_alias(struct onnx *g, const struct onnx_node *n, int out,
                int in); /* the same activation under another shape */

/* Numbers of the output from those of the inputs, when all are followed; else nothing. The shapes are set. */
void onnx_fold_elementwise(struct onnx *g, const struct onnx_node *n);
void onnx_fold_copy(struct onnx *g, const struct onnx_node *n, int out, int in);
/* out[i] = in[map(i)]: strides and start of the walk over the input, in elements. */
void onnx_fold_strided(struct onnx *g, int out, int in, int64_t start, const int64_t *stride);
double *onnx_new_data(struct onnx_value *v); /* NULL when there are too many elements */

/* Keeps the numbers of operator `op`'s weights, value `name` of the file, in g->weights, when there is one. What is not known says why there. */
void onnx_keep_weights(struct onnx *g, const struct onnx_node *n, int op, const char *name);

int onnx_run(struct onnx *g, const Onnx__GraphProto *graph); /* all nodes of a graph whose inputs are there */

#endif
