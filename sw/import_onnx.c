/* ONNX files: the protobuf, inputs with their dynamic dimensions bound, nodes in an order in which their inputs are there, subgraphs.
 *
 * The message classes are generated at build time by protoc-c from the onnx.proto of Debian's libonnx-dev. Its decoder recurses without
 * limit, so check_depth() walks hostile bytes first. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/onnx_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_DEPTH 40 /* of messages within messages: ONNX_DEPTH subgraphs need four each */

static const struct mark nowhere = {NULL, 0, 0, 0};

/* --- Bytes ------------------------------------------------------------------------------------ */

static bool read_varint(const uint8_t *data, size_t len, size_t *at, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && *at < len; shift += 7) {
        uint8_t byte = data[(*at)++];
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return true;
        }
    }
    return false;
}

/* False when messages lie deeper in one another than `left`, or the wire format is broken. */
static bool check_depth(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len, int left)
{
    size_t at = 0;
    uint64_t tag, value;
    while (at < len) {
        if (!read_varint(data, len, &at, &tag)) {
            return false;
        }
        size_t skip = 0;
        switch (tag & 7) {
        case 0:
            if (!read_varint(data, len, &at, &value)) {
                return false;
            }
            break;
        case 1:
            skip = 8;
            break;
        case 5:
            skip = 4;
            break;
        case 2: {
            if (!read_varint(data, len, &at, &value) || value > len - at) {
                return false;
            }
            skip = (size_t)value;
            const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
            if (f && f->type == PROTOBUF_C_TYPE_MESSAGE &&
                (left == 0 || !check_depth(f->descriptor, data + at, skip, left - 1))) {
                return false;
            }
            break;
        }
        default:
            return false;
        }
        if (skip > len - at) {
            return false;
        }
        at += skip;
    }
    return true;
}

/* --- Inputs ----------------------------------------------------------------------------------- */

struct binding {
    const struct network_arg *args;
    int n_args;
    int64_t batch;
    bool *used; /* [n_args] */
};

static bool find_arg(const struct binding *b, const char *name, int64_t *out)
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
static int64_t bound_dim(const struct binding *b, const char *value, int i, const Onnx__TensorShapeProto__Dimension *d)
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

static int add_input(struct onnx *g, const Onnx__ValueInfoProto *info, const struct binding *b)
{
    const char *name = info->name ? info->name : "";
    const Onnx__TensorShapeProto *shape = declared_shape(info);
    bool tensor =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && info->type->tensor_type;
    int64_t dim[ONNX_RANK];
    if (!tensor || (shape && shape->n_dim > ONNX_RANK)) {
        return diags_error(g->d, nowhere, NULL, "%s: input '%s' is no tensor of up to %d dimensions", g->file, name,
                           ONNX_RANK);
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

static bool is_initializer(const Onnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++) {
        if (name && graph->initializer[i]->name && strcmp(graph->initializer[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int add_initializers(struct onnx *g, const Onnx__GraphProto *graph)
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

/* --- Nodes ------------------------------------------------------------------------------------ */

/* The shape that the file itself states for a value, when none of its dimensions is dynamic. */
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
                bool fixed = s->dim[k]->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
                dim[k] = fixed ? s->dim[k]->dim_value : -1;
            }
            return onnx_set_shape(v, dim, (int)s->n_dim) == 0;
        }
    }
    return false;
}

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

/* --- Subgraphs -------------------------------------------------------------------------------- */

static int run_body(struct onnx *g, const struct onnx_node *n, const Onnx__GraphProto *body)
{
    if (g->depth == ONNX_DEPTH) {
        return onnx_error(g, n, "subgraphs within subgraphs, more than %d deep", ONNX_DEPTH);
    }
    g->graph[++g->depth] = body;
    int rc = add_initializers(g, body) || onnx_run(g, body) ? -1 : 0;
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
    int64_t steps = trip && trip->data && trip->elements > 0 ? onnx_whole(trip->data[0]) : 1;
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

/* --- Running ---------------------------------------------------------------------------------- */

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
    static const struct onnx_op bodies[] = {{"If", run_if, 0}, {"Loop", run_loop, 0}, {"Scan", run_scan, 0}};
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
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (strcmp(bodies[i].name, p->op_type) == 0) {
            return bodies[i].fn(g, n);
        }
    }
    return op ? op->fn(g, n) : unknown_op(g, n);
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

/* Elements of all Constant nodes, also in branches not taken. check_depth() bounds the recursion. */
static int64_t count_constants(const Onnx__GraphProto *graph)
{
    int64_t sum = 0;
    for (size_t i = 0; graph && i < graph->n_node; i++) {
        const Onnx__NodeProto *p = graph->node[i];
        for (size_t k = 0; k < p->n_attribute; k++) {
            const Onnx__AttributeProto *a = p->attribute[k];
            struct onnx_value v = {.act = -1};
            bool constant = p->op_type && strcmp(p->op_type, "Constant") == 0;
            sum += count_constants(a->g);
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

/* Does what the file says of an output agree with what was inferred? Only static dimensions can tell. */
static void check_output(struct onnx *g, const Onnx__ValueInfoProto *info)
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

static int read_graph(struct onnx *g, const struct binding *b)
{
    const Onnx__GraphProto *graph = g->model->graph;
    if (graph == NULL || graph->n_node == 0) {
        return diags_error(g->d, nowhere, NULL, "%s: there is no graph with nodes in this file", g->file);
    }
    g->graph[0] = graph;
    g->facts->nodes = (int)graph->n_node;
    g->facts->constant_elements = count_constants(graph);
    build_block(g->net, "inputs");
    for (size_t i = 0; i < graph->n_input; i++) {
        if (!is_initializer(graph, graph->input[i]->name) && add_input(g, graph->input[i], b)) {
            return -1;
        }
    }
    for (int i = 0; i < b->n_args; i++) {
        if (!b->used[i]) {
            return diags_error(g->d, nowhere, NULL, "%s: no input has a dimension '%s'", g->file, b->args[i].name);
        }
    }
    if (add_initializers(g, graph) || onnx_run(g, graph)) {
        return -1;
    }
    for (size_t i = 0; i < graph->n_output; i++) {
        check_output(g, graph->output[i]);
    }
    struct err err = ERR_INIT;
    return finish(g, &err) ? diags_error(g->d, nowhere, NULL, "%s: %s", g->file, err.text) : 0;
}

static int read_model(struct onnx *g, const struct binding *b)
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
    Onnx__ModelProto *model = check_depth(&onnx__model_proto__descriptor, data, len, MESSAGE_DEPTH)
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
    struct binding b = {args, n_args, batch, mem_calloc((size_t)n_args + 1, sizeof *b.used)};
    int rc = read_model(g, &b);
    struct network *net = g->net;
    onnx_pop_values(g, 0);
    mem_free(g->value);
    mem_free(g->unknown);
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
