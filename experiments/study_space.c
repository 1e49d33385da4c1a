/* From the `space:` of a study to variables of a search space, and from a point back to values, slots and canonical text.
 *
 * Every key of `space:` is a family: a template parameter is one variable; a software variable is one for the network, each block or each
 * layer. Families keep the file's order, which is the order of the variables, so conditions see only what stands before them. */
#include "experiments/study_space.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <math.h>
#include <string.h>

const char *const partition_names[] = {"output_channels", "rows",   "batch",  "core0",  "core1",  "core2", "core3",
                                       "core4",           "core5",  "core6",  "core7",  "core8",  "core9", "core10",
                                       "core11",          "core12", "core13", "core14", "core15", NULL};
_Static_assert(sizeof partition_names / sizeof *partition_names == PARTITION_CORE + STUDY_CORES + 1,
               "a name for each partition");

const char *const fusion_names[] = {"none", "elementwise", NULL};

#define BITS_MAX 32
#define GROUP_MAX 65536

static const char *const bool_names[] = {"false", "true", NULL};

/* Software variables: one row each. */
static const struct software {
    const char *name;
    enum binding binding;
    struct domain_type type;
} software[] = {
    {"bits", BIND_BITS, {"bits", VALUE_NUMBER, {{0}}, true, 1, BITS_MAX, NULL, 0}},
    {"w_bits", BIND_W_BITS, {"w_bits", VALUE_NUMBER, {{0}}, true, 1, BITS_MAX, NULL, 0}},
    {"a_bits", BIND_A_BITS, {"a_bits", VALUE_NUMBER, {{0}}, true, 1, BITS_MAX, NULL, 0}},
    {"partition",
     BIND_PARTITION,
     {"partition", VALUE_CHOICE, {{0}}, false, 0, 0, partition_names, PARTITION_CORE + STUDY_CORES}},
    {"mapping_goal", BIND_MAPPING_GOAL, {"mapping_goal", VALUE_CHOICE, {{0}}, false, 0, 0, goal_names, GOAL_COUNT}},
    {"acc_bits", BIND_ACC_BITS, {"acc_bits", VALUE_NUMBER, {{0}}, true, 1, BITS_MAX, NULL, 0}},
    {"kv_bits", BIND_KV_BITS, {"kv_bits", VALUE_NUMBER, {{0}}, true, 1, BITS_MAX, NULL, 0}},
    {"w_format", BIND_W_FORMAT, {"w_format", VALUE_CHOICE, {{0}}, false, 0, 0, number_format_names, FORMAT_COUNT}},
    {"w_per", BIND_W_PER, {"w_per", VALUE_CHOICE, {{0}}, false, 0, 0, quantizer_per_names, QUANTIZER_PER_COUNT}},
    {"w_group", BIND_W_GROUP, {"w_group", VALUE_NUMBER, {{0}}, true, 1, GROUP_MAX, NULL, 0}},
    {"fusion", BIND_FUSION, {"fusion", VALUE_CHOICE, {{0}}, false, 0, 0, fusion_names, 2}},
};
#define N_SOFTWARE ((int)(sizeof software / sizeof *software))
_Static_assert(sizeof software / sizeof *software == BIND_COUNT - 1, "a row for each software variable");

void study_param_type(const struct study *s, int i, struct domain_type *type)
{
    int n;
    const struct template_param *p = &template_params(s->hardware, &n)[i];
    bool choice = p->type == PARAM_CHOICE;
    *type = (struct domain_type){.name = p->name,
                                 .kind = choice                  ? VALUE_CHOICE
                                         : p->type == PARAM_BOOL ? VALUE_BOOL
                                                                 : VALUE_NUMBER,
                                 .dim = p->dim,
                                 .integer = p->type == PARAM_INT,
                                 .min = p->min,
                                 .max = p->max,
                                 .labels = choice                  ? (const char *const *)p->labels
                                           : p->type == PARAM_BOOL ? bool_names
                                                                   : NULL,
                                 .n_labels = choice                  ? p->n_labels
                                             : p->type == PARAM_BOOL ? 2
                                                                     : 0};
}

double study_level(const struct study *s, const struct study_family *f, const double *x, int member)
{
    double c = x[f->first + member];
    const struct variable *v = &s->space.var[f->first + member];
    return v->kind == VARIABLE_REAL ? c : f->level[(int64_t)c];
}

static bool family_active(const struct study_family *f, const double *slots)
{
    return f->when == NULL || expr_eval(f->when, slots) != 0;
}

