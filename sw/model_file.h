/* What a model file holds and what its reading shares: model_schema.c has the tables, model_layers.c builds each kind of layer,
 * model_check.c is the first pass, model_expand.c the second, network_read.c opens files. */
#ifndef SW_MODEL_FILE_H
#define SW_MODEL_FILE_H

#include "base/doc.h"
#include "base/expr.h"
#include "base/schema.h"
#include "sw/network_build.h"

#define MODEL_SYMBOLS 32
#define MODEL_INPUTS 64 /* most that one layer reads */
#define MODEL_SHAPE_SYMBOLS 4
#define SOFTMAX_OPS 5 /* an element: maximum, subtract, exponential, sum, divide */

enum kind {
    KIND_CONV,
    KIND_DEPTHWISE,
    KIND_LINEAR,
    KIND_MATMUL,
    KIND_POOL,
    KIND_GLOBAL_POOL,
    KIND_ADD,
    KIND_MUL,
    KIND_NORM,
    KIND_SOFTMAX,
    KIND_ACT,
    KIND_EMBED,
    KIND_CACHE,
    KIND_FLATTEN,
    KIND_CONCAT,
    KIND_LAST,
    KIND_COUNT
};

struct layer {
    const struct node *node;
    char *name, *block;
    const struct node *from, *when, *repeat, *with, *first, *density;
    const struct node *kind[KIND_COUNT];
};

struct block_def {
    const struct node *node;
    const struct node *args, *list;
    struct layer *layer;
    int n_layers;
};

struct model_file {
    int64_t version;
    char *network, *source;
    const struct node *params, *input, *blocks, *list;
    struct block_def *def; /* [blocks->n_children] */
    struct layer *layer;
    int n_layers;
};

struct conv_file {
    const struct node *k, *kernel, *stride, *pad, *dilation, *groups;
    bool bias;
};
struct linear_file {
    const struct node *k;
    bool bias, tied;
};
struct matmul_file {
    const struct node *heads, *kv_heads;
    bool transpose;
};
struct pool_file {
    int type;
    const struct node *kernel, *stride, *pad;
    bool ceil;
};
struct type_file {
    int type;
};
struct embed_file {
    const struct node *vocabulary, *k;
};
struct rows_file {
    const struct node *rows;
};

extern const struct schema conv_schema, depthwise_schema, linear_schema, matmul_schema, pool_schema, norm_schema,
    act_schema, embed_schema, cache_schema, last_schema, empty_schema, layer_schema, block_schema, model_schema;
extern const int norm_ops[], norm_params[], act_ops[]; /* by `type`; operations an element, parameters a channel */
extern const char *const model_shape_symbols[MODEL_SHAPE_SYMBOLS]; /* c h w i */

/* What expressions may name, with the values; and the layers that `from` may name. */
struct frame {
    struct symbol symbol[MODEL_SYMBOLS];
    double value[MODEL_SYMBOLS];
    int n;
    struct layer_output {
        const char *name;
        int act;
    } * output;
    int n_outputs, cap_outputs;
    char prefix[NETWORK_NAME];
    int input, current; /* activations */
};

struct reader {
    struct diags *d;
    const struct network_arg *arg;
    int n_args;
    struct model_file file;
    struct network *net;
    struct frame top; /* params */
};

/* Builds one operator; -1 with err filled when the builder refused, with err empty when it is in the diags already. */
typedef int model_build_fn(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                           const int *in, int n_in, struct err *err);
struct model_kind {
    const char *key;
    const struct schema *schema;
    int min_inputs, max_inputs;
    model_build_fn *build;
};
extern const struct model_kind model_kinds[KIND_COUNT];

int frame_add(struct reader *r, struct frame *f, const char *name, double value, struct mark at);
struct expr *frame_parse(struct reader *r, const struct frame *f, const struct node *node, const char *what);
/* A whole number of at least min. Errors go into the diags. */
int frame_number(struct reader *r, const struct frame *f, const struct node *node, const char *what, double min,
                 int64_t *out);
/* Expressions by tensor, {weights: 0.4}, into density[TENSOR_ROLE_COUNT], 0 where none is given; density NULL: only the names are checked.
 * Errors go into the diags. */
int frame_density(struct reader *r, const struct frame *f, const struct node *node, double *density);
bool model_is_same(const struct node *node); /* pad: same */
const struct block_def *model_find_block(const struct model_file *file, const char *name);
/* The frame inside a block: params, arguments, shape of the input. `value` is [args + 4], or NULL while only names matter. */
int model_enter_block(struct reader *r, const struct block_def *def, const double *value, struct frame *f);

int model_check(struct reader *r, const struct node *root); /* all errors at once; -1 when there is one */
int model_expand(struct reader *r);                         /* into r->net; stops at the first error */

#endif
