/* From the nodes of a template file to expressions and plain values: levels, MAC, vector unit, dataflows. Every error is reported. */
#include "hw/template_impl.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <string.h>

/* A number of dimension `dim` (or `also`, when given) over the parameters; NULL when absent or wrong. */
static struct expr *number(struct template *t, const struct node *node, const char *what, struct dim dim,
                           const struct dim *also, struct diags *d)
{
    if (node == NULL) {
        return NULL;
    }
    if (node->kind != NODE_SCALAR) {
        diags_error(d, node->mark, NULL, "%s is not a single value", what);
        return NULL;
    }
    struct expr *e = expr_parse(node->text, node->mark, &t->scope, d);
    if (e == NULL) {
        return NULL;
    }
    if (expr_kind(e) == VALUE_NUMBER &&
        (dim_equal(expr_dim(e), dim) || (also != NULL && dim_equal(expr_dim(e), *also)))) {
        return e;
    }
    char need[64], help[128];
    dim_name(dim, need, sizeof need);
    snprintf(help, sizeof help, "units: %s", dim_units(dim));
    diags_error(d, node->mark, dim_units(dim)[0] != '\0' ? help : NULL, "%s must be %s", what,
                dim_equal(dim, DIM_ONE) ? "a plain number" : need);
    expr_free(e);
    return NULL;
}

static struct expr *condition(struct template *t, const struct node *node, struct diags *d)
{
    if (node == NULL) {
        return NULL;
    }
    struct expr *e = node->kind == NODE_SCALAR ? expr_parse(node->text, node->mark, &t->scope, d) : NULL;
    if (node->kind != NODE_SCALAR || (e != NULL && expr_kind(e) != VALUE_BOOL)) {
        diags_error(d, node->mark, "for instance: hierarchy == shared_l2", "'when' is not a condition");
        expr_free(e);
        return NULL;
    }
    return e;
}

static void no_such_word(const struct node *at, const char *what, const char *word, const char *const *words, int n,
                         struct diags *d)
{
    struct strbuf help = STRBUF_INIT;
    const char *near = suggest(word, words, n);
    if (near != NULL) {
        strbuf_addf(&help, "did you mean '%s'?", near);
    } else {
        for (int i = 0; i < n; i++) {
            strbuf_addf(&help, "%s%s", i ? ", " : "known: ", words[i]);
        }
    }
    diags_error(d, at->mark, strbuf_str(&help), "no %s '%s'", what, word);
    strbuf_release(&help);
}

/* A word out of `words`, or the name of a choice parameter whose labels all are. */
static struct label word(struct template *t, const struct node *node, const char *what, const char *const *words, int n,
                         struct diags *d)
{
    struct label l = {-1, NULL};
    if (node == NULL) {
        return l;
    }
    if (node->kind != NODE_SCALAR) {
        diags_error(d, node->mark, NULL, "%s is not a single word", what);
        return l;
    }
    int p = template_param(t, node->text);
    if (p < 0) {
        l.text = mem_strdup(node->text);
    } else if (t->param[p].type == PARAM_CHOICE) {
        l.param = p;
    } else {
        diags_error(d, node->mark, NULL, "parameter '%s' is no choice of a %s", node->text, what);
        return l;
    }
    for (int i = 0; i < (p < 0 ? 1 : t->param[p].n_labels); i++) {
        const char *text = p < 0 ? l.text : t->param[p].labels[i];
        bool found = false;
        for (int k = 0; k < n; k++) {
            found = found || strcmp(words[k], text) == 0;
        }
        if (!found) {
            no_such_word(node, what, text, words, n, d);
        }
    }
    return l;
}

static void read_roles(struct level_plan *l, const struct node *list, enum keep keep, struct diags *d)
{
    if (list == NULL) {
        return;
    }
    int n = list->kind == NODE_SEQUENCE ? list->n_children : 1;
    for (int i = 0; i < n; i++) {
        const struct node *item = list->kind == NODE_SEQUENCE ? &list->child[i] : list;
        const char *text = item->kind == NODE_SCALAR ? item->text : "";
        bool found = false;
        for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
            if (strcmp(text, "all") != 0 && strcmp(text, tensor_role_names[r]) != 0) {
                continue;
            }
            found = true;
            if (l->keep[r] != KEEP_FREE) {
                diags_error(d, item->mark, NULL, "'%s' is named twice in level '%s'", tensor_role_names[r], l->name);
            }
            l->keep[r] = keep;
        }
        if (!found) {
            no_such_word(item, "tensor", text, tensor_role_names, TENSOR_ROLE_COUNT, d);
        }
    }
}

