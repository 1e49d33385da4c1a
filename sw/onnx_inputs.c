/* What a file states of its values: inputs, whose dynamic dimensions are bound; initializers; shapes of others, taken where nothing can be inferred or
 * held against what was. */
#include "sw/onnx_inputs.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <string.h>

static const struct mark nowhere = {NULL, 0, 0, 0};

static bool find_arg(const struct onnx_binding *b, const char *name, int64_t *out)
{
    for (int i = 0; i < b->n_args; i++) {
        if (strcmp(b->args[i].name, name) == 0) {
            *out = b->args[i].value;
            b->used[i] = true;
            return true;
        }
    }
    return false;
}

/* Dimension i of a declared shape; -1 when it is dynamic and no argument binds it. */
static int64_t bound_dim(const struct onnx_binding *b, const char *value, int i,
                         const Onnx__TensorShapeProto__Dimension *d)
{
    char position[NETWORK_NAME];
    int64_t size = -1;
    bool fixed = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value >= 0;
    bool named = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param;
    snprintf(position, sizeof position, "%.50s.%d", value, i);
    if (find_arg(b, position, &size) || (named && find_arg(b, d->dim_param, &size))) {
        return size;
    }
    return fixed ? d->dim_value : -1;
}

static const Onnx__TensorShapeProto *declared_shape(const Onnx__ValueInfoProto *v)
{
    const Onnx__TypeProto *t = v->type;
    return t && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && t->tensor_type ? t->tensor_type->shape : NULL;
}

/* The first input that has a named dimension tells its size. */
static int64_t dim_of(const struct onnx *g, const char *name)
{
    for (int i = 0; i < g->n_dims; i++) {
        if (strcmp(g->dims[i].name, name) == 0) {
            return g->dims[i].size;
        }
    }
    return -1;
}

static void remember_dim(struct onnx *g, const Onnx__TensorShapeProto__Dimension *d, int64_t size)
{
    bool named = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param;
    if (named && d->dim_param[0] && dim_of(g, d->dim_param) < 0) {
        MEM_GROW(g->dims, g->n_dims, g->cap_dims);
        g->dims[g->n_dims++] = (struct onnx_dim){d->dim_param, size};
    }
}

/* -1: not known. */
static int64_t stated_dim(const struct onnx *g, const Onnx__TensorShapeProto__Dimension *d)
{
    if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param) {
        return dim_of(g, d->dim_param);
    }
    return d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ? d->dim_value : -1;
}

int onnx_add_input(struct onnx *g, const Onnx__ValueInfoProto *info, const struct onnx_binding *b)
{
    const char *name = info->name ? info->name : "";
    const Onnx__TensorShapeProto *shape = declared_shape(info);
    bool tensor =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && info->type->tensor_type;
    int64_t dim[ONNX_RANK];
    if (!tensor) {
        return diags_error(g->d, nowhere, NULL,
                           "%s: input '%s' is a sequence, a map or optional: only tensors are read", g->file, name);
    }
    if (shape && shape->n_dim > ONNX_RANK) {
        return diags_error(g->d, nowhere, NULL, "%s: input '%s' has more than %d dimensions", g->file, name, ONNX_RANK);
    }
    int rank = shape ? (int)shape->n_dim : 1;
    if (shape == NULL) { /* not even how many dimensions it has */
        dim[0] = b->batch;
        diags_warning(g->d, nowhere, NULL, "%s: input '%s' has no shape: taken as %lld numbers", g->file, name,
                      (long long)dim[0]);
    }
    for (int i = 0; shape && i < rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];
        dim[i] = bound_dim(b, name, i, d);
        if (dim[i] < 0) {
            const char *called = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM && d->dim_param
                                     ? d->dim_param
                                     : "?";
            dim[i] = i == 0 ? b->batch : 1;
            diags_warning(g->d, nowhere, NULL, "%s: dimension %d ('%s') of input '%s' is dynamic: taken as %lld",
                          g->file, i, called, name, (long long)dim[i]);
        }
        remember_dim(g, d, dim[i]);
    }
    int at = onnx_add_value(g, name);
    struct onnx_value *v = &g->value[at];
    if (onnx_set_shape(v, dim, rank)) {
        return diags_error(g->d, nowhere, NULL, "%s: input '%s' has more than 2^48 elements", g->file, name);
    }
    const Onnx__TypeProto *t = info->type;
    v->whole = t->tensor_type->has_elem_type && t->tensor_type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    if (v->elements > 0) {
        struct err err = ERR_INIT;
        int64_t three[3];
        onnx_act_shape(v, three);
        v->act = build_input(g->net, three[0], three[1], three[2], &err);
        return v->act < 0 ? diags_error(g->d, nowhere, NULL, "%s: input '%s': %s", g->file, name, err.text) : 0;
    }
    return 0;
}

