/* Operators with subgraphs: If takes one branch, a body of Loop or Scan counts once. */
#include "base/diag.h"
#include "sw/onnx_inputs.h"
#include "sw/onnx_ops.h"

#include <string.h>

static const struct mark nowhere = {NULL, 0, 0, 0};

static int run_body(struct onnx *g, const struct onnx_node *n, const Onnx__GraphProto *body)
{
    if (g->depth == ONNX_DEPTH) {
        return onnx_error(g, n, "subgraphs within subgraphs, more than %d deep", ONNX_DEPTH);
    }
    g->graph[++g->depth] = body;
    int rc = onnx_add_initializers(g, body) || onnx_run(g, body) ? -1 : 0;
    g->depth--;
    return rc;
}

/* What a body's output hands to the node's output i; `axis`: one step's part of it, steps times along a new first dimension. */
static int hand_out(struct onnx *g, const struct onnx_node *n, int i, const Onnx__GraphProto *body, size_t from,
                    bool scanned, int64_t axis, int64_t steps)
{
    struct onnx_value *out = onnx_out(g, n, i);
    int at = from < body->n_output && body->output[from]->name ? onnx_find_value(g, body->output[from]->name) : -1;
    if (out == NULL) {
        return 0;
    }
    if (at < 0 || !g->value[at].shaped) {
        return onnx_error(g, n, "its body does not make output %d", i);
    }
    const struct onnx_value *v = &g->value[at];
    int64_t dim[ONNX_RANK + 1];
    int place = scanned ? onnx_axis(axis, v->rank + 1) : 0, at_dim = 0;
    if (place < 0) {
        return onnx_error(g, n, "output %d has no dimension %lld", i, (long long)axis);
    }
    for (int k = 0; k < v->rank + scanned; k++) {
        dim[k] = scanned && k == place ? steps : v->dim[at_dim++];
    }
    if (onnx_set_shape(out, dim, v->rank + scanned)) {
        return onnx_error(g, n, "output %d has more than %d dimensions", i, ONNX_RANK);
    }
    out->act = v->act;
    out->whole = v->whole;
    if (!scanned && v->data && onnx_new_data(out)) {
        memcpy(out->data, v->data, (size_t)v->elements * sizeof *v->data);
    }
    return 0;
}

/* The branch that the condition takes; the one with more nodes when that is not known before it runs. */
static int run_if(struct onnx *g, struct onnx_node *n)
{
    const Onnx__AttributeProto *yes = onnx_attr(n, "then_branch"), *no = onnx_attr(n, "else_branch");
    const struct onnx_value *cond = onnx_in(g, n, 0);
    if (!yes || !no || !yes->g || !no->g || !cond) {
        return onnx_error(g, n, "it has no condition or not two branches");
    }
    const Onnx__GraphProto *body = yes->g->n_node >= no->g->n_node ? yes->g : no->g;
    if (cond->data && cond->elements > 0) {
        body = cond->data[0] != 0.0 ? yes->g : no->g;
    } else {
        diags_warning(g->d, nowhere, NULL,
                      "%s: the branch of If '%s' is not known before it runs: the larger one counts", g->file, n->name);
    }
    int before = g->n_values;
    int rc = run_body(g, n, body);
    for (int i = 0; i < n->n_out && rc == 0; i++) {
        rc = hand_out(g, n, i, body, (size_t)i, false, 0, 1);
    }
    onnx_pop_values(g, before);
    return rc;
}

/* A value of the body that has the shape of one outside, without its first dimension when a step sees one slice of it. */
static int enter_value(struct onnx *g, const struct onnx_node *n, const char *name, int outside, bool sliced,
                       int64_t axis)
{
    int at = onnx_add_value(g, name ? name : "");
    struct onnx_value *v = &g->value[at];
    if (outside < 0) {
        return onnx_set_shape(v, NULL, 0);
    }
    const struct onnx_value *from = &g->value[outside];
    if (sliced && from->rank < 1) {
        return onnx_error(g, n, "'%s' has no dimension to step along", from->name);
    }
    int64_t dim[ONNX_RANK];
    int place = sliced ? onnx_axis(axis, from->rank) : -1, rank = 0;
    if (sliced && place < 0) {
        return onnx_error(g, n, "'%s' has no dimension %lld to step along", from->name, (long long)axis);
    }
    for (int k = 0; k < from->rank; k++) {
        if (k != place) {
            dim[rank++] = from->dim[k];
        }
    }
    v->whole = from->whole;
    v->act = from->act;
    return onnx_set_shape(v, dim, rank);
}