/* Operands as bits. */
static uint32_t read_operands(const struct node *list, const char *what, struct diags *d)
{
    uint32_t set = 0;
    int n = list == NULL ? 0 : list->kind == NODE_SEQUENCE ? list->n_children : 1;
    for (int i = 0; i < n; i++) {
        const struct node *item = list->kind == NODE_SEQUENCE ? &list->child[i] : list;
        const char *text = item->kind == NODE_SCALAR ? item->text : "";
        int r = 0;
        while (r < TENSOR_OUTPUTS && strcmp(text, tensor_role_names[r]) != 0) {
            r++;
        }
        if (r == TENSOR_OUTPUTS) {
            no_such_word(item, what, text, tensor_role_names, TENSOR_OUTPUTS, d);
        } else {
            set |= 1u << r;
        }
    }
    return set;
}

static void read_zeros(struct template *t, struct sparse_plan *p, const struct node *node, int role, struct diags *d)
{
    struct sparse_file f = {.occupancy = OCCUPANCY_WORST};
    if (schema_read(&sparse_schema, node, &f, NULL, d) < 0) {
        return;
    }
    p->format = word(t, f.format, "format", sparse_format_names, SPARSE_FORMAT_COUNT, d);
    p->field = number(t, f.field, "the field", DIM_DATA, NULL, d);
    p->expected = f.occupancy == OCCUPANCY_EXPECTED;
    p->gate = read_operands(f.gate, "operand to wait for", d);
    p->skip = read_operands(f.skip, "operand to wait for", d);
    if ((p->gate | p->skip) >> role & 1) {
        diags_error(d, node->mark, "zeros of its own a tensor leaves out by a format", "%s cannot wait for themselves",
                    tensor_role_names[role]);
    }
}

static void read_sparse(struct template *t, struct level_plan *l, const struct node *map, struct diags *d)
{
    if (map != NULL && map->kind != NODE_MAPPING) {
        diags_error(d, map->mark, "write {inputs: {format: bitmask}}", "'sparse' is not a mapping of tensors");
        return;
    }
    for (int i = 0; map != NULL && i < map->n_children; i++) {
        const struct node *c = &map->child[i];
        int r = 0;
        while (r < TENSOR_ROLE_COUNT && strcmp(c->key, tensor_role_names[r]) != 0) {
            r++;
        }
        if (r == TENSOR_ROLE_COUNT) {
            struct node at = {.mark = c->key_mark};
            no_such_word(&at, "tensor", c->key, tensor_role_names, TENSOR_ROLE_COUNT, d);
            continue;
        }
        read_zeros(t, &l->sparse[r], c, r, d);
    }
}

static void read_bandwidth(struct template *t, struct level_plan *l, const struct node *node, struct diags *d)
{
    struct bandwidth_file f = {NULL, NULL, NULL};
    if (node == NULL) {
        return;
    }
    if (node->kind == NODE_MAPPING) {
        schema_read(&bandwidth_schema, node, &f, NULL, d);
    } else {
        f.shared = node;
    }
    l->read = number(t, f.read, "the read bandwidth", DIM_BANDWIDTH, &DIM_DATA, d);
    l->write = number(t, f.write, "the write bandwidth", DIM_BANDWIDTH, &DIM_DATA, d);
    l->shared = number(t, f.shared, "the bandwidth", DIM_BANDWIDTH, &DIM_DATA, d);
}

static void require_sizes(const struct level_plan *l, const struct level_file *f, const struct node *at,
                          struct diags *d)
{
    if (l->class == CLASS_DRAM && f->size != NULL) {
        diags_error(d, f->size->key_mark, NULL, "level '%s' is dram: its size is unbounded", l->name);
    }
    if (l->class == CLASS_DRAM && (f->kind == NULL || f->bandwidth == NULL)) {
        diags_error(d, at->mark, NULL, "level '%s' is dram: it needs a kind and a bandwidth", l->name);
    }
    if (l->class != CLASS_DRAM && (f->size == NULL || f->width == NULL)) {
        diags_error(d, at->mark, NULL, "level '%s' needs a size and a width", l->name);
    }
    if (l->class != CLASS_DRAM && f->kind != NULL) {
        diags_error(d, f->kind->key_mark, NULL, "level '%s' is not dram: it has no kind", l->name);
    }
    if (l->class != CLASS_SRAM && f->banks != NULL) {
        diags_error(d, f->banks->key_mark, NULL, "level '%s' is not sram: it has no banks", l->name);
    }
}

