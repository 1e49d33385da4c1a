/* First pass over a model file: everything by the tables, names and expressions, all errors at once. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/model_file.h"

#include <string.h>

static void check_number(struct reader *r, const struct frame *f, const struct node *node, const char *what)
{
    if (node->kind == NODE_SEQUENCE && node->n_children > 0) {
        for (int i = 0; i < node->n_children; i++) {
            expr_free(frame_parse(r, f, &node->child[i], what));
        }
    } else if (!model_is_same(node)) {
        expr_free(frame_parse(r, f, node, what));
    }
}

/* Reads the settings of a layer and throws them away, for the messages. */
static void check_settings(struct reader *r, const struct frame *f, const struct schema *schema,
                           const struct node *node)
{
    union {
        struct conv_file conv;
        struct linear_file linear;
        struct matmul_file matmul;
        struct pool_file pool;
        struct type_file type;
        struct embed_file embed;
        struct rows_file rows;
    } any;
    memset(&any, 0, sizeof any);
    if (node->kind == NODE_NULL && schema->n == 0) {
        return;
    }
    schema_read(schema, node, &any, NULL, r->d);
    for (int i = 0; i < schema->n; i++) {
        const struct node *value = schema->fields[i].type == FIELD_NODE ? node_get(node, schema->fields[i].key) : NULL;
        if (value != NULL) {
            check_number(r, f, value, schema->fields[i].key);
        }
    }
}

static void check_kind(struct reader *r, const struct frame *f, const struct layer *l)
{
    int n = l->block != NULL;
    for (int k = 0; k < KIND_COUNT; k++) {
        if (l->kind[k] != NULL) {
            n++;
            check_settings(r, f, model_kinds[k].schema, l->kind[k]);
        }
    }
    if (n != 1) {
        diags_error(r->d, l->node->mark, "one of conv, depthwise, linear, matmul, pool, add, ... or block",
                    "a layer is of one kind, this one is of %d", n);
    }
    if (l->density != NULL) {
        frame_density(r, f, l->density, NULL);
        if (!l->kind[KIND_CONV] && !l->kind[KIND_DEPTHWISE] && !l->kind[KIND_LINEAR] && !l->kind[KIND_MATMUL]) {
            diags_error(r->d, l->density->mark, NULL, "only conv, depthwise, linear and matmul have a density");
        }
    }
    if (l->block == NULL && (l->with || l->first || l->repeat)) {
        diags_error(r->d, l->node->mark, NULL, "'with', 'first' and 'repeat' need a 'block'");
    }
}

const struct block_def *model_find_block(const struct model_file *file, const char *name)
{
    for (int i = 0; file->blocks && i < file->blocks->n_children; i++) {
        if (strcmp(file->blocks->child[i].key, name) == 0) {
            return &file->def[i];
        }
    }
    return NULL;
}

/* The nearest key of a mapping, for "did you mean". */
static char *near_key(const struct node *map, const char *word)
{
    if (map == NULL || map->n_children == 0) {
        return NULL;
    }
    const char **names = mem_calloc((size_t)map->n_children, sizeof *names);
    for (int i = 0; i < map->n_children; i++) {
        names[i] = map->child[i].key;
    }
    const char *near = suggest(word, names, map->n_children);
    struct strbuf help = STRBUF_INIT;
    if (near != NULL) {
        strbuf_addf(&help, "did you mean '%s'?", near);
    }
    mem_free(names);
    return near ? strbuf_detach(&help) : NULL;
}

static void check_arguments(struct reader *r, const struct frame *f, const struct block_def *def,
                            const struct node *given)
{
    if (given == NULL) {
        return;
    }
    if (given->kind != NODE_MAPPING) {
        diags_error(r->d, given->mark, NULL, "arguments are a mapping: {k: 64, stride: 2}");
        return;
    }
    for (int i = 0; i < given->n_children; i++) {
        const struct node *value = &given->child[i];
        if (node_get(def->args, value->key) == NULL) {
            char *help = near_key(def->args, value->key);
            diags_error(r->d, value->key_mark, help, "block '%s' has no argument '%s'", def->node->key, value->key);
            mem_free(help);
        }
        expr_free(frame_parse(r, f, value, value->key));
    }
}

