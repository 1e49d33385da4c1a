/* ONNX files: the protobuf, and the graph from its inputs to its outputs.
 *
 * The message classes are generated at build time by protoc-c from the onnx.proto of Debian's libonnx-dev. In reading order: onnx_wire.c (bytes),
 * onnx_inputs.c (what the file states), onnx_run.c (nodes), onnx_bodies.c (subgraphs), onnx_table.c (operators). */
#include "base/diag.h"
#include "base/mem.h"
#include "sw/onnx_inputs.h"
#include "sw/onnx_wire.h"

#include <string.h>

#define MESSAGE_DEPTH 40 /* of messages within messages: ONNX_DEPTH subgraphs need four each */

static const struct mark nowhere = {NULL, 0, 0, 0};

/* A graph of constants and names only is a network of one view. */
static int finish(struct onnx *g, struct err *err)
{
    if (g->net->n_ops == 0) {
        int in = g->net->n_acts > 0 ? 0 : build_input(g->net, 1, 1, 1, err);
        const struct activation *a = &g->net->act[0];
        if (in < 0 || build_view(g->net, "nothing", &in, 1, a->channels, a->rows, a->columns, err) < 0) {
            return -1;
        }
    }
    return build_finish(g->net, err);
}

static int read_graph(struct onnx *g, const struct onnx_binding *b)
{
    const Onnx__GraphProto *graph = g->model->graph;
    if (graph == NULL || graph->n_node == 0) {
        return diags_error(g->d, nowhere, NULL, "%s: there is no graph with nodes in this file", g->file);
    }
    g->graph[0] = graph;
    g->facts->nodes = (int)graph->n_node;
    g->facts->constant_elements = onnx_count_constants(graph);
    build_block(g->net, "inputs");
    for (size_t i = 0; i < graph->n_input; i++) {
        if (!onnx_is_initializer(graph, graph->input[i]->name) && onnx_add_input(g, graph->input[i], b)) {
            return -1;
        }
    }
    for (int i = 0; i < b->n_args; i++) {
        if (!b->used[i]) {
            return diags_error(g->d, nowhere, NULL, "%s: no input has a dimension '%s'", g->file, b->args[i].name);
        }
    }
    if (onnx_add_initializers(g, graph) || onnx_run(g, graph)) {
        return -1;
    }
    for (size_t i = 0; i < graph->n_output; i++) {
        onnx_check_output(g, graph->output[i]);
    }
    struct err err = ERR_INIT;
    return finish(g, &err) ? diags_error(g->d, nowhere, NULL, "%s: %s", g->file, err.text) : 0;
}

static int read_model(struct onnx *g, const struct onnx_binding *b)
{
    for (int i = 0; i < ONNX_BUCKETS; i++) {
        g->bucket[i] = -1;
    }
    for (size_t i = 0; i < g->model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = g->model->opset_import[i];
        g->opset = (!o->domain || !o->domain[0]) && o->has_version ? o->version : g->opset;
    }
    return read_graph(g, b);
}

static struct network *import(const char *name, const void *data, size_t len, const struct network_arg *args,
                              int n_args, int64_t batch, bool strict, struct weights *weights, struct onnx_facts *facts,
                              struct diags *d)
{
    struct onnx_facts own;
    Onnx__ModelProto *model = onnx_depth_fits(&onnx__model_proto__descriptor, data, len, MESSAGE_DEPTH)
                                  ? onnx__model_proto__unpack(NULL, len, data)
                                  : NULL;
    if (model == NULL) {
        diags_error(d, nowhere, NULL, "'%s' is not an ONNX file, or is cut off", name);
        return NULL;
    }
    struct onnx *g = mem_alloc(sizeof *g);
    g->d = d;
    g->file = name;
    g->model = model;
    g->strict = strict;
    g->weights = weights;
    g->facts = facts ? facts : &own;
    memset(g->facts, 0, sizeof *g->facts);
    g->net = network_new(model->graph && model->graph->name && model->graph->name[0] ? model->graph->name : "onnx", 1);
    struct onnx_binding b = {args, n_args, batch, mem_calloc((size_t)n_args + 1, sizeof *b.used)};
    int rc = read_model(g, &b);
    struct network *net = g->net;
    onnx_pop_values(g, 0);
    mem_free(g->value);
    mem_free(g->unknown);
    mem_free(g->dims);
    mem_free(b.used);
    mem_free(g);
    onnx__model_proto__free_unpacked(model, NULL);
    if (rc) {
        network_free(net);
        return NULL;
    }
    return net;
}

struct network *import_onnx(const char *name, const void *data, size_t len, const struct network_arg *args, int n_args,
                            int64_t batch, bool strict, struct onnx_facts *facts, struct diags *d)
{
    return import(name, data, len, args, n_args, batch, strict, NULL, facts, d);
}

struct network *import_onnx_weights(const char *name, const void *data, size_t len, const struct network_arg *args,
                                    int n_args, int64_t batch, struct weights *out, struct diags *d)
{
    out->room = ((int64_t)1 << 22) + 64 * (int64_t)len;
    return import(name, data, len, args, n_args, batch, false, out, NULL, d);
}