static int run_loop(struct onnx *g, struct onnx_node *n)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "body");
    const struct onnx_value *trip = onnx_in(g, n, 0);
    bool known = trip && trip->data && trip->elements > 0;
    int64_t steps = known ? onnx_whole(trip->data[0]) : 1;
    int before = g->n_values, states = n->n_in - 2, rc = 0;
    if (!a || !a->g || states < 0 || a->g->n_input < (size_t)states + 2) {
        return onnx_error(g, n, "it has no body that fits its inputs");
    }
    diags_warning(g->d, nowhere, NULL, "%s: the body of Loop '%s' counts once", g->file, n->name);
    for (int i = 0; i < states + 2 && rc == 0; i++) {
        rc = enter_value(g, n, a->g->input[i]->name, i < 2 ? -1 : n->in[i], false, 0);
    }
    rc = rc ? rc : run_body(g, n, a->g);
    for (int i = 0; i < n->n_out && rc == 0; i++) {
        rc = hand_out(g, n, i, a->g, (size_t)i + 1, i >= states, 0, steps < 0 ? 0 : steps);
        struct onnx_value *out = onnx_out(g, n, i);
        if (out && i >= states && !known) {
            onnx_stated_shape(g, out);
        }
    }
    onnx_pop_values(g, before);
    return rc;
}

/* Opset 9 and later: states, then sequences along their first dimension. */
static int run_scan(struct onnx *g, struct onnx_node *n)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "body");
    int64_t sequences = onnx_attr_int(n, "num_scan_inputs", 0);
    int before = g->n_values, states = n->n_in - (int)(sequences > ONNX_PORTS ? ONNX_PORTS : sequences), rc = 0;
    if (g->opset < 9) {
        return onnx_error(g, n, "the form of opset 8 is not modelled");
    }
    if (!a || !a->g || sequences < 1 || states < 0 || a->g->n_input != (size_t)n->n_in) {
        return onnx_error(g, n, "it has no body that fits its inputs");
    }
    diags_warning(g->d, nowhere, NULL, "%s: the body of Scan '%s' counts once", g->file, n->name);
    const struct onnx_value *first = onnx_in(g, n, states);
    int64_t in_axes[ONNX_PORTS] = {0}, out_axes[ONNX_PORTS] = {0};
    if (onnx_attr_ints(n, "scan_input_axes", in_axes, ONNX_PORTS) < 0 ||
        onnx_attr_ints(n, "scan_output_axes", out_axes, ONNX_PORTS) < 0) {
        return onnx_error(g, n, "more than %d axes", ONNX_PORTS);
    }
    int along = first ? onnx_axis(in_axes[0], first->rank) : -1;
    int64_t steps = along >= 0 ? first->dim[along] : 1;
    for (int i = 0; i < n->n_in && rc == 0; i++) {
        rc = enter_value(g, n, a->g->input[i]->name, n->in[i], i >= states, i >= states ? in_axes[i - states] : 0);
    }
    rc = rc ? rc : run_body(g, n, a->g);
    for (int i = 0; i < n->n_out && rc == 0; i++) {
        rc = hand_out(g, n, i, a->g, (size_t)i, i >= states, i >= states ? out_axes[i - states] : 0, steps);
    }
    onnx_pop_values(g, before);
    return rc;
}

onnx_op_fn *onnx_body_of(const char *op)
{
    return strcmp(op, "If") == 0     ? run_if
           : strcmp(op, "Loop") == 0 ? run_loop
           : strcmp(op, "Scan") == 0 ? run_scan
                                     : NULL;
}
