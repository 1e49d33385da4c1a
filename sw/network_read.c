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
#include "base/embed.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/model_file.h"

#include <string.h>

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

static struct network *read_doc(const struct doc *doc, const struct network_arg *args,
                                int n_args, int64_t batch, struct diags *d)
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

struct network *network_load_text(const char *name, const char *text, size_t len,
                                  const struct network_arg *args, int n_args,
                                  int64_t batch, struct diags *d)
{
    struct doc *doc = doc_read_text(name, text, len, d);
    if (doc == NULL) {
        return NULL;
    }
    struct network *net = read_doc(doc, args, n_args, batch, d);
    doc_free(doc);
    return net;
}

static const char models_dir[] = "sw/models/";

/* The models shipped, without folder and ending, for "did you mean". */
static int unknown_model(const char *model, struct diags *d)
{
    int n, count = 0;
    const struct embed *files = embed_list(&n);
    char **names = mem_calloc((size_t)n + 1, sizeof *names);
    for (int i = 0; i < n; i++) {
        if (strncmp(files[i].path, models_dir, sizeof models_dir - 1) == 0) {
            const char *base = files[i].path + sizeof models_dir - 1;
            names[count++] = mem_strndup(base, strlen(base) - strlen(".yaml"));
        }
    }
    struct strbuf help = STRBUF_INIT;
    const char *near = suggest(model, (const char *const *)names, count);
    if (near != NULL) {
        strbuf_addf(&help, "did you mean '%s'?", near);
    } else {
        strbuf_adds(&help, "a name of these, or a path with a '/':");
        for (int i = 0; i < count; i++) {
            strbuf_addf(&help, " %s", names[i]);
        }
    }
    struct mark nowhere = {NULL, 0, 0, 0};
    diags_error(d, nowhere, strbuf_str(&help), "unknown model '%s'", model);
    strbuf_release(&help);
    for (int i = 0; i < count; i++) {
        mem_free(names[i]);
    }
    mem_free(names);
    return -1;
}

static bool is_path(const char *model)
{
    size_t n = strlen(model);
    return strchr(model, '/') != NULL || (n > 5 && strcmp(model + n - 5, ".yaml") == 0);
}

struct network *network_load(const char *model, const struct network_arg *args,
                             int n_args, int64_t batch, struct diags *d)
{
    if (batch < 1) {
        struct mark nowhere = {NULL, 0, 0, 0};
        diags_error(d, nowhere, NULL, "the batch must be at least 1, not %lld",
                    (long long)batch);
        return NULL;
    }
    if (is_path(model)) {
        struct doc *doc = doc_read_file(model, d);
        struct network *net = doc ? read_doc(doc, args, n_args, batch, d) : NULL;
        doc_free(doc);
        return net;
    }
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s%s.yaml", models_dir, model);
    const struct embed *file = embed_find(strbuf_str(&path));
    struct network *net = NULL;
    if (file == NULL) {
        unknown_model(model, d);
    } else {
        net = network_load_text(file->path, file->data, file->len, args, n_args, batch,
                                d);
    }
    strbuf_release(&path);
    return net;
}
