/* The network of a Hugging Face config while it grows. Internal to import_hf.c (inputs, heads), hf_layers.c (layers of one stack), hf_pair.c (an
 * encoder and a decoder). */
#ifndef SW_HF_MAKER_H
#define SW_HF_MAKER_H

#include "sw/hf_config.h"
#include "sw/network_build.h"

/* Operations an element, a transcendental function as one. */
enum {
    ROTARY_OPS = 3,
    SOFTMAX_OPS_HF = 5,
    GELU_OPS = 8,
    SILU_OPS = 4,
    RMS_OPS = 4,
    LAYER_OPS = 7,
    SCAN_OPS = 6,
    DELTA_OPS = 8, /* a state element: decay 1, prediction 2, write 3, read 2 */
    TANH_OPS = 1,
    RWKV_OPS =
        23, /* a channel of the state: 12 for the result, 11 for the next state, in the form that does not overflow */
    LRU_OPS = 12 /* a channel: two gates 4, decay 3, its complement's root 3, sum 2 */
};

/* The network under construction. After the first error every step returns -1 and does nothing, so that a layer reads as a list. */
struct hf_maker {
    const struct hf_config *c;
    struct network *net;
    int64_t tokens, context;
    int64_t samples;   /* of sound */
    const char *tower; /* stands before the names of its blocks: "text.", ""  */
    char block[32];
    bool shared;      /* weights are an earlier layer's */
    int64_t relative; /* parameters of relative positions, still to be counted: the first layer of a stack has them */
    int64_t source;   /* tokens of the encoder */
    int kept[2][2];   /* keys and values that later layers read again: of full attention, of windows; -1: none yet */
    int block_sum[HF_RESIDUALS], n_sums; /* what earlier blocks of layers came to (Kimi K3) */
    int words;                           /* the embedding, which Zamba2's blocks read again */
    int64_t turns;                       /* how many of its blocks there were */
    int per_layer;                       /* the embedding that each layer has of its own, side by side; -1: none */
    struct err err;
};

/* Each appends to the network and returns an activation, -1 after an error (m->err), also when it was handed -1. */
const char *hf_named(const struct hf_maker *m, const char *part, char out[NETWORK_NAME]); /* "layer.3.query" */
int hf_linear(struct hf_maker *m, const char *part, int in, int64_t k, bool bias);
int hf_unary(struct hf_maker *m, const char *part, enum vector_kind kind, int in, int64_t ops, int64_t params);
int hf_norm(struct hf_maker *m, const char *part, int in);
int hf_two(struct hf_maker *m, const char *part, enum vector_kind kind, int a, int b);
int hf_matmul(struct hf_maker *m, const char *part, int a, int b, int64_t heads, int64_t kv_heads, bool transpose);
int hf_cache(struct hf_maker *m, const char *part, int in); /* with what earlier steps left, context rows */
int hf_view(struct hf_maker *m, const char *part, int in, int64_t channels, int64_t rows);
int hf_embed(struct hf_maker *m, const char *part, int in, int64_t rows, int64_t k);
int hf_mlp(struct hf_maker *m, const char *prefix, int in, int64_t width, bool bias);
/* Layers that keep a state (hf_recurrent.c). */
int hf_mamba(struct hf_maker *m, int in);
int hf_delta(struct hf_maker *m, int in);
int hf_rwkv_time(struct hf_maker *m, int in);
int hf_rwkv_channel(struct hf_maker *m, int in);
int hf_global_attention(struct hf_maker *m, int in, int x); /* added to x, Longformer */
int hf_xlnet_attention(struct hf_maker *m, int in);
int hf_zamba_layer(struct hf_maker *m, int in);
int hf_kda(struct hf_maker *m, int in);
int hf_lru(struct hf_maker *m, int in);
int hf_gated_conv(struct hf_maker *m, int in);
/* DeepSeek-V4 (hf_compressed.c): attention; the streams of its residual, what a part reads of them, and where its result goes. */
int hf_compressed_attention(struct hf_maker *m, int64_t layer, int in);
int hf_streams_begin(struct hf_maker *m, int x);
int hf_streams_in(struct hf_maker *m, const char *prefix, int streams, int *mix);
int hf_streams_out(struct hf_maker *m, const char *part, int x, int streams, int mix);
int hf_streams_end(struct hf_maker *m, int streams);
/* The work of choosing among `keys` (-1: there are none yet) by queries made from `query`. */
int hf_index(struct hf_maker *m, int in, int query, int keys);
int hf_layer(struct hf_maker *m, int64_t i, int in);
/* Kimi K3's residual: a sum of what blocks of layers came to, by a softmax over them. */
int hf_blocks_sum(struct hf_maker *m, const char *part, int x);
/* An encoder beside a decoder, from their inputs to the logits. */
int hf_pair(struct hf_maker *m);

/* Embeddings, layers and last norm of one stack, without a head. */
int hf_stack(struct hf_maker *m);
/* A text and a vision tower, each with its projection, in one network. */
int hf_towers(struct hf_maker *m, const struct hf_config tower[2], int64_t projection);
int hf_stages(struct hf_maker *m); /* an image network in stages, with its head */
/* Sound: its samples as tokens; how many those are (0: too few samples); what is made of them in the end. */
int hf_sound_input(struct hf_maker *m);
int64_t hf_sound_frames(const struct hf_config *c, int64_t samples);
int hf_sound_head(struct hf_maker *m, int x);
int64_t hf_image_tokens(const struct hf_config *c);
void hf_open_block(struct hf_maker *m, const char *name);

#endif
