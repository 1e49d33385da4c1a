/* A network: operators in the order in which they run, the activations between them, bit widths. Plain flat arrays.
 *
 * An operator is a tensor operator (an einsum, which the array runs), vector work (pooling, softmax, norms, element-wise: counted in
 * operations) or a view (flatten, concat, slice: no work, no movement). Every operator makes one activation.
 *
 * What is folded: batch norm into the weights and bias of the convolution before it (one bias a channel is counted), ReLU and ReLU6 into
 * their producer. GELU, softmax, layer norm are vector work of their own.
 *
 * Bits: an operator has w_bits (weights), a_bits (the activations it reads) and acc_bits (partial sums). An activation is written once in
 * each width that some reader asks for (a 4-bit copy for a 4-bit convolution and an 8-bit copy for a residual addition are 12 bits an
 * element): nothing is narrowed for free. Vector work reads 8 bits. The first and the last operator with weights stay at 8 bits
 * (`fixed_bits`), as in HAWQ-V3, PACT and LSQ. */
#ifndef SW_NETWORK_H
#define SW_NETWORK_H

#include "base/err.h"
#include "sw/einsum.h"
#include "sw/quantizer.h"

#include <stddef.h>

struct diags;
struct schema;

#define NETWORK_NAME 64
#define NETWORK_BITS 8      /* widths before network_set_bits(), of vector work, of the network's outputs */
#define NETWORK_ACC_BITS 32 /* partial sums before network_set_bits(), and biases */

enum op_kind { OP_TENSOR, OP_VECTOR, OP_VIEW };

enum vector_kind {
    VECTOR_NONE,
    VECTOR_POOL,
    VECTOR_GLOBAL_POOL,
    VECTOR_ADD,
    VECTOR_MUL,
    VECTOR_NORM,
    VECTOR_SOFTMAX,
    VECTOR_ACTIVATION,
    VECTOR_EMBED,  /* rows gathered from a table */
    VECTOR_CACHE,  /* rows appended to what an earlier step left in memory (keys, values) */
    VECTOR_ROTARY, /* rotary position embedding */
    VECTOR_SCAN,   /* recurrence of a state space layer */
    VECTOR_MOVE,   /* rearranged or converted: data movement only */
    VECTOR_KIND_COUNT
};
extern const char *const vector_kind_names[];

struct op {
    char name[NETWORK_NAME]; /* "layer1.0.conv1", unique */
    enum op_kind kind;
    enum vector_kind vector; /* VECTOR_NONE unless OP_VECTOR */
    int block;               /* index */
    int first_input;         /* inputs are edge[first_input .. + n_inputs - 1] */
    int n_inputs;
    int output;        /* index of the activation it makes */
    int64_t batch;     /* samples, the network's */
    int weights_input; /* tensor operator of two activations: which input plays the weights, 0..n_inputs-1; else -1 */
    int64_t weights,
        biases; /* parameters of its own, elements (0 when the weights are another operator's, or an activation) */
    int64_t weights_read; /* vector work: parameters that it reads, elements; a tensor operator's are in the einsum */
    int64_t vector_ops;   /* vector work: operations; a transcendental function counts as one */
    int w_bits, a_bits, acc_bits; /* 1..32 */
    struct quantizer w_quantizer; /* how the weights are stored in w_bits */
    int64_t scale_bits;           /* scales and zero points of its own weights, in all */
    double scale_share;           /* bits of scales for each bit of weights that is read */
    int fused_input;              /* vector work: 1 + the input that it takes as its producer makes it; 0: none */
    int64_t rescale_ops;          /* operations that bring partial sums of groups to one scale */
    bool fixed_bits;      /* first or last operator with weights: network_set_bits() on a block or all leaves it */
    struct einsum einsum; /* OP_TENSOR; its widths follow from the network's, see above */
};

struct activation {
    int producer;                    /* operator; -1: an input of the network */
    int64_t channels, rows, columns; /* of one sample; tokens are rows, features are channels */
    int64_t elements;                /* of the whole batch */
    int bits;     /* of one element: the sum of the widths it is written in; 0: a view's, stored where its inputs are */
    int last_use; /* operator that reads it last, through views; n_ops: an output of the network */
    bool in_memory; /* lives in main memory between steps (a KV cache) */
};

struct network_block {
    char name[NETWORK_NAME]; /* "layer1.0" */
    int first_op, n_ops;     /* consecutive operators */
};

struct network {
    char name[NETWORK_NAME];
    int64_t batch;
    struct op *op;
    int n_ops, cap_ops;
    struct activation *act; /* [0] is the network's input */
    int n_acts, cap_acts;
    int *edge; /* inputs of operators: indices of activations */
    int n_edges, cap_edges;
    struct network_block *block;
    int n_blocks, cap_blocks;
    int *
        by_name; /* [n_names] hash table of network_find_op(): operator + 1, or 0; n_names is a power of two above 2 n_ops */
    int n_names;
    bool fused;                  /* network_fuse() */
    int kv_group, kv_scale_bits; /* numbers of a KV cache that share a scale, and its bits; 0: no scales */
    int kv_bits;                 /* of activations that live in main memory; 0: as their readers ask */
};