/* Slot value of a family: the value itself, or the mean over its members; NaN when inactive. */
static double family_slot(const struct study *s, const struct study_family *f, const double *x, const double *slots)
{
    if (!family_active(f, slots)) {
        return NAN;
    }
    if (f->count == 1 && f->per == PER_NETWORK) {
        return study_level(s, f, x, 0);
    }
    double sum = 0;
    for (int i = 0; i < f->count; i++) {
        sum += study_level(s, f, x, i);
    }
    return sum / f->count;
}

/* Of the first `families` alone: the values of later variables are not looked at. */
static void fill_slots(const struct study *s, const double *x, int families, double *slots)
{
    for (int i = 0; i < s->n_slots; i++) {
        slots[i] = i < s->n_params ? s->fixed[i] : (double)NAN;
    }
    for (int i = 0; i < families; i++) {
        const struct study_family *f = &s->family[i];
        if (f->slot >= 0) {
            double v = family_slot(s, f, x, slots);
            if (f->binding != BIND_PARAMETER || !isnan(v)) {
                slots[f->slot] = v;
            }
        }
    }
}

void study_slots(const struct study *s, const double *x, double *slots)
{
    fill_slots(s, x, s->n_families, slots);
}

/* For struct space: a condition may use the slots of families before this one, and only these variables of x need be canonical. */
static bool variable_active(const void *ctx, const double *x, int i)
{
    const struct study *s = ctx;
    for (int k = 0; k < s->n_families; k++) {
        const struct study_family *f = &s->family[k];
        if (i < f->first || i >= f->first + f->count) {
            continue;
        }
        if (f->when == NULL) {
            return true;
        }
        double slots[STUDY_SLOTS];
        fill_slots(s, x, k, slots);
        return family_active(f, slots);
    }
    return true;
}

double study_known_violation(const void *study, const double *x)
{
    const struct study *s = study;
    double slots[STUDY_SLOTS];
    study_slots(s, x, slots);
    double sum = 0;
    for (int i = 0; i < s->n_constraints; i++) {
        if (s->constraint[i].known) {
            sum += expr_violation(s->constraint[i].expr, slots);
        }
    }
    double cores = s->cores_slot >= 0 ? slots[s->cores_slot] : 1;
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        for (int m = 0; f->binding == BIND_PARTITION && m < f->count; m++) {
            double over = study_level(s, f, x, m) - PARTITION_CORE - (cores - 1);
            sum += over > 0 ? over / cores : 0;
        }
    }
    return sum;
}

/* Which blocks or operators a family sets: those that hold a tensor operator (for bit widths: one whose bits are free). */
static bool settable(const struct study *s, enum binding b, int op)
{
    const struct op *o = &s->network->op[op];
    bool anywhere = b == BIND_PARTITION || b == BIND_MAPPING_GOAL || b == BIND_ACC_BITS;
    bool storage = b == BIND_W_FORMAT || b == BIND_W_PER || b == BIND_W_GROUP;
    return o->kind == OP_TENSOR && (anywhere || !o->fixed_bits) && (!storage || o->weights_input < 0);
}

static void find_members(const struct study *s, struct study_family *f)
{
    const struct network *net = s->network;
    if (f->per == PER_NETWORK) {
        f->count = 1;
        return;
    }
    if (net == NULL) { /* the model could not be read: go on for the other errors */
        return;
    }
    f->member = mem_calloc((size_t)net->n_ops + 1, sizeof *f->member);
    for (int o = 0; o < net->n_ops; o++) {
        int index = f->per == PER_BLOCK ? net->op[o].block : o;
        bool again = f->count > 0 && f->member[f->count - 1] == index;
        if (settable(s, f->binding, o) && !again) {
            f->member[f->count++] = index;
        }
    }
}

const char *study_member_name(const struct study *s, const struct study_family *f, int i)
{
    return f->per == PER_BLOCK ? s->network->block[f->member[i]].name : s->network->op[f->member[i]].name;
}

