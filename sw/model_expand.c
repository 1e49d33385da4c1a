/* Second pass over a model file: blocks expanded, operators built, shapes inferred. It stops at the first layer that does not fit, since all
 * later ones hang on it. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/model_file.h"

#include <string.h>

#define MAX_OPS 100000
#define MAX_DEPTH 8

static void remember(struct frame *f, const char *name, int act)
{
    MEM_GROW(f->output, f->n_outputs, f->cap_outputs);
    f->output[f->n_outputs].name = name;
    f->output[f->n_outputs++].act = act;
    f->current = act;
}

static int lookup(const struct frame *f, const char *name)
{
    if (strcmp(name, "input") == 0) {
        return f->input;
    }
    int i = f->n_outputs - 1;
    while (i > 0 && strcmp(f->output[i].name, name) != 0) {
        i--;
    }
    return f->output[i].act;
}

static int read_inputs(const struct frame *f, const struct layer *l, int in[MODEL_INPUTS])
{
    if (l->from == NULL) {
        in[0] = f->current;
        return 1;
    }
    if (l->from->kind == NODE_SCALAR) {
        in[0] = lookup(f, l->from->text);
        return 1;
    }
    for (int i = 0; i < l->from->n_children; i++) {
        in[i] = lookup(f, l->from->child[i].text);
    }
    return l->from->n_children;
}

/* "prefix.name", ".at" behind it when repeated. */
static int join_name(struct reader *r, const struct frame *f, const struct layer *l, int64_t at, char out[NETWORK_NAME])
{
    struct strbuf sb = STRBUF_INIT;
    strbuf_addf(&sb, "%s%s%s", f->prefix, f->prefix[0] ? "." : "", l->name);
    if (at >= 0) {
        strbuf_addf(&sb, ".%lld", (long long)at);
    }
    bool fits = sb.len < NETWORK_NAME;
    if (fits) {
        memcpy(out, sb.buf, sb.len + 1);
    } else {
        diags_error(r->d, l->node->mark, NULL, "the name '%s' is longer than %d characters", sb.buf, NETWORK_NAME - 1);
    }
    strbuf_release(&sb);
    return fits ? 0 : -1;
}

/* A top-level operator that the array runs opens a block of its own; vector work and views join the block before. */
static void open_block(struct reader *r, const char *name, enum kind kind, int depth)
{
    bool tensor = kind == KIND_CONV || kind == KIND_DEPTHWISE || kind == KIND_LINEAR || kind == KIND_MATMUL;
    if (depth == 0 && (tensor || r->net->n_blocks == 0)) {
        build_block(r->net, name);
    }
}

static int expand_op(struct reader *r, struct frame *f, const struct layer *l, int depth)
{
    int k = 0, in[MODEL_INPUTS] = {0};
    while (l->kind[k] == NULL) {
        k++;
    }
    char name[NETWORK_NAME];
    int n_in = read_inputs(f, l, in);
    if (n_in < model_kinds[k].min_inputs || n_in > model_kinds[k].max_inputs) {
        return diags_error(r->d, l->node->mark, "name them by 'from: [a, b]'", "%s reads %d to %d layers, not %d",
                           model_kinds[k].key, model_kinds[k].min_inputs, model_kinds[k].max_inputs, n_in);
    }
    if (r->net->n_ops >= MAX_OPS) {
        return diags_error(r->d, l->node->mark, NULL, "a network of more than %d operators", MAX_OPS);
    }
    if (join_name(r, f, l, -1, name)) {
        return -1;
    }
    open_block(r, name, (enum kind)k, depth);
    struct err err = ERR_INIT;
    int out = model_kinds[k].build(r, f, l->kind[k], name, in, n_in, &err);
    if (out < 0) {
        return err.code == ERR_NONE ? -1 : diags_error(r->d, l->node->mark, NULL, "'%s': %s", name, err.text);
    }
    if (l->density != NULL) {
        double density[TENSOR_ROLE_COUNT] = {0};
        if (frame_density(r, f, l->density, density)) {
            return -1;
        }
        network_set_density(r->net, r->net->n_ops - 1, density, &err);
    }
    remember(f, l->name, out);
    return 0;
}

static int expand_layers(struct reader *r, struct frame *f, const struct layer *list, int n, int depth);

