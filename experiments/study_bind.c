/* From what the file says to what it means, in the order workload, hardware, space, objectives, constraints, search; each reports all its errors,
 * and the next goes on with what could be read. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/domain.h"
#include "experiments/study_raw.h"
#include "experiments/study_space.h"

#include <string.h>

/* Errors of a part that knows no place in the study (a model's name, a template's) get the place that named it. */
static int locate(struct diags *d, int from, struct mark at)
{
    for (int i = from; i < d->n; i++) {
        if (d->list[i].mark.source == NULL) {
            d->list[i].mark = at;
        }
    }
    return -1;
}

/* ---- workload and hardware ---- */

#define SHAPES_MAX 16

/* `shapes: {seq: 384}`. Returns how many, -1 after errors. */
static int read_shapes(const struct node *shapes, struct network_arg *args, struct diags *d)
{
    if (shapes == NULL) {
        return 0;
    }
    if (shapes->kind != NODE_MAPPING || shapes->n_children > SHAPES_MAX) {
        return diags_error(d, shapes->mark, "write {seq: 384}", "'shapes' is a mapping of at most %d names",
                           SHAPES_MAX);
    }
    int bad = 0;
    for (int i = 0; i < shapes->n_children; i++) {
        args[i].name = shapes->child[i].key;
        bad |= schema_read_int(&shapes->child[i], args[i].name, 1, (int64_t)1 << 40, &args[i].value, d);
    }
    return bad ? -1 : shapes->n_children;
}

/* `density: {weights: 0.4}`. */
static int read_density(struct study *s, const struct node *density, struct diags *d)
{
    double share[TENSOR_ROLE_COUNT] = {0};
    struct err err = ERR_INIT;
    if (density->kind != NODE_MAPPING) {
        return diags_error(d, density->mark, "write {weights: 0.4, inputs: 0.6}", "'density' is not a mapping");
    }
    for (int i = 0; i < density->n_children; i++) {
        const struct node *c = &density->child[i];
        struct node key = {.kind = NODE_SCALAR, .text = c->key, .mark = c->key_mark};
        int role = 0;
        if (schema_read_choice(&key, "tensor", tensor_role_names, &role, d) < 0 ||
            schema_read_real(c, c->key, 1e-9, 1, &share[role], d) < 0) {
            return -1;
        }
    }
    return network_set_density(s->network, -1, share, &err);
}

static int read_workload(struct study *s, const struct raw_workload *raw, const struct node *node, struct diags *d)
{
    if (raw->model == NULL) {
        return -1;
    }
    const struct node *model = node_get(node, "model");
    int before = d->n;
    s->has_proxy = node_get(node, "accuracy") != NULL;
    struct network_arg args[SHAPES_MAX];
    int n = read_shapes(raw->shapes, args, d);
    if (n < 0) {
        return -1;
    }
    s->network = network_load(raw->model, args, n, raw->batch, d);
    if (s->network == NULL) {
        return locate(d, before, model->mark);
    }
    s->fixed_bits = (int)raw->bits;
    s->fusion = raw->fusion != 0;
    if (raw->density != NULL && read_density(s, raw->density, d) < 0) {
        return -1;
    }
    return study_read_accuracy(s, raw, args, n, node, d);
}

static int unknown_parameter(const struct study *s, const struct node *key, struct diags *d)
{
    const char **names = mem_calloc((size_t)s->n_params + 1, sizeof *names);
    for (int i = 0; i < s->n_params; i++) {
        struct domain_type t;
        study_param_type(s, i, &t);
        names[i] = t.name;
    }
    names[s->n_params] = "template";
    const char *near = suggest(key->key, names, s->n_params + 1);
    struct strbuf help = STRBUF_INIT;
    strbuf_addf(&help, near ? "did you mean '%s'?" : "`dovetail templates show %s` lists the parameters",
                near ? near : template_name(s->hardware));
    diags_error(d, key->key_mark, strbuf_str(&help), "unknown parameter of template '%s': '%s'",
                template_name(s->hardware), key->key);
    strbuf_release(&help);
    mem_free(names);
    return -1;
}