static void add_variables(struct study *s, struct study_family *f, const struct domain *domain)
{
    f->first = s->space.n;
    find_members(s, f);
    for (int i = 0; i < f->count; i++) {
        struct strbuf name = STRBUF_INIT;
        strbuf_adds(&name, f->name);
        if (f->per != PER_NETWORK) {
            strbuf_addf(&name, "[%s]", study_member_name(s, f, i));
        }
        enum variable_kind kind = domain->real              ? VARIABLE_REAL
                                  : f->kind == VALUE_NUMBER ? VARIABLE_ORDERED
                                                            : VARIABLE_CATEGORY;
        struct variable *v = space_add(&s->space, strbuf_str(&name), kind);
        strbuf_release(&name);
        v->lo = domain->lo;
        v->hi = domain->hi;
        v->log = domain->log;
        v->n = domain->n;
        v->group = f->per == PER_NETWORK ? -1 : f->member[i];
        v->family = f->per == PER_NETWORK ? -1 : s->n_families;
        if (kind == VARIABLE_ORDERED) {
            v->values = mem_calloc((size_t)domain->n, sizeof *v->values);
            memcpy(v->values, domain->level, (size_t)domain->n * sizeof *v->values);
        }
    }
}

const char *const *study_labels(const struct study *s, const struct study_family *f, int *n)
{
    struct domain_type type;
    if (f->binding == BIND_PARAMETER) {
        study_param_type(s, f->parameter, &type);
    } else {
        type = software[f->binding - 1].type;
    }
    *n = type.n_labels;
    return type.labels;
}

static int unknown_key(const struct study *s, const struct node *key, struct diags *d)
{
    int n = 0;
    const char **names = mem_calloc((size_t)(s->n_params + N_SOFTWARE), sizeof *names);
    for (int i = 0; i < s->n_params; i++) {
        struct domain_type t;
        study_param_type(s, i, &t);
        names[n++] = t.name;
    }
    for (int i = 0; i < N_SOFTWARE; i++) {
        names[n++] = software[i].name;
    }
    const char *near = suggest(key->key, names, n);
    struct strbuf help = STRBUF_INIT;
    if (near != NULL) {
        strbuf_addf(&help, "did you mean '%s'?", near);
    } else {
        strbuf_addf(&help, "`dovetail templates show %s` lists the parameters; software variables are",
                    template_name(s->hardware));
        for (int i = 0; i < N_SOFTWARE; i++) {
            strbuf_addf(&help, "%s %s", i ? "," : "", software[i].name);
        }
    }
    diags_error(d, key->key_mark, strbuf_str(&help), "unknown parameter of template '%s': '%s'",
                template_name(s->hardware), key->key);
    strbuf_release(&help);
    mem_free(names);
    return -1;
}

/* What a key of `space:` sets. */
static int find_target(const struct study *s, const struct node *key, struct study_family *f, struct domain_type *type,
                       struct diags *d)
{
    for (int i = 0; i < N_SOFTWARE; i++) {
        if (strcmp(software[i].name, key->key) == 0) {
            f->binding = software[i].binding;
            *type = software[i].type;
            return 0;
        }
    }
    f->binding = BIND_PARAMETER;
    f->parameter = template_param(s->hardware, key->key);
    if (f->parameter < 0) {
        return unknown_key(s, key, d);
    }
    study_param_type(s, f->parameter, type);
    return 0;
}

static int read_family(struct study *s, const struct node *node, struct diags *d)
{
    struct study_family *f = &s->family[s->n_families];
    struct domain_type type;
    struct domain domain;
    f->slot = -1;
    if (find_target(s, node, f, &type, d) < 0 || domain_read(node, &type, &domain, d) < 0) {
        return -1;
    }
    f->per = (enum per)domain.per;
    if (f->binding == BIND_PARAMETER && f->per != PER_NETWORK) {
        mem_free(domain.level);
        return diags_error(d, domain.per_node->mark, NULL,
                           "'%s' is a hardware parameter: it has one value, not one per block or layer", node->key);
    }
    if ((f->binding == BIND_MAPPING_GOAL || f->binding == BIND_KV_BITS || f->binding == BIND_FUSION) &&
        f->per != PER_NETWORK) {
        mem_free(domain.level);
        return diags_error(d, domain.per_node->mark, NULL, "'%s' holds for the whole network", node->key);
    }
    f->name = mem_strdup(node->key);
    f->kind = type.kind;
    f->dim = type.dim;
    f->n_levels = domain.n;
    f->level = domain.level;
    s->quantized |= f->binding == BIND_W_FORMAT || f->binding == BIND_W_PER || f->binding == BIND_W_GROUP;
    add_variables(s, f, &domain);
    s->n_families++;
    if (f->count == 0 && s->network != NULL) {
        return diags_error(d, node->key_mark, NULL, "no block of '%s' has bits that '%s' may set", s->network->name,
                           node->key);
    }
    return 0;
}

