/* Numbers of model files, and the building of each kind of layer from its settings. To add a kind: a schema in model_schema.c, a builder in
 * network_build.c when there is none, a function and a row here. */
#include "sw/model_file.h"

#include <math.h>
#include <string.h>

#define MAX_NUMBER 9007199254740992.0 /* 2^53: whole numbers up to here are exact in a double */

int frame_add(struct reader *r, struct frame *f, const char *name, double value, struct mark at)
{
    for (int i = 0; i < f->n; i++) {
        if (strcmp(f->symbol[i].name, name) == 0) {
            return diags_error(r->d, at, NULL, "'%s' is the name of another number here", name);
        }
    }
    if (f->n == MODEL_SYMBOLS) {
        return diags_error(r->d, at, NULL, "more than %d names of numbers", MODEL_SYMBOLS);
    }
    f->symbol[f->n] = (struct symbol){.name = name, .kind = VALUE_NUMBER, .dim = DIM_ONE, .slot = f->n};
    f->value[f->n++] = value;
    return 0;
}

struct expr *frame_parse(struct reader *r, const struct frame *f, const struct node *node, const char *what)
{
    if (node->kind != NODE_SCALAR) {
        diags_error(r->d, node->mark, NULL, "'%s' must be a number or an expression", what);
        return NULL;
    }
    struct scope scope = {f->symbol, f->n, "number"};
    return expr_parse(node->text, node->mark, &scope, r->d);
}

/* A whole number of at least min. */
int frame_number(struct reader *r, const struct frame *f, const struct node *node, const char *what, double min,
                 int64_t *out)
{
    struct expr *e = frame_parse(r, f, node, what);
    if (e == NULL) {
        return -1;
    }
    double v = expr_eval(e, f->value);
    expr_free(e);
    if (!(v >= min && v <= MAX_NUMBER) || floor(v) != v) {
        return diags_error(r->d, node->mark, NULL, "'%s' must be a whole number of at least %g, not %g", what, min, v);
    }
    *out = (int64_t)v;
    return 0;
}

int frame_density(struct reader *r, const struct frame *f, const struct node *node, double *density)
{
    if (node->kind != NODE_MAPPING) {
        return diags_error(r->d, node->mark, "write {weights: 0.4, inputs: 0.6}", "'density' is not a mapping");
    }
    for (int i = 0; i < node->n_children; i++) {
        const struct node *c = &node->child[i];
        int role = 0;
        while (role < TENSOR_ROLE_COUNT && strcmp(c->key, tensor_role_names[role]) != 0) {
            role++;
        }
        if (role == TENSOR_ROLE_COUNT) {
            return diags_error(r->d, c->key_mark, "weights, inputs, outputs", "no tensor '%s'", c->key);
        }
        struct expr *e = frame_parse(r, f, c, "density");
        if (e == NULL) {
            return -1;
        }
        double v = expr_eval(e, f->value);
        expr_free(e);
        if (density != NULL && !(v > 0 && v <= 1)) {
            return diags_error(r->d, c->mark, NULL, "the density of %s must lie in (0, 1], not %g", c->key, v);
        }
        if (density != NULL) {
            density[role] = v;
        }
    }
    return 0;
}

static int read_optional(struct reader *r, const struct frame *f, const struct node *node, const char *what,
                         int64_t absent, int64_t *out)
{
    *out = absent;
    return node ? frame_number(r, f, node, what, 1, out) : 0;
}

/* One number for rows and columns, or two. */
static int read_pair(struct reader *r, const struct frame *f, const struct node *node, const char *what, int64_t absent,
                     double min, int64_t out[2])
{
    out[0] = out[1] = absent;
    if (node == NULL) {
        return 0;
    }
    if (node->kind == NODE_SEQUENCE && node->n_children == 2) {
        return frame_number(r, f, &node->child[0], what, min, &out[0]) ||
                       frame_number(r, f, &node->child[1], what, min, &out[1])
                   ? -1
                   : 0;
    }
    if (frame_number(r, f, node, what, min, &out[0])) {
        return -1;
    }
    out[1] = out[0];
    return 0;
}

bool model_is_same(const struct node *node)
{
    return node->kind == NODE_SCALAR && strcmp(node->text, "same") == 0;
}

