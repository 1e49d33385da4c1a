/* Readers of the files that people have. Each makes a network, or says at once what it cannot read; nothing is guessed silently: what is left
 * out is a warning in d. network_load() picks the reader by the file's ending (.csv, .json, .onnx; a .yaml
 * with 'problem:' and a folder are Timeloop's). */
#ifndef SW_IMPORT_H
#define SW_IMPORT_H

#include "sw/network.h"

struct weights;

/* SCALE-Sim topology CSV, convolutions or M,N,K products, found by the header's names; tolerant of blank rows, title rows, missing trailing
 * commas, tabs, byte-order marks. The format does not say which layer feeds which, so each reads its own input. Output size as SCALE-Sim:
 * ceil((ifmap - filter + stride) / stride). Sparsity N:M becomes the density of the weights; other columns are ignored with a warning.
 * `text` is copied. NULL and errors in d. */
struct network *import_scalesim(const char *name, const char *text, size_t len, int64_t batch, struct diags *d);

/* Hugging Face config.json: one step of a decoder (args: tokens, new ones of the step, 128; context, all that they attend to, tokens), or an
 * encoder, or a vision transformer (neither). What is modelled, layer by layer, is in import_hf.c; what is left out is a warning. */
struct network *import_hf(const char *name, const char *text, size_t len, const struct network_arg *args, int n_args,
                          int64_t batch, struct diags *d);

/* What a config.json says of the model that import_hf() builds. Of two towers, the one that reads text. */
struct hf_facts {
    char type[48];    /* what the file calls all of it; "" when it does not */
    char read_as[48]; /* the type of the model that is read: "llama4_text" in a file of type "llama4" */
    int64_t layers, hidden, heads, kv_heads, head_dim,
        vocab;                     /* kv_heads, head_dim: of the usual layer; vocab 0: none */
    int attention_layers;          /* of `layers`, with keys and values */
    int64_t kv_elements_per_token; /* that a token leaves in a cache, all layers, no window full yet; 0: no cache */
};
/* 0, or -1 for what is no such file; import_hf() says why. */
int import_hf_facts(const char *name, const char *text, size_t len, struct hf_facts *out);

/* What an ONNX file holds, in ONNX's own terms. MACs: padding taps counted, dynamic dimensions as bound. */
struct onnx_facts {
    int nodes;                    /* of the main graph */
    int64_t macs;                 /* Conv, ConvTranspose, Gemm, MatMul, Einsum of the main graph */
    int64_t macs_quantised;       /* QLinearConv, ConvInteger, QLinearMatMul, MatMulInteger, QGemm */
    int64_t macs_subgraphs;       /* both, in bodies of If, Loop, Scan; a body once */
    int64_t initializer_elements; /* of the main graph, of any type */
    int64_t constant_elements;    /* of Constant nodes */
    int unknown;                  /* nodes whose operator is not known, costed as moving their data */
};

/* ONNX: shapes inferred here, constants folded, element-wise work fused into the operator before. Dynamic dimensions are bound by args, by
 * their name or "input.axis"; a first one not bound is the batch, others are 1, with a warning. Weights are not needed. A body of Loop or Scan
 * counts once; of an If, the branch that its condition takes, or the larger one when that is not known. An operator that is not known is
 * named, counted, costed as moving its data; refused when `strict`. `facts` may be NULL. */
struct network *import_onnx(const char *name, const void *data, size_t len, const struct network_arg *args, int n_args,
                            int64_t batch, bool strict, struct onnx_facts *facts, struct diags *d);

/* The same network, and the numbers of its operators' weights into *out (empty before; of[] may be shorter than the network). Data that the
 * file leaves outside itself is read from the folder of `name`. */
struct network *import_onnx_weights(const char *name, const void *data, size_t len, const struct network_arg *args,
                                    int n_args, int64_t batch, struct weights *out, struct diags *d);

/* Timeloop problem files: one, or a folder of .yaml files, sorted by name, each an operator that reads an input of its own. A problem must have the form of a
 * convolution or matmul; what is read otherwise is in docs/timeloop.md. The samples of the problems (N) times `batch` are the network's. Densities are
 * kept. */
struct network *import_timeloop(const char *path, int64_t batch, struct diags *d);

/* Text in place of a file that Git LFS keeps elsewhere: true, and an error in d. */
bool import_is_pointer(const char *name, const char *text, size_t len, struct diags *d);

/* Which of Timeloop's parts the text begins a line with: "problem" before "architecture" before others; NULL for other files. */
const char *import_timeloop_part(const char *text);

#endif
