/* The tables by which model files are read, and what each kind of vector work costs. */
#include "sw/model_file.h"

#include <stddef.h>

static const char *const pool_types[] = {"max", "average", NULL};

/* Operations an element, counted from the definitions, a transcendental function as one. Layer norm: sum, subtract, square, sum, scale, times
 * gamma, plus beta; RMS norm: square, sum, scale, times gamma. GELU in its tanh form. */
static const char *const norm_types[] = {"layer", "rms", NULL};
const int norm_ops[] = {7, 4};
const int norm_params[] = {2, 1};
static const char *const act_types[] = {"relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "hardswish", NULL};
const int act_ops[] = {1, 2, 3, 1, 4, 8, 5};

/* clang-format off: version 14 crashes on these tables */
#define NUMBER(s, f, req, text)                                                                                        \
    {                                                                                                                  \
        .key = #f, .type = FIELD_NODE, .offset = offsetof(struct s, f), .required = req, .help = text                  \
    }
#define FLAG(s, f, text)                                                                                               \
    {                                                                                                                  \
        .key = #f, .type = FIELD_BOOL, .offset = offsetof(struct s, f), .help = text                                   \
    }
#define CHOICE(s, f, c, text)                                                                                          \
    {                                                                                                                  \
        .key = #f, .type = FIELD_CHOICE, .offset = offsetof(struct s, f), .choices = c, .help = text                   \
    }
#define SCHEMA(name, text)                                                                                             \
    const struct schema name##_schema = {text, name##_fields, (int)(sizeof name##_fields / sizeof *name##_fields)}

static const struct field conv_fields[] = {
    NUMBER(conv_file, k, true, "output channels"),
    NUMBER(conv_file, kernel, false, "rows and columns, one number or two; 1"),
    NUMBER(conv_file, stride, false, "one number or two; 1"),
    NUMBER(conv_file, pad, false, "one number, [rows, columns], [top, left, bottom, right] or same; 0"),
    NUMBER(conv_file, dilation, false, "one number or two; 1"),
    NUMBER(conv_file, groups, false, "1"),
    FLAG(conv_file, bias, "one a channel, also for a folded batch norm; true"),
};
SCHEMA(conv, "convolution");
static const struct field depthwise_fields[] = {
    {.key = "multiplier",
     .type = FIELD_NODE,
     .offset = offsetof(struct conv_file, k),
     .help = "output channels for each input channel; 1"},
    NUMBER(conv_file, kernel, true, "rows and columns, one number or two"),
    NUMBER(conv_file, stride, false, "one number or two; 1"),
    NUMBER(conv_file, pad, false, "one number, [rows, columns], [top, left, bottom, right] or same; 0"),
    NUMBER(conv_file, dilation, false, "one number or two; 1"),
    FLAG(conv_file, bias, "one a channel, also for a folded batch norm; true"),
};
SCHEMA(depthwise, "depthwise convolution");
static const struct field linear_fields[] = {
    NUMBER(linear_file, k, true, "output features, from the channels of each row"),
    FLAG(linear_file, bias, "true"),
    FLAG(linear_file, tied, "the weights are another layer's and not counted again; false"),
};
SCHEMA(linear, "linear layer");
static const struct field matmul_fields[] = {
    NUMBER(matmul_file, heads, false, "independent products; 1"),
    NUMBER(matmul_file, kv_heads, false, "heads of the second input, each shared by heads / kv_heads; heads"),
    FLAG(matmul_file, transpose, "rows by rows (scores) instead of rows by columns; false"),
};
SCHEMA(matmul, "product of two activations");
static const struct field pool_fields[] = {
    CHOICE(pool_file, type, pool_types, "max"),
    NUMBER(pool_file, kernel, true, "rows and columns, one number or two"),
    NUMBER(pool_file, stride, false, "one number or two; the kernel's"),
    NUMBER(pool_file, pad, false, "one number, [rows, columns], [top, left, bottom, right] or same; 0"),
    FLAG(pool_file, ceil, "output size rounded up; false"),
};
SCHEMA(pool, "pooling");
static const struct field norm_fields[] = {CHOICE(type_file, type, norm_types, "layer")};
SCHEMA(norm, "norm");
static const struct field act_fields[] = {CHOICE(type_file, type, act_types, "relu")};
SCHEMA(act, "activation function");
static const struct field embed_fields[] = {
    NUMBER(embed_file, vocabulary, true, "rows of the table"),
    NUMBER(embed_file, k, true, "features"),
};
SCHEMA(embed, "embedding");
static const struct field cache_fields[] = {NUMBER(rows_file, rows, true, "rows with those of earlier steps")};
SCHEMA(cache, "cache");
static const struct field last_fields[] = {NUMBER(rows_file, rows, true, "rows kept, the last ones")};
SCHEMA(last, "last rows");
const struct schema empty_schema = {"layer without settings", NULL, 0};

#define KIND(name, at, s, text)                                                                                        \
    {                                                                                                                  \
        .key = name, .type = FIELD_NODE, .offset = offsetof(struct layer, kind) + (at) * sizeof(struct node *),        \
        .sub = &(s), .help = text                                                                                      \
    }

static const struct field layer_fields[] = {
    {.key = "name",
     .type = FIELD_NAME,
     .offset = offsetof(struct layer, name),
     .required = true,
     .help = "unique where it stands"},
    {.key = "from",
     .type = FIELD_NODE,
     .offset = offsetof(struct layer, from),
     .help = "layers whose output it reads; the one before"},
    {.key = "when",
     .type = FIELD_NODE,
     .offset = offsetof(struct layer, when),
     .help = "condition; a layer left out passes its input on"},
    {.key = "block",
     .type = FIELD_NAME,
     .offset = offsetof(struct layer, block),
     .help = "a block of `blocks` stands here"},
    {.key = "repeat",
     .type = FIELD_NODE,
     .offset = offsetof(struct layer, repeat),
     .help = "how often; the names are NAME.0, NAME.1"},
    {.key = "with", .type = FIELD_NODE, .offset = offsetof(struct layer, with), .help = "the block's arguments"},
    {.key = "first",
     .type = FIELD_NODE,
     .offset = offsetof(struct layer, first),
     .help = "arguments that differ in the first repetition"},
    {.key = "density",
     .type = FIELD_NODE,
     .offset = offsetof(struct layer, density),
     .help = "share of elements that are not zero, by tensor: {weights: 0.4, inputs: 0.6, outputs: 0.5}; 1"},
    KIND("conv", KIND_CONV, conv_schema, "convolution"),
    KIND("depthwise", KIND_DEPTHWISE, depthwise_schema, "depthwise convolution"),
    KIND("linear", KIND_LINEAR, linear_schema, "linear layer, the same weights for each row and column"),
    KIND("matmul", KIND_MATMUL, matmul_schema, "product of two activations"),
    KIND("pool", KIND_POOL, pool_schema, "pooling"),
    KIND("global_pool", KIND_GLOBAL_POOL, empty_schema, "average over rows and columns"),
    KIND("add", KIND_ADD, empty_schema, "element-wise sum"),
    KIND("mul", KIND_MUL, empty_schema, "element-wise product"),
    KIND("norm", KIND_NORM, norm_schema, "layer or RMS norm"),
    KIND("softmax", KIND_SOFTMAX, empty_schema, "softmax"),
    KIND("act", KIND_ACT, act_schema, "activation function that is not folded"),
    KIND("embed", KIND_EMBED, embed_schema, "rows gathered from a table"),
    KIND("cache", KIND_CACHE, cache_schema, "keys or values of earlier steps and of this one"),
    KIND("flatten", KIND_FLATTEN, empty_schema, "rows and columns become channels"),
    KIND("concat", KIND_CONCAT, empty_schema, "channels one after the other"),
    KIND("last", KIND_LAST, last_schema, "the last rows"),
};
SCHEMA(layer, "layer");
static const struct field block_fields[] = {
    {.key = "args",
     .type = FIELD_NODE,
     .offset = offsetof(struct block_def, args),
     .help = "name: default, or name: required"},
    {.key = "layers",
     .type = FIELD_NODE,
     .offset = offsetof(struct block_def, list),
     .required = true,
     .sub = &layer_schema,
     .help = "the block's layers; `input` is its input, c h w are that one's channels, "
             "rows, columns, i counts repetitions"},
};
SCHEMA(block, "block");
static const struct field model_fields[] = {
    {.key = "dovetail",
     .type = FIELD_INT,
     .offset = offsetof(struct model_file, version),
     .required = true,
     .min = 1,
     .max = 1,
     .help = "format version, 1"},
    {.key = "network",
     .type = FIELD_NAME,
     .offset = offsetof(struct model_file, network),
     .required = true,
     .help = "its name"},
    {.key = "source",
     .type = FIELD_STRING,
     .offset = offsetof(struct model_file, source),
     .help = "where the architecture is published"},
    {.key = "params", .type = FIELD_NODE, .offset = offsetof(struct model_file, params), .help = "name: default"},
    {.key = "input",
     .type = FIELD_NODE,
     .offset = offsetof(struct model_file, input),
     .required = true,
     .help = "[channels, rows, columns] of one sample; tokens are rows"},
    {.key = "blocks",
     .type = FIELD_NODE,
     .offset = offsetof(struct model_file, blocks),
     .sub = &block_schema,
     .help = "layers that are used more than once, by name"},
    {.key = "layers",
     .type = FIELD_NODE,
     .offset = offsetof(struct model_file, list),
     .required = true,
     .sub = &layer_schema,
     .help = "the network's layers in the order in which they run"},
};
SCHEMA(model, "model");

const struct schema *network_schema(void)
{
    return &model_schema;
}