static int read_pad(struct reader *r, const struct frame *f, const struct node *node, int64_t out[4])
{
    memset(out, 0, 4 * sizeof *out);
    if (node == NULL) {
        return 0;
    }
    if (model_is_same(node)) {
        out[0] = -1;
        return 0;
    }
    if (node->kind == NODE_SEQUENCE && node->n_children == 4) {
        for (int i = 0; i < 4; i++) {
            if (frame_number(r, f, &node->child[i], "pad", 0, &out[i])) {
                return -1;
            }
        }
        return 0;
    }
    if (read_pair(r, f, node, "pad", 0, 0, out)) {
        return -1;
    }
    out[2] = out[0];
    out[3] = out[1];
    return 0;
}

static int read_window(struct reader *r, const struct frame *f, const struct conv_file *file, struct conv_spec *spec)
{
    spec->bias = file->bias;
    return read_pair(r, f, file->kernel, "kernel", 1, 1, spec->kernel) ||
           read_pair(r, f, file->stride, "stride", 1, 1, spec->stride) ||
           read_pair(r, f, file->dilation, "dilation", 1, 1, spec->dilation) || read_pad(r, f, file->pad, spec->pad);
}

static int conv_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name, const int *in,
                      int n_in, struct err *err)
{
    (void)n_in;
    struct conv_file file = {.bias = true};
    struct conv_spec spec = conv_spec_default;
    if (schema_read(&conv_schema, node, &file, NULL, r->d) || read_window(r, f, &file, &spec) ||
        frame_number(r, f, file.k, "k", 1, &spec.k) || read_optional(r, f, file.groups, "groups", 1, &spec.groups)) {
        return -1;
    }
    return build_conv(r->net, name, in[0], &spec, err);
}

static int depthwise_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                           const int *in, int n_in, struct err *err)
{
    (void)n_in;
    struct conv_file file = {.bias = true};
    struct conv_spec spec = conv_spec_default;
    spec.depthwise = true;
    if (schema_read(&depthwise_schema, node, &file, NULL, r->d) || read_window(r, f, &file, &spec) ||
        read_optional(r, f, file.k, "multiplier", 1, &spec.k)) {
        return -1;
    }
    return build_conv(r->net, name, in[0], &spec, err);
}

static int linear_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                        const int *in, int n_in, struct err *err)
{
    (void)n_in;
    struct linear_file file = {.bias = true};
    int64_t k;
    if (schema_read(&linear_schema, node, &file, NULL, r->d) || frame_number(r, f, file.k, "k", 1, &k)) {
        return -1;
    }
    return build_linear(r->net, name, in[0], k, file.bias, file.tied, err);
}

static int matmul_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                        const int *in, int n_in, struct err *err)
{
    (void)n_in;
    struct matmul_file file = {.transpose = false};
    int64_t heads, kv_heads;
    if (schema_read(&matmul_schema, node, &file, NULL, r->d) || read_optional(r, f, file.heads, "heads", 1, &heads) ||
        read_optional(r, f, file.kv_heads, "kv_heads", heads, &kv_heads)) {
        return -1;
    }
    return build_matmul(r->net, name, in[0], in[1], heads, kv_heads, file.transpose, err);
}

static int pool_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name, const int *in,
                      int n_in, struct err *err)
{
    (void)n_in;
    struct pool_file file = {.type = 0};
    struct pool_spec spec;
    if (schema_read(&pool_schema, node, &file, NULL, r->d) ||
        read_pair(r, f, file.kernel, "kernel", 1, 1, spec.kernel) ||
        read_pair(r, f, file.stride, "stride", 0, 1, spec.stride) || read_pad(r, f, file.pad, spec.pad)) {
        return -1;
    }
    spec.ceil = file.ceil;
    return build_pool(r->net, name, in[0], &spec, err);
}

static int global_pool_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                             const int *in, int n_in, struct err *err)
{
    (void)f, (void)node, (void)n_in;
    return build_global_pool(r->net, name, in[0], err);
}

static int add_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name, const int *in,
                     int n_in, struct err *err)
{
    (void)f, (void)node;
    return build_elementwise(r->net, name, VECTOR_ADD, in, n_in, err);
}

static int mul_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name, const int *in,
                     int n_in, struct err *err)
{
    (void)f, (void)node;
    return build_elementwise(r->net, name, VECTOR_MUL, in, n_in, err);
}

