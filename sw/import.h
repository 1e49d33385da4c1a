/* Readers of the files that people have. Each makes a network, or says at once what it cannot read; nothing is guessed silently: what is left
 * out is a warning in d. network_load() picks the reader by the file's ending (.csv, .json, .onnx). */
#ifndef SW_IMPORT_H
#define SW_IMPORT_H

#include "sw/network.h"

/* SCALE-Sim topology CSV, convolutions or M,N,K products, found by the header's names; tolerant of blank rows, title rows, missing trailing
 * commas, tabs, byte-order marks. The format does not say which layer feeds which, so each reads its own input. Output size as SCALE-Sim:
 * ceil((ifmap - filter + stride) / stride). Sparsity N:M becomes the density of the weights; other columns are ignored with a warning.
 * `text` is copied. NULL and errors in d. */
struct network *import_scalesim(const char *name, const char *text, size_t len,
                                int64_t batch, struct diags *d);

/* Hugging Face config.json: one step of a decoder (args: tokens, new ones of the step, 128; context, all that they attend to, tokens), or an
 * encoder, or a vision transformer (neither). What is modelled, layer by layer, is in import_hf.c; what is left out is a warning. */
struct network *import_hf(const char *name, const char *text, size_t len,
                          const struct network_arg *args, int n_args, int64_t batch,
                          struct diags *d);

#endif