/* `bits` sets both widths, so it excludes the other two. */
static int check_bits(const struct node *space, struct diags *d)
{
    const struct node *both = node_get(space, "bits");
    const struct node *w = node_get(space, "w_bits"), *a = node_get(space, "a_bits");
    if (both != NULL && (w != NULL || a != NULL)) {
        return diags_error(d, (w ? w : a)->key_mark, "leave out one of them",
                           "'bits' sets weights and activations together and excludes '%s'", (w ? w : a)->key);
    }
    return 0;
}

int study_read_space(struct study *s, const struct node *space, struct diags *d)
{
    if (space->kind != NODE_MAPPING || space->n_children == 0) {
        return diags_error(d, space->mark, "write 'name: [values]' for each variable",
                           "'space' needs at least one variable");
    }
    int bad = 0;
    s->family = mem_calloc((size_t)space->n_children, sizeof *s->family);
    for (int i = 0; i < space->n_children; i++) {
        bad |= read_family(s, &space->child[i], d);
    }
    return (check_bits(space, d) | bad) ? -1 : 0;
}

static void add_symbol(struct study *s, struct symbol symbol)
{
    symbol.slot = s->n_slots;
    s->symbol[s->n_slots++] = symbol;
}

static void make_symbols(struct study *s)
{
    s->symbol = mem_calloc((size_t)(s->n_params + s->n_families + METRIC_COUNT), sizeof *s->symbol);
    for (int i = 0; i < s->n_params; i++) {
        struct domain_type t;
        study_param_type(s, i, &t);
        add_symbol(s, (struct symbol){
                          .name = t.name, .kind = t.kind, .dim = t.dim, .labels = t.labels, .n_labels = t.n_labels});
    }
    for (int i = 0; i < s->n_families; i++) {
        struct study_family *f = &s->family[i];
        if (f->binding == BIND_PARAMETER) {
            f->slot = f->parameter;
        } else if (f->per == PER_NETWORK || f->kind == VALUE_NUMBER) {
            f->slot = s->n_slots;
            int n;
            const char *const *labels = study_labels(s, f, &n);
            struct strbuf name = STRBUF_INIT;
            strbuf_addf(&name, f->per == PER_NETWORK ? "%s" : "%s_mean", f->name);
            f->symbol_name = strbuf_detach(&name);
            add_symbol(s, (struct symbol){
                              .name = f->symbol_name, .kind = f->kind, .dim = f->dim, .labels = labels, .n_labels = n});
        }
    }
    s->first_metric = s->n_slots;
    for (int i = 0; i < METRIC_COUNT; i++) {
        add_symbol(s, (struct symbol){.name = metrics[i].name, .kind = VALUE_NUMBER, .dim = metrics[i].dim});
    }
}

static struct study_family *family_of(struct study *s, const char *name)
{
    for (int i = 0; i < s->n_families; i++) {
        if (strcmp(s->family[i].name, name) == 0) {
            return &s->family[i];
        }
    }
    return NULL;
}

/* A condition may use the template's fixed parameters and what varies before it, so that activity is settled in one pass. */
static int bind_condition(struct study *s, struct study_family *f, const struct node *when, struct diags *d)
{
    if (when->kind != NODE_SCALAR) {
        return diags_error(d, when->mark, NULL, "'when' is one expression");
    }
    struct scope scope = {s->symbol, s->first_metric, "parameter"};
    f->when = expr_parse(when->text, when->mark, &scope, d);
    if (f->when == NULL) {
        return -1;
    }
    if (expr_kind(f->when) != VALUE_BOOL) {
        return diags_error(d, when->mark, "compare it with something", "the condition of '%s' is no yes-or-no question",
                           f->name);
    }
    for (int i = (int)(f - s->family); i < s->n_families; i++) {
        const struct study_family *later = &s->family[i];
        if (later->slot >= 0 && expr_uses(f->when, later->slot)) {
            return diags_error(d, when->mark, "put the variable that it depends on first",
                               "the condition of '%s' uses '%s', which does not stand before it", f->name, later->name);
        }
    }
    return 0;
}

int study_bind_conditions(struct study *s, const struct node *space, struct diags *d)
{
    int bad = 0;
    make_symbols(s);
    for (int i = 0; i < space->n_children; i++) {
        struct study_family *f = family_of(s, space->child[i].key);
        const struct node *when = node_get(&space->child[i], "when");
        if (f != NULL && when != NULL) {
            bad |= bind_condition(s, f, when, d);
        }
    }
    s->space.active = variable_active;
    s->space.ctx = s;
    return bad ? -1 : 0;
}