static int expand_instance(struct reader *r, struct frame *f, const struct layer *l, int64_t i, bool repeated,
                           int depth)
{
    const struct block_def *def = model_find_block(&r->file, l->block);
    double value[MODEL_SYMBOLS + 4];
    int n = def->args ? def->args->n_children : 0, in[MODEL_INPUTS] = {0};
    read_inputs(f, l, in);
    int input = i > 0 ? f->current : in[0];
    for (int a = 0; a < n; a++) {
        const struct node *arg = &def->args->child[a], *given = i == 0 ? node_get(l->first, arg->key) : NULL;
        given = given ? given : node_get(l->with, arg->key);
        int64_t v;
        if (frame_number(r, given ? f : &r->top, given ? given : arg, arg->key, 0, &v)) {
            return -1;
        }
        value[a] = (double)v;
    }
    const struct activation *act = &r->net->act[input];
    const double shape[] = {(double)act->channels, (double)act->rows, (double)act->columns, (double)i};
    memcpy(value + n, shape, sizeof shape);
    struct frame inner;
    if (model_enter_block(r, def, value, &inner) || join_name(r, f, l, repeated ? i : -1, inner.prefix)) {
        return -1;
    }
    inner.input = inner.current = input;
    if (depth == 0) {
        build_block(r->net, inner.prefix);
    }
    int rc = expand_layers(r, &inner, def->layer, def->n_layers, depth + 1);
    mem_free(inner.output);
    remember(f, l->name, inner.current);
    return rc;
}

static int expand_block(struct reader *r, struct frame *f, const struct layer *l, int depth)
{
    int64_t repeat = 1;
    if (depth >= MAX_DEPTH) {
        return diags_error(r->d, l->node->mark, NULL, "blocks within blocks, more than %d deep", MAX_DEPTH);
    }
    if (l->repeat && frame_number(r, f, l->repeat, "repeat", 0, &repeat)) {
        return -1;
    }
    if (repeat == 0) {
        int in[MODEL_INPUTS] = {0};
        read_inputs(f, l, in);
        remember(f, l->name, in[0]);
    }
    for (int64_t i = 0; i < repeat; i++) {
        if (expand_instance(r, f, l, i, l->repeat != NULL, depth)) {
            return -1;
        }
    }
    return 0;
}

static int expand_layer(struct reader *r, struct frame *f, const struct layer *l, int depth)
{
    if (l->when != NULL) {
        struct expr *e = frame_parse(r, f, l->when, "when");
        bool holds = e != NULL && expr_eval(e, f->value) != 0.0;
        expr_free(e);
        if (!holds) {
            int in[MODEL_INPUTS] = {0}, before = f->current;
            read_inputs(f, l, in);
            remember(f, l->name, in[0]);
            f->current = l->from ? before : f->current; /* a branch left out does not become the main path */
            return 0;
        }
    }
    return l->block ? expand_block(r, f, l, depth) : expand_op(r, f, l, depth);
}

static int expand_layers(struct reader *r, struct frame *f, const struct layer *list, int n, int depth)
{
    for (int i = 0; i < n; i++) {
        if (expand_layer(r, f, &list[i], depth)) {
            return -1;
        }
    }
    return 0;
}

int model_expand(struct reader *r)
{
    const struct node *input = r->file.input;
    int64_t shape[3];
    if (input->kind != NODE_SEQUENCE || input->n_children != 3) {
        return diags_error(r->d, input->mark, NULL, "'input' must be [channels, rows, columns]");
    }
    for (int i = 0; i < 3; i++) {
        if (frame_number(r, &r->top, &input->child[i], "input", 1, &shape[i])) {
            return -1;
        }
        r->top.value[r->top.n - 4 + i] = (double)shape[i];
    }
    struct err err = ERR_INIT;
    if (build_input(r->net, shape[0], shape[1], shape[2], &err) < 0) {
        return diags_error(r->d, input->mark, NULL, "input: %s", err.text);
    }
    if (expand_layers(r, &r->top, r->file.layer, r->file.n_layers, 0)) {
        return -1;
    }
    if (build_finish(r->net, &err)) {
        return diags_error(r->d, r->file.list->mark, NULL, "%s", err.text);
    }
    return 0;
}