/* A value for one of the model file's parameters, as `seq` of bert_base. */
struct network_arg {
    const char *name;
    int64_t value;
};

/* Reads a model: a name of sw/models ("resnet18"), or a file: .yaml (ours), .csv (SCALE-Sim topology). All errors at once in d, then NULL.
 * Bits are the defaults. Caller frees with network_free(). */
struct network *network_load(const char *model, const struct network_arg *args, int n_args, int64_t batch,
                             struct diags *d);
/* The same from text already read; `name` is for messages. */
struct network *network_load_text(const char *name, const char *text, size_t len, const struct network_arg *args,
                                  int n_args, int64_t batch, struct diags *d);
struct network *network_copy(const struct network *net); /* a thread's own; caller frees */
void network_free(struct network *net);                  /* NULL is fine */
const struct schema *network_schema(void);               /* of the model file, with all others reachable through it */

int network_find_op(const struct network *net, const char *name);    /* index or -1 */
int network_find_block(const struct network *net, const char *name); /* index or -1 */

enum bits_scope { BITS_ALL, BITS_BLOCK, BITS_OP };
/* Sets the widths of tensor operators (index: block or operator; ignored for all). 0 keeps a width as it is. ERR_DATA when a width is not in
 * 1..32, or a single operator is meant whose bits are fixed, or copies of an activation exceed 64 bits an element. O(operators). */
int network_set_bits(struct network *net, enum bits_scope scope, int index, int w_bits, int a_bits, int acc_bits,
                     struct err *err);

/* Sets the expected share of non-zero elements of the tensors of an operator, or of all (op: -1), by their role. 0 keeps a share as it is.
 * ERR_DATA when one is not in (0, 1]. */
int network_set_density(struct network *net, int op, const double *density, struct err *err);
/* How the weights of each operator are stored ([n_ops]; read where there are weights). A format with bits of its own (nf4) sets them too; an operator
 * whose bits are fixed keeps its integers, with the quantizer's scales. ERR_DATA when a quantizer is not sound. O(operators). */
int network_set_quantizers(struct network *net, const struct quantizer *weights, struct err *err);
/* Width of what a KV cache holds in memory, 1..32; 0: as its readers ask. Readers unpack it to their own width. */
int network_set_kv_bits(struct network *net, int bits, struct err *err);
/* Scales of a KV cache: one of scale_bits for each `group` numbers; 0: none are counted. */
int network_set_kv_group(struct network *net, int group, int scale_bits, struct err *err);
/* Of an activation that lives in main memory, with its scales. */
int64_t network_cache_bits(const struct network *net, const struct activation *act);

/* Lets element-wise work (additions, products, activation functions) ride on the tensor operator that makes one of its inputs, where nobody else
 * reads that, or takes all of this back. O(operators). */
int network_fuse(struct network *net, bool on, struct err *err);

struct network_totals {
    int64_t macs;
    int64_t vector_ops;
    int64_t weights, biases; /* parameters = weights + biases */
    int64_t weight_bits;     /* weights at their w_bits, scales and zero points, biases at 32 */
    int64_t scale_bits;      /* of them, scales and zero points */
    int64_t cache_bits;      /* activations that live in main memory (a KV cache), with scales */
    int64_t activation_bits; /* sum over all activations as stored */
    int64_t
        peak_activation_bits; /* most that is alive at once while an operator runs: its inputs, its output, what is needed later */
    double mac_bit_products; /* sum of macs * w_bits * a_bits: "BOPS" of the HAWQ papers */
    int64_t
        peak_in_place_bits; /* the same with results written over an input that nobody reads later, where that is legal */
    int tensor_ops, vector_work, views;
    int fused; /* of the vector work: rides on its producer */
};
void network_totals(const struct network *net, struct network_totals *out);

/* The activation that operator i may write its result over: element-wise work on one that ends there and is as wide; a depthwise convolution
 * of stride 1, which needs a plane of one channel besides. -1: none. */
int network_in_place(const struct network *net, int i);

/* Tensor operators that cost the same: equal canonical text. unique[i] is the first operator (index) that equals operator i, i itself when it
 * is the first, -1 when i is not a tensor operator. Returns how many distinct ones there are. `unique` is [n_ops]. */
int network_unique(const struct network *net, int *unique);

/* Along what an operator may be divided over cores. */
enum split { SPLIT_CHANNELS, SPLIT_ROWS, SPLIT_BATCH, SPLIT_COUNT };
extern const char *const split_names[]; /* "channels", "rows", "batch", NULL */
/* The einsum's dimension for it: channels are G (groups, heads: nothing is shared between them) or else K; rows are P; batch is N, or G for
 * two activations. -1 when there is none with a bound above 1. */
int op_split_dim(const struct op *op, enum split split);

/* Canonical text of all that can change a cost: operators without names, edges, widths. */
void network_canonical(const struct network *net, struct strbuf *out);

#endif