static void check_block_use(struct reader *r, const struct frame *f, const struct layer *l)
{
    const struct block_def *def = model_find_block(&r->file, l->block);
    if (def == NULL) {
        char *help = near_key(r->file.blocks, l->block);
        const struct node *at = node_get(l->node, "block");
        diags_error(r->d, at->mark, help, "unknown block '%s'", l->block);
        mem_free(help);
        return;
    }
    check_arguments(r, f, def, l->with);
    check_arguments(r, f, def, l->first);
    for (int i = 0; def->args && i < def->args->n_children; i++) {
        const struct node *arg = &def->args->child[i];
        bool required = arg->kind == NODE_SCALAR && strcmp(arg->text, "required") == 0;
        if (required && node_get(l->with, arg->key) == NULL) {
            diags_error(r->d, l->node->mark, NULL, "block '%s' needs the argument '%s'", def->node->key, arg->key);
        }
    }
}

static void check_from(struct reader *r, const struct node *name, const struct layer *before, int n)
{
    if (name->kind != NODE_SCALAR) {
        diags_error(r->d, name->mark, NULL, "'from' must be the name of a layer, or a list of names");
        return;
    }
    const char **known = mem_calloc((size_t)n + 1, sizeof *known);
    bool found = strcmp(name->text, "input") == 0;
    known[0] = "input";
    for (int i = 0; i < n; i++) {
        known[i + 1] = before[i].name ? before[i].name : "";
        found |= strcmp(known[i + 1], name->text) == 0;
    }
    if (!found) {
        const char *near = suggest(name->text, known, n + 1);
        struct strbuf help = STRBUF_INIT;
        strbuf_addf(&help, "did you mean '%s'?", near ? near : "");
        diags_error(r->d, name->mark, near ? strbuf_str(&help) : NULL, "no layer '%s' stands before this one",
                    name->text);
        strbuf_release(&help);
    }
    mem_free(known);
}

static void check_layer(struct reader *r, const struct frame *f, const struct layer *list, int at)
{
    const struct layer *l = &list[at];
    check_kind(r, f, l);
    if (l->block != NULL) {
        check_block_use(r, f, l);
    }
    if (l->when != NULL) {
        expr_free(frame_parse(r, f, l->when, "when"));
    }
    if (l->repeat != NULL) {
        expr_free(frame_parse(r, f, l->repeat, "repeat"));
    }
    if (l->from != NULL && l->from->kind == NODE_SEQUENCE) {
        if (l->from->n_children < 1 || l->from->n_children > MODEL_INPUTS) {
            diags_error(r->d, l->from->mark, NULL, "a layer reads 1 to %d others", MODEL_INPUTS);
        }
        for (int i = 0; i < l->from->n_children; i++) {
            check_from(r, &l->from->child[i], list, at);
        }
    } else if (l->from != NULL) {
        check_from(r, l->from, list, at);
    }
    for (int i = 0; i < at && l->name; i++) {
        if (list[i].name && strcmp(list[i].name, l->name) == 0) {
            diags_error(r->d, l->node->mark, NULL, "there is another layer '%s' here", l->name);
        }
    }
}

static struct layer *read_layers(struct reader *r, const struct node *list, int *n)
{
    *n = 0;
    if (list == NULL) {
        return NULL;
    }
    if (list->kind != NODE_SEQUENCE || list->n_children == 0) {
        diags_error(r->d, list->mark, NULL, "'layers' must be a list of at least one layer");
        return NULL;
    }
    struct layer *layer = mem_calloc((size_t)list->n_children, sizeof *layer);
    for (int i = 0; i < list->n_children; i++) {
        layer[i].node = &list->child[i];
        schema_read(&layer_schema, &list->child[i], &layer[i], NULL, r->d);
    }
    *n = list->n_children;
    return layer;
}

const char *const model_shape_symbols[MODEL_SHAPE_SYMBOLS] = {"c", "h", "w", "i"};

