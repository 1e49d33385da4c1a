/* Nodes in an order in which their inputs are there, each by its row of the table; those that are not known. */
#include "base/diag.h"
#include "base/mem.h"
#include "sw/onnx_inputs.h"

#include <stdio.h>
#include <string.h>

static const struct mark nowhere = {NULL, 0, 0, 0};

static bool warned_before(struct onnx *g, const char *op)
{
    for (int i = 0; i < g->n_unknown; i++) {
        if (strcmp(g->unknown[i], op) == 0) {
            return true;
        }
    }
    MEM_GROW(g->unknown, g->n_unknown, g->cap_unknown);
    g->unknown[g->n_unknown++] = op;
    return false;
}

/* An operator that is not known: its outputs have the shapes that the file states, or that of its first input. */
static int unknown_op(struct onnx *g, struct onnx_node *n)
{
    const char *domain = n->proto->domain && n->proto->domain[0] ? n->proto->domain : "ai.onnx";
    g->facts->unknown++;
    if (g->strict) {
        return onnx_error(g, n, "this operator of '%s' is not known", domain);
    }
    if (!warned_before(g, n->proto->op_type)) {
        diags_warning(g->d, nowhere, NULL, "%s: operator '%s' of '%s' is not known: costed as moving its data", g->file,
                      n->proto->op_type, domain);
    }
    for (int i = 0; i < n->n_out; i++) {
        struct onnx_value *out = onnx_out(g, n, i);
        const struct onnx_value *in = onnx_in(g, n, 0);
        if (out && !onnx_stated_shape(g, out) && (in == NULL || onnx_set_shape(out, in->dim, in->rank))) {
            return onnx_error(g, n, "the shape of its output '%s' is not known", out->name);
        }
        if (onnx_vector(g, n, i, VECTOR_MOVE, 0)) {
            return -1;
        }
    }
    return 0;
}

/* A name that no operator has yet: the node's, its first output's, or its kind's, numbered. */
static void name_node(struct onnx *g, struct onnx_node *n, const Onnx__NodeProto *p)
{
    const char *base = p->name && p->name[0] ? p->name : p->n_output && p->output[0][0] ? p->output[0] : p->op_type;
    snprintf(n->name, sizeof n->name, "%.46s", base);
    if (network_find_op(g->net, n->name) >= 0) {
        snprintf(n->name, sizeof n->name, "%.46s#%d", base, g->net->n_ops);
    }
}

/* False while an input of the node is not there. */
static bool bind_inputs(struct onnx *g, struct onnx_node *n, const Onnx__NodeProto *p)
{
    n->n_in = 0;
    for (size_t i = 0; i < p->n_input && i < ONNX_PORTS; i++) {
        int at = p->input[i][0] ? onnx_find_value(g, p->input[i]) : -1;
        if (p->input[i][0] && at < 0) {
            return false;
        }
        n->in[n->n_in++] = at;
    }
    return true;
}

static int run_node(struct onnx *g, struct onnx_node *n, const Onnx__NodeProto *p)
{
    const struct onnx_op *op = onnx_find_op(p->op_type);
    n->proto = p;
    name_node(g, n, p);
    if (p->n_input > ONNX_PORTS || p->n_output > ONNX_PORTS) {
        return onnx_error(g, n, "more than %d inputs or outputs", ONNX_PORTS);
    }
    n->n_out = 0;
    for (size_t i = 0; i < p->n_output; i++) {
        n->out[n->n_out++] = p->output[i][0] ? onnx_add_value(g, p->output[i]) : -1;
    }
    if (!onnx_all_shaped(g, n)) {
        return onnx_error(g, n, "the shape of one of its inputs is not known");
    }
    if (op && op->array) { /* vector work joins the block before */
        build_block(g->net, n->name);
    }
    onnx_op_fn *body = onnx_body_of(p->op_type);
    return body ? body(g, n) : op ? op->fn(g, n) : unknown_op(g, n);
}

static const Onnx__NodeProto *first_waiting(const Onnx__GraphProto *graph, const bool *done)
{
    size_t i = 0;
    while (done[i]) {
        i++;
    }
    return graph->node[i];
}

static int report_waiting(struct onnx *g, const Onnx__GraphProto *graph, const bool *done)
{
    const Onnx__NodeProto *p = first_waiting(graph, done);
    const char *missing = "";
    for (size_t i = 0; i < p->n_input; i++) {
        missing = p->input[i][0] && onnx_find_value(g, p->input[i]) < 0 ? p->input[i] : missing;
    }
    return diags_error(g->d, nowhere, NULL, "%s: %s '%s' reads '%s', which nothing makes", g->file,
                       p->op_type ? p->op_type : "?", p->name ? p->name : "", missing);
}

/* Nodes may stand in any order: rounds over those whose inputs are there, until none is left. */
int onnx_run(struct onnx *g, const Onnx__GraphProto *graph)
{
    bool *done = mem_calloc(graph->n_node + 1, sizeof *done);
    size_t left = graph->n_node, before = left + 1;
    int rc = 0;
    while (left > 0 && left < before && rc == 0) {
        before = left;
        for (size_t i = 0; i < graph->n_node && rc == 0; i++) {
            struct onnx_node n;
            const Onnx__NodeProto *p = graph->node[i];
            if (!done[i] && bind_inputs(g, &n, p)) {
                done[i] = true;
                left--;
                rc = p->op_type ? run_node(g, &n, p)
                                : diags_error(g->d, nowhere, NULL, "%s: a node has no operator", g->file);
            }
        }
    }
    rc = rc == 0 && left > 0 ? report_waiting(g, graph, done) : rc;
    mem_free(done);
    return rc;
}

/* Elements of all Constant nodes, also in branches not taken. onnx_depth_fits() bounds the recursion. */
int64_t onnx_count_constants(const Onnx__GraphProto *graph)
{
    int64_t sum = 0;
    for (size_t i = 0; graph && i < graph->n_node; i++) {
        const Onnx__NodeProto *p = graph->node[i];
        for (size_t k = 0; k < p->n_attribute; k++) {
            const Onnx__AttributeProto *a = p->attribute[k];
            struct onnx_value v = {.act = -1};
            bool constant = p->op_type && strcmp(p->op_type, "Constant") == 0;
            sum += onnx_count_constants(a->g);
            if (constant && a->t) {
                sum += a->t->n_dims <= ONNX_RANK && onnx_set_shape(&v, a->t->dims, (int)a->t->n_dims) == 0 ? v.elements
                                                                                                           : 0;
            } else if (constant) {
                sum += a->n_ints ? (int64_t)a->n_ints : a->n_floats ? (int64_t)a->n_floats : 1;
            }
        }
    }
    return sum;
}