static void read_level(struct template *t, const struct node *node, struct diags *d)
{
    struct level_file f = {.class = CLASS_SRAM, .network = NETWORK_TREE};
    if (schema_read(&level_schema, node, &f, NULL, d) < 0) {
        mem_free(f.name);
        return;
    }
    struct level_plan *l = &t->level[t->n_levels++];
    *l = (struct level_plan){.class = (enum level_class)f.class,
                             .network = (enum network)f.network,
                             .links = f.links,
                             .cores = f.cores,
                             .kind = {-1, NULL}};
    if (f.links && l->network != NETWORK_MESH) {
        diags_error(d, node->mark, NULL, "level '%s' has links, so its network must be a mesh", f.name);
    }
    snprintf(l->name, sizeof l->name, "%s", f.name);
    mem_free(f.name);
    for (int i = 0; i < t->n_levels - 1; i++) {
        if (strcmp(t->level[i].name, l->name) == 0) {
            diags_error(d, node->mark, NULL, "two levels are called '%s'", l->name);
        }
    }
    require_sizes(l, &f, node, d);
    const char *kinds[64];
    int n_kinds = 0;
    for (int i = 0; i < t->tables->n_dram && i < 64; i++) {
        kinds[n_kinds++] = t->tables->dram[i].kind;
    }
    l->kind = word(t, f.kind, "kind of DRAM", kinds, n_kinds, d);
    l->when = condition(t, f.when, d);
    l->size = number(t, f.size, "the size", DIM_DATA, NULL, d);
    l->width = number(t, f.width, "the width", DIM_DATA, NULL, d);
    l->banks = number(t, f.banks, "the number of banks", DIM_ONE, NULL, d);
    l->buffering = number(t, f.buffering, "the buffering", DIM_ONE, NULL, d);
    read_bandwidth(t, l, f.bandwidth, d);
    read_roles(l, f.keep, KEEP_ALWAYS, d);
    read_roles(l, f.bypass, KEEP_NEVER, d);
    for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
        l->sparse[r].format = (struct label){-1, NULL};
    }
    read_sparse(t, l, f.sparse, d);
    l->link = number(t, f.link, "the link", DIM_DATA, NULL, d);
    struct fanout_file fan = {NULL, NULL};
    if (f.fanout != NULL && schema_read(&fanout_schema, f.fanout, &fan, NULL, d) == 0) {
        l->fan_x = number(t, fan.x, "the fan-out", DIM_ONE, NULL, d);
        l->fan_y = number(t, fan.y, "the fan-out", DIM_ONE, NULL, d);
    }
}

static void read_levels(struct template *t, const struct node *node, struct diags *d)
{
    if (node->kind != NODE_SEQUENCE || node->n_children == 0) {
        diags_error(d, node->mark, "outermost first: - {name: DRAM, class: dram, ...}", "'levels' is not a list");
        return;
    }
    if (node->n_children > PLAN_LEVELS) {
        diags_error(d, node->mark, NULL, "%d levels are too many: at most %d", node->n_children, PLAN_LEVELS);
        return;
    }
    int cores = 0;
    for (int i = 0; i < node->n_children; i++) {
        read_level(t, &node->child[i], d);
        cores += t->n_levels > 0 && t->level[t->n_levels - 1].cores;
    }
    if (cores > 1) {
        diags_error(d, node->mark, NULL, "'cores' is true for more than one level");
    }
}

/* Dimensions of one axis: a list of names, or "any" (-1). Absent: none. */
static int read_dims(const struct node *node, char dim[DATAFLOW_DIMS][8], struct diags *d)
{
    if (node == NULL) {
        return 0;
    }
    if (node->kind == NODE_SCALAR && strcmp(node->text, "any") == 0) {
        return -1;
    }
    if (node->kind != NODE_SEQUENCE || node->n_children > DATAFLOW_DIMS) {
        diags_error(d, node->mark, "write [K, C] or any", "not a list of at most %d dimensions", DATAFLOW_DIMS);
        return 0;
    }
    for (int i = 0; i < node->n_children; i++) {
        const struct node *c = &node->child[i];
        if (c->kind != NODE_SCALAR || strlen(c->text) >= 8 || c->text[0] == '\0') {
            diags_error(d, c->mark, NULL, "a dimension's name has 1 to 7 letters");
            return 0;
        }
        memcpy(dim[i], c->text, strlen(c->text) + 1);
    }
    return node->n_children;
}

static void read_spatial(struct template *t, struct dataflow_plan *p, const struct node *node, struct diags *d)
{
    const char *names[PLAN_LEVELS];
    for (int i = 0; i < t->n_levels; i++) {
        names[i] = t->level[i].name;
    }
    for (int k = 0; k < node->n_children; k++) {
        const struct node *c = &node->child[k];
        int l = 0;
        while (l < t->n_levels && strcmp(t->level[l].name, c->key) != 0) {
            l++;
        }
        if (l == t->n_levels) {
            struct node at = {.mark = c->key_mark};
            no_such_word(&at, "level", c->key, names, t->n_levels, d);
            continue;
        }
        struct spatial_file f = {NULL, NULL};
        if (schema_read(&spatial_schema, c, &f, NULL, d) == 0) {
            p->spatial[l].n_x = read_dims(f.x, p->spatial[l].x, d);
            p->spatial[l].n_y = read_dims(f.y, p->spatial[l].y, d);
        }
    }
}

