/* Model files: YAML that states a network as its paper does, and its expansion into operators. docs/workloads.md shows the format.
 *
 *   params: {seq: 128}                              numbers that a caller may set; a default may use those before it
 *   input: [3, 224, 224]                            channels, rows, columns
 *   blocks:                                         layers used more than once
 *     basic:
 *       args: {k: required, stride: 1}
 *       layers:
 *         - {name: conv1, conv: {k: k, kernel: 3, stride: stride, pad: 1}}
 *         - {name: conv2, conv: {k: k, kernel: 3, pad: 1}}
 *         - {name: downsample, from: input, when: stride > 1 or c != k, conv: {k: k, stride: stride}}
 *         - {name: add, from: [conv2, downsample], add: {}}
 *   layers:
 *     - {name: conv1, conv: {k: 64, kernel: 7, stride: 2, pad: 3}}
 *     - {name: layer2, block: basic, repeat: 2, with: {k: 128}, first: {stride: 2}}
 *
 * Two passes. The first reads everything by schema tables and checks names and expressions, with all errors at once; only when there is
 * none does the second expand blocks and infer shapes, and it stops at the first layer that does not fit, since all later ones hang on it.
 * A layer left out by its `when` passes its input on. */
#include "base/mem.h"
#include "sw/model_file.h"

static void free_layers(struct layer *layer, int n)
{
    for (int i = 0; i < n; i++) {
        mem_free(layer[i].name);
        mem_free(layer[i].block);
    }
    mem_free(layer);
}

static void release_reader(struct reader *r)
{
    int n = r->file.def && r->file.blocks ? r->file.blocks->n_children : 0;
    for (int i = 0; i < n; i++) {
        free_layers(r->file.def[i].layer, r->file.def[i].n_layers);
    }
    mem_free(r->file.def);
    free_layers(r->file.layer, r->file.n_layers);
    mem_free(r->file.network);
    mem_free(r->file.source);
    mem_free(r->top.output);
}

static struct network *read_doc(const struct doc *doc, const struct network_arg *args, int n_args, int64_t batch,
                                struct diags *d)
{
    struct reader r = {.d = d, .arg = args, .n_args = n_args};
    int rc = model_check(&r, &doc->root);
    if (rc == 0) {
        r.net = network_new(r.file.network, batch);
        rc = model_expand(&r);
    }
    release_reader(&r);
    if (rc) {
        network_free(r.net);
        return NULL;
    }
    return r.net;
}

struct network *network_load_text(const char *name, const char *text, size_t len, const struct network_arg *args,
                                  int n_args, int64_t batch, struct diags *d)
{
    struct doc *doc = doc_read_text(name, text, len, d);
    if (doc == NULL) {
        return NULL;
    }
    struct network *net = read_doc(doc, args, n_args, batch, d);
    doc_free(doc);
    return net;
}