bool onnx_is_initializer(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++) {
        if (name && graph->initializer[i]->name && strcmp(graph->initializer[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

int onnx_add_initializers(struct onnx *g, const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__TensorProto *t = graph->initializer[i];
        int at = onnx_add_value(g, t->name ? t->name : "");
        struct onnx_value *v = &g->value[at];
        if (onnx_set_tensor(g, v, t)) {
            return diags_error(g->d, nowhere, NULL, "%s: initializer '%s' has a bad shape", g->file, v->name);
        }
        if (g->depth == 0 &&
            __builtin_add_overflow(g->facts->initializer_elements, v->elements, &g->facts->initializer_elements)) {
            return diags_error(g->d, nowhere, NULL, "%s: more than 2^63 parameters", g->file);
        }
    }
    return 0;
}

/* The shape that the file itself states for a value, when its dimensions are numbers or names that an input has. */
bool onnx_stated_shape(struct onnx *g, struct onnx_value *v)
{
    const Onnx__GraphProto *graph = g->graph[g->depth];
    for (int list = 0; list < 2; list++) {
        size_t n = list ? graph->n_output : graph->n_value_info;
        Onnx__ValueInfoProto *const *infos = list ? graph->output : graph->value_info;
        for (size_t i = 0; i < n; i++) {
            const Onnx__TensorShapeProto *s = declared_shape(infos[i]);
            if (!infos[i]->name || strcmp(infos[i]->name, v->name) != 0 || !s || s->n_dim > ONNX_RANK) {
                continue;
            }
            int64_t dim[ONNX_RANK];
            for (size_t k = 0; k < s->n_dim; k++) {
                dim[k] = stated_dim(g, s->dim[k]);
            }
            return onnx_set_shape(v, dim, (int)s->n_dim) == 0;
        }
    }
    return false;
}

/* Does what the file says of an output agree with what was inferred? Only static dimensions can tell. */
void onnx_check_output(struct onnx *g, const Onnx__ValueInfoProto *info)
{
    const Onnx__TensorShapeProto *s = declared_shape(info);
    int at = info->name ? onnx_find_value(g, info->name) : -1;
    if (s == NULL || at < 0 || !g->value[at].shaped) {
        return;
    }
    const struct onnx_value *v = &g->value[at];
    bool same = (int)s->n_dim == v->rank;
    for (int i = 0; same && i < v->rank; i++) {
        bool fixed = s->dim[i]->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        same = !fixed || s->dim[i]->dim_value < 0 || s->dim[i]->dim_value == v->dim[i];
    }
    if (!same) {
        struct strbuf have = STRBUF_INIT, says = STRBUF_INIT;
        for (int i = 0; i < v->rank; i++) {
            strbuf_addf(&have, "%s%lld", i ? "," : "", (long long)v->dim[i]);
        }
        for (size_t i = 0; i < s->n_dim; i++) {
            bool fixed = s->dim[i]->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            strbuf_addf(&says, fixed ? "%s%lld" : "%s?", i ? "," : "", fixed ? (long long)s->dim[i]->dim_value : 0LL);
        }
        diags_warning(g->d, nowhere, NULL, "%s: the shape of output '%s' is [%s], the file says [%s]", g->file, v->name,
                      strbuf_str(&have), strbuf_str(&says));
        strbuf_release(&have);
        strbuf_release(&says);
    }
}