static int norm_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name, const int *in,
                      int n_in, struct err *err)
{
    (void)f, (void)n_in;
    struct type_file file = {.type = 0};
    if (schema_read(&norm_schema, node, &file, NULL, r->d)) {
        return -1;
    }
    int64_t params = norm_params[file.type] * r->net->act[in[0]].channels;
    return build_unary(r->net, name, VECTOR_NORM, in[0], norm_ops[file.type], params, err);
}

static int softmax_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                         const int *in, int n_in, struct err *err)
{
    (void)f, (void)node, (void)n_in;
    return build_unary(r->net, name, VECTOR_SOFTMAX, in[0], SOFTMAX_OPS, 0, err);
}

static int act_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name, const int *in,
                     int n_in, struct err *err)
{
    (void)f, (void)n_in;
    struct type_file file = {.type = 0};
    if (schema_read(&act_schema, node, &file, NULL, r->d)) {
        return -1;
    }
    return build_unary(r->net, name, VECTOR_ACTIVATION, in[0], act_ops[file.type], 0, err);
}

static int embed_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                       const int *in, int n_in, struct err *err)
{
    (void)n_in;
    struct embed_file file = {NULL, NULL};
    int64_t vocabulary, k;
    if (schema_read(&embed_schema, node, &file, NULL, r->d) ||
        frame_number(r, f, file.vocabulary, "vocabulary", 1, &vocabulary) || frame_number(r, f, file.k, "k", 1, &k)) {
        return -1;
    }
    return build_embed(r->net, name, in[0], vocabulary, k, err);
}

static int read_rows(struct reader *r, const struct frame *f, const struct schema *schema, const struct node *node,
                     int64_t *rows)
{
    struct rows_file file = {NULL};
    return schema_read(schema, node, &file, NULL, r->d) || frame_number(r, f, file.rows, "rows", 1, rows) ? -1 : 0;
}

static int cache_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                       const int *in, int n_in, struct err *err)
{
    (void)n_in;
    int64_t rows;
    return read_rows(r, f, &cache_schema, node, &rows) ? -1 : build_cache(r->net, name, in[0], rows, err);
}

static int last_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name, const int *in,
                      int n_in, struct err *err)
{
    (void)n_in;
    int64_t rows;
    return read_rows(r, f, &last_schema, node, &rows) ? -1 : build_last_rows(r->net, name, in[0], rows, err);
}

static int flatten_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                         const int *in, int n_in, struct err *err)
{
    (void)f, (void)node, (void)n_in;
    return build_flatten(r->net, name, in[0], err);
}

static int concat_layer(struct reader *r, const struct frame *f, const struct node *node, const char *name,
                        const int *in, int n_in, struct err *err)
{
    (void)f, (void)node;
    return build_concat(r->net, name, in, n_in, err);
}

/* clang-format off: version 14 crashes on this table */
const struct model_kind model_kinds[] = {
    [KIND_CONV] = {"conv", &conv_schema, 1, 1, conv_layer},
    [KIND_DEPTHWISE] = {"depthwise", &depthwise_schema, 1, 1, depthwise_layer},
    [KIND_LINEAR] = {"linear", &linear_schema, 1, 1, linear_layer},
    [KIND_MATMUL] = {"matmul", &matmul_schema, 2, 2, matmul_layer},
    [KIND_POOL] = {"pool", &pool_schema, 1, 1, pool_layer},
    [KIND_GLOBAL_POOL] = {"global_pool", &empty_schema, 1, 1, global_pool_layer},
    [KIND_ADD] = {"add", &empty_schema, 2, MODEL_INPUTS, add_layer},
    [KIND_MUL] = {"mul", &empty_schema, 2, MODEL_INPUTS, mul_layer},
    [KIND_NORM] = {"norm", &norm_schema, 1, 1, norm_layer},
    [KIND_SOFTMAX] = {"softmax", &empty_schema, 1, 1, softmax_layer},
    [KIND_ACT] = {"act", &act_schema, 1, 1, act_layer},
    [KIND_EMBED] = {"embed", &embed_schema, 1, 1, embed_layer},
    [KIND_CACHE] = {"cache", &cache_schema, 1, 1, cache_layer},
    [KIND_FLATTEN] = {"flatten", &empty_schema, 1, 1, flatten_layer},
    [KIND_CONCAT] = {"concat", &empty_schema, 1, MODEL_INPUTS, concat_layer},
    [KIND_LAST] = {"last", &last_schema, 1, 1, last_layer},
};
/* clang-format on */
_Static_assert(sizeof model_kinds / sizeof *model_kinds == KIND_COUNT, "a row for each kind");