static int read_hardware(struct study *s, const struct node *node, struct diags *d)
{
    if (node->kind != NODE_MAPPING) {
        return diags_error(d, node->mark, "write {template: edge_npu}", "'hardware' is a mapping");
    }
    const struct node *name = node_get(node, "template");
    if (name == NULL || name->kind != NODE_SCALAR) {
        return diags_error(d, node->mark, "`dovetail templates` lists them", "'hardware' needs a 'template'");
    }
    int before = d->n;
    s->hardware = template_load(name->text, d);
    if (s->hardware == NULL) {
        return locate(d, before, name->mark);
    }
    template_params(s->hardware, &s->n_params);
    s->cores_slot = template_param(s->hardware, "cores");
    s->fixed = mem_calloc((size_t)s->n_params + 1, sizeof *s->fixed);
    template_defaults(s->hardware, s->fixed);
    int bad = 0;
    for (int i = 0; i < node->n_children; i++) {
        const struct node *c = &node->child[i];
        if (strcmp(c->key, "template") == 0) {
            continue;
        }
        int p = template_param(s->hardware, c->key);
        if (p < 0) {
            bad = unknown_parameter(s, c, d);
            continue;
        }
        struct domain_type type;
        study_param_type(s, p, &type);
        bad |= domain_value(c, &type, &s->fixed[p], d);
    }
    return bad ? -1 : 0;
}

/* ---- objectives and constraints ---- */

/* Nothing may be asked for that nothing gives. */
static int need_metric(const struct study *s, const struct node *at, int m, struct diags *d)
{
    if (study_has_metric(s, (enum metric_id)m)) {
        return 0;
    }
    if (s->evaluator != NULL && s->evaluator->alone) {
        return diags_error(d, at->mark,
                           "add it to the evaluator's 'metrics', or ask Dovetail's model too: 'model: true'",
                           "nothing gives '%s': the evaluator alone prices designs", metrics[m].name);
    }
    return diags_error(d, at->mark,
                       "add an 'accuracy' that says it to the workload (docs/quantization.md), or an 'evaluator'",
                       "'%s' needs an accuracy proxy", metrics[m].name);
}

static int find_metric(const struct study *s, const struct node *at, const char *name, struct diags *d)
{
    int m = metric_find(name);
    if (m < 0) {
        const char *names[METRIC_COUNT];
        struct strbuf help = STRBUF_INIT;
        for (int i = 0; i < METRIC_COUNT; i++) {
            names[i] = metrics[i].name;
        }
        const char *near = suggest(name, names, METRIC_COUNT);
        strbuf_addf(&help, near ? "did you mean '%s'?" : "metrics are ", near);
        for (int i = 0; near == NULL && i < METRIC_COUNT; i++) {
            strbuf_addf(&help, "%s%s", i ? ", " : "", names[i]);
        }
        diags_error(d, at->mark, strbuf_str(&help), "'%s' is no metric", name);
        strbuf_release(&help);
        return -1;
    }
    return need_metric(s, at, m, d) < 0 ? -1 : m;
}

static int add_objective(struct study *s, const struct node *at, const char *name, const char *direction,
                         struct diags *d)
{
    int m = find_metric(s, at, name, d);
    if (m < 0) {
        return -1;
    }
    int goal = metrics[m].goal;
    if (direction != NULL) {
        if (strcmp(direction, "min") != 0 && strcmp(direction, "max") != 0) {
            return diags_error(d, at->mark, "write min or max", "'%s' is no direction", direction);
        }
        goal = strcmp(direction, "max") == 0 ? 1 : -1;
    }
    if (goal == 0) {
        return diags_error(d, at->mark, "write {name: min} or {name: max}", "'%s' has no direction of its own", name);
    }
    for (int i = 0; i < s->n_objectives; i++) {
        if (s->objective[i].metric == (enum metric_id)m) {
            return diags_error(d, at->mark, NULL, "objective '%s' stands twice", name);
        }
    }
    if (s->n_objectives == STUDY_OBJECTIVES) {
        return diags_error(d, at->mark, NULL, "more than %d objectives", STUDY_OBJECTIVES);
    }
    s->objective[s->n_objectives++] = (struct study_objective){(enum metric_id)m, goal > 0};
    return 0;
}