/* The frame inside a block: params, arguments, shape of the input. `value` is [n args + 4] or NULL while only names matter. */
int model_enter_block(struct reader *r, const struct block_def *def, const double *value, struct frame *f)
{
    memset(f, 0, sizeof *f);
    int n = def->args && def->args->kind == NODE_MAPPING ? def->args->n_children : 0, at = 0;
    for (int i = 0; i < r->top.n; i++) {
        f->symbol[i] = r->top.symbol[i];
        f->value[i] = r->top.value[i];
    }
    f->n = r->top.n - 4; /* the network's own c, h, w, i come last there */
    for (int i = 0; i < n; i++, at++) {
        if (frame_add(r, f, def->args->child[i].key, value ? value[at] : 1.0, def->args->child[i].key_mark)) {
            return -1;
        }
    }
    for (int i = 0; i < 4; i++, at++) {
        if (frame_add(r, f, model_shape_symbols[i], value ? value[at] : 1.0, def->node->key_mark)) {
            return -1;
        }
    }
    return 0;
}

static void read_def(struct reader *r, const struct node *node, struct block_def *def)
{
    def->node = node;
    schema_read(&block_schema, node, def, NULL, r->d);
    if (def->args && def->args->kind != NODE_MAPPING) {
        diags_error(r->d, def->args->mark, NULL, "'args' must be a mapping: {k: required, stride: 1}");
        def->args = NULL;
    }
    def->layer = read_layers(r, def->list, &def->n_layers);
}

static int set_param(struct reader *r, const struct node *param)
{
    int64_t value;
    for (int i = 0; i < r->n_args; i++) {
        if (strcmp(r->arg[i].name, param->key) == 0) {
            return frame_add(r, &r->top, param->key, (double)r->arg[i].value, param->key_mark);
        }
    }
    return frame_number(r, &r->top, param, param->key, 0, &value) ||
                   frame_add(r, &r->top, param->key, (double)value, param->key_mark)
               ? -1
               : 0;
}

static void read_params(struct reader *r, const struct node *params)
{
    if (params && params->kind != NODE_MAPPING) {
        diags_error(r->d, params->mark, NULL, "'params' must be a mapping: {seq: 128}");
        return;
    }
    for (int i = 0; params && i < params->n_children; i++) {
        set_param(r, &params->child[i]);
    }
    for (int i = 0; i < r->n_args; i++) {
        if (params == NULL || node_get(params, r->arg[i].name) == NULL) {
            char *help = near_key(params, r->arg[i].name);
            struct mark nowhere = {NULL, 0, 0, 0};
            diags_error(r->d, params ? params->mark : nowhere, help, "network '%s' has no parameter '%s'",
                        r->file.network ? r->file.network : "?", r->arg[i].name);
            mem_free(help);
        }
    }
}

static void check_layers(struct reader *r, const struct frame *f, const struct layer *list, int n)
{
    for (int i = 0; i < n; i++) {
        check_layer(r, f, list, i);
    }
}

int model_check(struct reader *r, const struct node *root)
{
    int before = r->d->n_errors;
    struct model_file *file = &r->file;
    schema_read(&model_schema, root, file, NULL, r->d);
    read_params(r, file->params);
    if (r->d->n_errors > before) {
        return -1; /* names of numbers are not known: each use of one would be called wrong */
    }
    for (int i = 0; i < 4; i++) {
        struct mark at = file->input->mark;
        frame_add(r, &r->top, model_shape_symbols[i], 0.0, at);
    }
    if (file->blocks && file->blocks->kind != NODE_MAPPING) {
        return diags_error(r->d, file->blocks->mark, NULL, "'blocks' must be a mapping: a name and its layers");
    }
    file->def = mem_calloc(file->blocks ? (size_t)file->blocks->n_children : 1, sizeof *file->def);
    for (int i = 0; file->blocks && i < file->blocks->n_children; i++) {
        read_def(r, &file->blocks->child[i], &file->def[i]);
    }
    for (int i = 0; file->blocks && i < file->blocks->n_children; i++) {
        struct frame f;
        if (model_enter_block(r, &file->def[i], NULL, &f) == 0) {
            check_layers(r, &f, file->def[i].layer, file->def[i].n_layers);
        }
    }
    file->layer = read_layers(r, file->list, &file->n_layers);
    check_layers(r, &r->top, file->layer, file->n_layers);
    return r->d->n_errors > before ? -1 : 0;
}