static void read_dataflows(struct template *t, const struct node *node, struct diags *d)
{
    if (node->kind != NODE_MAPPING || node->n_children == 0) {
        diags_error(d, node->mark, NULL, "'dataflows' is not a mapping of names to unrollings");
        return;
    }
    t->dataflow = mem_calloc((size_t)node->n_children, sizeof *t->dataflow);
    for (int i = 0; i < node->n_children; i++) {
        const struct node *c = &node->child[i];
        struct dataflow_plan *p = &t->dataflow[t->n_dataflows++];
        snprintf(p->name, sizeof p->name, "%s", c->key);
        for (int l = 0; l < PLAN_LEVELS; l++) {
            p->spatial[l].n_x = p->spatial[l].n_y = -1;
        }
        struct dataflow_file f = {.stationary = TENSOR_ROLE_COUNT};
        if (schema_read(&dataflow_schema, c, &f, NULL, d) < 0) {
            continue;
        }
        p->stationary = (enum tensor_role)f.stationary;
        if (f.spatial != NULL && f.spatial->kind == NODE_MAPPING) {
            read_spatial(t, p, f.spatial, d);
        } else if (f.spatial != NULL) {
            diags_error(d, f.spatial->mark, "write {GLB: {x: [K], y: [C]}}", "'spatial' is not a mapping of levels");
        }
    }
}

static void read_compute(struct template *t, const struct template_file *f, struct diags *d)
{
    struct mac_file m = {.kind = NULL};
    if (f->mac != NULL && schema_read(&mac_schema, f->mac, &m, NULL, d) == 0) {
        if (m.w_bits == NULL || m.a_bits == NULL || m.acc_bits == NULL) {
            diags_error(d, f->mac->mark, NULL, "'mac' needs w_bits, a_bits and acc_bits");
        }
        t->mac_kind = word(t, m.kind, "kind of MAC", mac_kind_names, MAC_KIND_COUNT, d);
        t->w_bits = number(t, m.w_bits, "the weight width", DIM_ONE, NULL, d);
        t->a_bits = number(t, m.a_bits, "the activation width", DIM_ONE, NULL, d);
        t->acc_bits = number(t, m.acc_bits, "the accumulator width", DIM_ONE, NULL, d);
        t->mac_gate = read_operands(m.gate, "operand to wait for", d);
        t->mac_skip = read_operands(m.skip, "operand to wait for", d);
    }
    struct vector_file v = {NULL};
    if (f->vector != NULL && schema_read(&vector_schema, f->vector, &v, NULL, d) == 0) {
        t->lanes = number(t, v.lanes, "the number of lanes", DIM_ONE, NULL, d);
    }
}

static void need(const struct node *node, const char *key, const struct template *t, struct diags *d)
{
    if (node == NULL) {
        diags_error(d, (struct mark){0}, NULL, "template '%s' has no '%s'", t->name, key);
    }
}

void template_read_plan(struct template *t, const struct template_file *f, struct diags *d)
{
    need(f->technology, "technology", t, d);
    need(f->clock, "clock", t, d);
    need(f->levels, "levels", t, d);
    need(f->mac, "mac", t, d);
    const char *names[64];
    int n = 0;
    for (int i = 0; i < t->tables->n_nodes && i < 64; i++) {
        names[n++] = t->tables->node[i].name;
    }
    t->technology = word(t, f->technology, "technology", names, n, d);
    t->clock = number(t, f->clock, "the clock", DIM_FREQUENCY, NULL, d);
    t->voltage = number(t, f->voltage, "the voltage", DIM_VOLTAGE, NULL, d);
    struct overhead_file o = {f->overhead, f->overhead}; /* one number: for both */
    if (f->overhead != NULL && f->overhead->kind == NODE_MAPPING) {
        o = (struct overhead_file){NULL, NULL};
        schema_read(&overhead_schema, f->overhead, &o, NULL, d);
    }
    t->logic_overhead = number(t, o.logic, "the overhead", DIM_ONE, NULL, d);
    t->sram_overhead = number(t, o.sram, "the overhead", DIM_ONE, NULL, d);
    if (f->levels != NULL) {
        read_levels(t, f->levels, d);
    }
    read_compute(t, f, d);
    if (f->dataflows != NULL) {
        read_dataflows(t, f->dataflows, d);
    }
    n = 0;
    for (int i = 0; i < t->n_dataflows && i < 64; i++) {
        names[n++] = t->dataflow[i].name;
    }
    t->dataflow_choice = word(t, f->dataflow, "dataflow", names, n, d);
}