static int read_objectives(struct study *s, const struct node *list, struct diags *d)
{
    if ((list->kind != NODE_SEQUENCE && list->kind != NODE_MAPPING) || list->n_children == 0) {
        return diags_error(d, list->mark, "write [energy, latency]", "'objectives' is a list of metrics");
    }
    int bad = 0;
    for (int i = 0; i < list->n_children; i++) {
        const struct node *c = &list->child[i];
        const struct node *pair = list->kind == NODE_MAPPING                      ? c
                                  : c->kind == NODE_MAPPING && c->n_children == 1 ? &c->child[0]
                                                                                  : NULL;
        if (pair != NULL && pair->kind == NODE_SCALAR) {
            bad |= add_objective(s, pair, pair->key, pair->text, d);
        } else if (c->kind == NODE_SCALAR) {
            bad |= add_objective(s, c, c->text, NULL, d);
        } else {
            bad |= diags_error(d, c->mark, "write a metric, or {metric: max}", "an objective is a metric's name");
        }
    }
    return bad ? -1 : 0;
}

static bool uses_metric(const struct study *s, const struct expr *e, int *metric)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        if (expr_uses(e, s->first_metric + m)) {
            *metric = m;
            return true;
        }
    }
    return false;
}

static int add_constraint(struct study *s, const struct node *node, struct diags *d)
{
    if (node->kind != NODE_SCALAR) {
        return diags_error(d, node->mark, "write 'area <= 4mm2'", "a constraint is one expression");
    }
    struct scope scope = {s->symbol, s->n_slots, "parameter or metric"};
    struct expr *e = expr_parse(node->text, node->mark, &scope, d);
    if (e == NULL) {
        return -1;
    }
    struct study_constraint *c = &s->constraint[s->n_constraints++];
    int metric = -1;
    c->expr = e;
    c->known = !uses_metric(s, e, &metric);
    struct strbuf text = STRBUF_INIT;
    expr_print(e, &text);
    c->text = strbuf_detach(&text);
    c->source = mem_strdup(node->text);
    s->n_known += c->known;
    if (expr_kind(e) != VALUE_BOOL) {
        return diags_error(d, node->mark, "compare it with something", "a constraint must be a comparison");
    }
    int bad = 0;
    for (int m = 0; m < METRIC_COUNT; m++) {
        bad |= expr_uses(e, s->first_metric + m) ? need_metric(s, node, m, d) : 0;
    }
    return bad;
}

static int read_constraints(struct study *s, const struct node *list, struct diags *d)
{
    if (list == NULL) {
        return 0;
    }
    if (list->kind != NODE_SEQUENCE) {
        return diags_error(d, list->mark, "write [area <= 4mm2, ...]", "'constraints' is a list of expressions");
    }
    if (list->n_children > STUDY_CONSTRAINTS) {
        return diags_error(d, list->mark, NULL, "more than %d constraints", STUDY_CONSTRAINTS);
    }
    s->constraint = mem_calloc((size_t)list->n_children + 1, sizeof *s->constraint);
    int bad = 0;
    for (int i = 0; i < list->n_children; i++) {
        bad |= add_constraint(s, &list->child[i], d);
    }
    return bad ? -1 : 0;
}

/* ---- all of it ---- */

int study_bind(struct study *s, struct raw_study *raw, const struct node *root, struct diags *d)
{
    const struct node *workload = node_get(root, "workload");
    int bad = read_workload(s, &raw->workload, workload, d);
    bad |= study_read_quantization(s, &raw->workload.quantization, node_get(workload, "quantization"), d);
    bad |= study_read_evaluator(s, &raw->evaluator, node_get(root, "evaluator"), d);
    if (raw->hardware != NULL) {
        bad |= read_hardware(s, raw->hardware, d);
    }
    if (s->hardware == NULL || raw->space == NULL) {
        bad |= study_read_search(s, &raw->search, node_get(root, "search"), d);
        return -1; /* no name of a parameter can be resolved */
    }
    bad |= study_read_space(s, raw->space, d);
    if (s->n_params + s->n_families + METRIC_COUNT > STUDY_SLOTS) {
        return diags_error(d, raw->space->mark, NULL, "more than %d parameters, variables and metrics", STUDY_SLOTS);
    }
    bad |= study_bind_conditions(s, raw->space, d);
    bad |= study_check_quantization(s, workload, raw->space, d);
    if (raw->objectives != NULL) {
        bad |= read_objectives(s, raw->objectives, d);
    }
    bad |= read_constraints(s, raw->constraints, d);
    bad |= study_read_search(s, &raw->search, node_get(root, "search"), d);
    return bad ? -1 : 0;
}
