/* The whole of a set of Timeloop files; the accelerator in words; what is written from it. */
#include "experiments/timeloop.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "experiments/timeloop_read.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Every tensor of the role must be named, or the level is free to hold it or not. */
static enum keep keep_rule(const struct timeloop_level *l, const struct einsum *e, enum tensor_role role)
{
    int kept = 0, bypassed = 0, all = 0;
    for (int t = 0; t < e->n_tensors; t++) {
        if (e->tensor[t].role != role) {
            continue;
        }
        all++;
        for (int i = 0; i < l->n_keep; i++) {
            kept += strcmp(l->keep[i], e->tensor[t].name) == 0;
        }
        for (int i = 0; i < l->n_bypass; i++) {
            bypassed += strcmp(l->bypass[i], e->tensor[t].name) == 0;
        }
    }
    return all == 0                                         ? KEEP_FREE
           : kept == all                                    ? KEEP_ALWAYS
           : bypassed == all || (l->only_keep && kept == 0) ? KEEP_NEVER
                                                            : KEEP_FREE;
}

/* Hz; 12 digits, so that 1 / 1e-9 is 1e9. */
static double timeloop_clock(const struct timeloop_arch *a)
{
    char text[32];
    snprintf(text, sizeof text, "%.12g", 1 / a->cycle_s);
    return strtod(text, NULL);
}

static int set_instances(struct accelerator *out, struct err *err)
{
    int64_t n = 1;
    for (int l = out->n_levels - 1; l >= 0; l--) {
        struct level *level = &out->level[l];
        level->instances = n;
        if (__builtin_mul_overflow(n, level->fanout_x, &n) || __builtin_mul_overflow(n, level->fanout_y, &n)) {
            return err_set(err, ERR_DATA, "too many instances below '%s'", level->name);
        }
    }
    out->mac.instances = n;
    return 0;
}

static int make_accelerator(const struct timeloop_arch *a, const struct einsum *e, struct accelerator *out,
                            struct err *err)
{
    static const enum level_kind kind[] = {LEVEL_DRAM, LEVEL_SRAM, LEVEL_REGFILE};
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", a->name);
    out->n_levels = a->n_levels;
    for (int l = 0; l < a->n_levels; l++) {
        const struct timeloop_level *from = &a->level[l];
        struct level *to = &out->level[l];
        int64_t block = from->width / from->datawidth;
        snprintf(to->name, sizeof to->name, "%s", from->name);
        to->kind = kind[from->class];
        to->capacity_bits = from->depth ? from->depth * block / from->buffering : INT64_MAX;
        to->buffering = 1; /* what the other buffer holds is gone from the capacity */
        to->fanout_x = from->fan_x;
        to->fanout_y = from->fan_y;
        to->word_bits = (int)block;
        to->read_bits_per_cycle = from->read_words;
        to->write_bits_per_cycle = from->write_words;
        to->shared_bits_per_cycle = from->shared_words;
        for (int role = 0; role < TENSOR_ROLE_COUNT && l < a->n_levels - 1; role++) {
            to->keep[role] = keep_rule(from, e, (enum tensor_role)role);
        }
        snprintf(to->source, sizeof to->source, "a Timeloop architecture file has no energies");
    }
    out->mac.w_bits = out->mac.a_bits = out->mac.acc_bits = 1;
    out->clock_hz = out->mac.max_hz = timeloop_clock(a);
    out->voltage_v = 1;
    out->cores = 1;
    out->core_level = -1;
    snprintf(out->mac.source, sizeof out->mac.source, "a Timeloop architecture file has no energies");
    return set_instances(out, err);
}

/* The parts of all files by their top-level keys. */
struct parts {
    const struct node *problem, *arch, *mapping;
};

static void take_part(const struct node **part, const struct node *v, struct diags *d)
{
    if (*part) {
        diags_error(d, v->key_mark, NULL, "a second '%s'", v->key);
        diags_note(d, (*part)->key_mark, NULL, "the first is here");
        return;
    }
    *part = v;
}

static void sort_parts(const struct node *root, struct parts *parts, struct diags *d)
{
    if (root->kind != NODE_MAPPING) {
        diags_error(d, root->mark, NULL, "a Timeloop file has 'problem', 'architecture' or 'mapping' at its top");
        return;
    }
    for (int i = 0; i < root->n_children; i++) {
        const struct node *v = &root->child[i];
        size_t len = strlen(v->key);
        if (strcmp(v->key, "problem") == 0) {
            take_part(&parts->problem, v, d);
        } else if (strcmp(v->key, "architecture") == 0) {
            take_part(&parts->arch, v, d);
        } else if (strcmp(v->key, "mapping") == 0) {
            take_part(&parts->mapping, v, d);
        } else if (strcmp(v->key, "arch") == 0) {
            diags_error(d, v->key_mark, "only v0.4 is read", "'arch' is CoSA's own form of an architecture");
        } else if (len < 7 || strcmp(v->key + len - 7, "_ignore") != 0) { /* "problem_base_ignore" only holds anchors */
            diags_warning(d, v->key_mark, NULL, "'%s' is left out", v->key);
        }
    }
}

static void read_parts(const struct parts *parts, struct timeloop *out, struct diags *d)
{
    struct err err = ERR_INIT;
    int errors = d->n_errors;
    if (parts->problem) {
        out->has_problem = timeloop_read_problem(parts->problem, &out->einsum, d) == 0;
    }
    if (parts->arch && timeloop_read_arch(parts->arch, &out->arch, d) == 0) {
        out->has_arch = make_accelerator(&out->arch, &out->einsum, &out->accelerator, &err) == 0;
        if (!out->has_arch) {
            diags_error(d, parts->arch->key_mark, NULL, "%s", err.text);
        }
    }
    if (parts->mapping && d->n_errors == errors) {
        if (!parts->problem || !parts->arch) {
            diags_error(d, parts->mapping->key_mark, "name all three files",
                        "a mapping is read together with its problem and its architecture");
            return;
        }
        out->has_mapping = timeloop_read_mapping(parts->mapping, out, d) == 0;
    }
}

int timeloop_read(const char *const *paths, int n, struct timeloop *out, struct diags *d)
{
    struct doc **docs = mem_calloc((size_t)n, sizeof *docs);
    struct parts parts = {NULL, NULL, NULL};
    memset(out, 0, sizeof *out);
    for (int i = 0; i < n; i++) {
        docs[i] = timeloop_load(paths[i], d);
        if (docs[i]) {
            sort_parts(&docs[i]->root, &parts, d);
        }
    }
    if (d->n_errors == 0 && !parts.problem && !parts.arch && !parts.mapping) {
        diags_error(d, (struct mark){NULL, 0, 0, 0}, NULL, "no 'problem', 'architecture' or 'mapping' in '%s'",
                    n ? paths[0] : "");
    }
    if (d->n_errors == 0) {
        read_parts(&parts, out, d);
    }
    for (int i = 0; i < n; i++) {
        doc_free(docs[i]);
    }
    mem_free(docs);
    return d->n_errors ? -1 : 0;
}

/* ---- a template */

int timeloop_role(const struct einsum *e, const char *name, struct err *err)
{
    for (int t = 0; e && t < e->n_tensors; t++) {
        if (strcmp(e->tensor[t].name, name) == 0) {
            return (int)e->tensor[t].role;
        }
    }
    for (int role = 0; role < TENSOR_ROLE_COUNT; role++) {
        if (strcasecmp(name, tensor_role_names[role]) == 0) {
            return role;
        }
    }
    return err_set(err, ERR_DATA, "'%s' is none of weights, inputs, outputs: name the problem's file too", name);
}

/* keep: [..] and bypass: [..] of a level. */
static int write_roles(const struct timeloop_level *l, const struct einsum *e, struct strbuf *out, struct err *err)
{
    unsigned said[2] = {0, 0};
    for (int i = 0; i < l->n_keep + l->n_bypass; i++) {
        bool bypass = i >= l->n_keep;
        int role = timeloop_role(e, bypass ? l->bypass[i - l->n_keep] : l->keep[i], err);
        if (role < 0) {
            return -1;
        }
        said[bypass] |= 1u << role;
    }
    if (l->only_keep) {
        said[1] = ((1u << TENSOR_ROLE_COUNT) - 1) & ~said[0];
    }
    for (int side = 0; side < 2; side++) {
        int n = 0;
        for (int role = 0; role < TENSOR_ROLE_COUNT; role++) {
            if (said[side] >> role & 1 && !(said[1 - side] >> role & 1)) {
                strbuf_addf(out, "%s%s", n++ ? ", " : side ? ", bypass: [" : ", keep: [", tensor_role_names[role]);
            }
        }
        strbuf_adds(out, n ? "]" : "");
    }
    return 0;
}

static void write_bandwidth(const struct timeloop_level *l, struct strbuf *out)
{
    const struct {
        const char *name;
        double words;
    } port[] = {{"read", l->read_words}, {"write", l->write_words}, {"shared", l->shared_words}};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        if (!isinf(port[i].words)) {
            strbuf_addf(out, "%s%s: %.17gbit", n++ ? ", " : ", bandwidth: {", port[i].name,
                        port[i].words * (double)l->datawidth);
        }
    }
    strbuf_adds(out, n ? "}" : "");
}

static int write_level(const struct timeloop_level *l, bool outermost, const struct einsum *e, struct strbuf *out,
                       struct err *err)
{
    static const char *const class[] = {"dram", "sram", "regfile"};
    strbuf_addf(out, "  - {name: %s, class: %s", l->name, class[l->class]);
    if (l->class == TIMELOOP_DRAM) {
        strbuf_addf(out, ", kind: %s", *l->dram_type ? l->dram_type : "LPDDR4");
    } else if (l->depth == 0) {
        return err_set(err, ERR_DATA, "'%s' has no depth: a template needs a size", l->name);
    } else {
        strbuf_addf(out, ", size: %lldbit", (long long)(l->depth * l->width));
    }
    strbuf_addf(out, ", width: %lldbit", (long long)l->width);
    if (l->banks > 1 && l->class == TIMELOOP_SRAM) {
        strbuf_addf(out, ", banks: %lld", (long long)l->banks);
    }
    if (l->buffering > 1) {
        strbuf_addf(out, ", buffering: %lld", (long long)l->buffering);
    }
    write_bandwidth(l, out);
    if (!outermost && write_roles(l, e, out, err)) {
        return -1;
    }
    if (timeloop_write_zeros(l, e, out, err)) {
        return -1;
    }
    if (l->fan_x > 1 || l->fan_y > 1) {
        strbuf_addf(out, ", fanout: {x: %lld, y: %lld}", (long long)l->fan_x, (long long)l->fan_y);
    }
    strbuf_adds(out, "}\n");
    return 0;
}

/* Dimensions that may be unrolled along one axis below a level: what all its meshes
 * along that axis leave free. */
static void write_axis(const struct timeloop_arch *a, int level, enum axis axis, struct strbuf *out)
{
    const char *said[TIMELOOP_ARRAYS * EINSUM_DIMS];
    int n = 0;
    bool any = true;
    strbuf_addf(out, "%s: ", axis == AXIS_X ? "x" : "y");
    for (int i = 0; i < a->n_arrays; i++) {
        const struct timeloop_array *array = &a->array[i];
        bool x = axis == AXIS_X;
        if (array->above != level || (x ? array->x : array->y) == 1 || (x ? array->x_any : array->y_any)) {
            continue;
        }
        any = false;
        for (int k = 0; k < (x ? array->n_x : array->n_y); k++) {
            const char *dim = x ? array->x_dim[k] : array->y_dim[k];
            int s = 0;
            while (s < n && strcmp(said[s], dim) != 0) {
                s++;
            }
            if (s == n) {
                strbuf_addf(out, "%s%s", n ? ", " : "[", dim);
                said[n++] = dim;
            }
        }
    }
    strbuf_adds(out, any ? "any" : n ? "]" : "[]");
}

static void write_dataflow(const struct timeloop_arch *a, struct strbuf *out)
{
    int n = 0;
    for (int l = a->n_levels - 1; l >= 0; l--) {
        bool constrained = false;
        for (int i = 0; i < a->n_arrays; i++) {
            constrained = constrained || (a->array[i].above == l && !(a->array[i].x_any && a->array[i].y_any));
        }
        if (!constrained) {
            continue;
        }
        strbuf_addf(out, n++ ? ", %s: {" : "\ndataflows:\n  imported: {stationary: none, spatial: {%s: {",
                    a->level[l].name);
        write_axis(a, l, AXIS_X, out);
        strbuf_adds(out, ", ");
        write_axis(a, l, AXIS_Y, out);
        strbuf_adds(out, "}");
    }
    strbuf_adds(out, n ? "}}\n" : "");
}

int timeloop_template(const struct timeloop_arch *a, const struct einsum *e, struct strbuf *out, struct err *err)
{
    strbuf_adds(
        out,
        "# Imported from a Timeloop v0.4 architecture. Energies, areas and leakage come from Dovetail's own tables.\n");
    strbuf_addf(out, "template: %s\nsummary: imported from Timeloop\n\ntechnology: %s\nclock: ", a->name,
                *a->technology ? a->technology : "45nm");
    quantity_print_exact(timeloop_clock(a), DIM_FREQUENCY, out);
    strbuf_adds(out, "\n\nlevels:\n");
    for (int l = a->n_levels - 1; l >= 0; l--) {
        if (write_level(&a->level[l], l == a->n_levels - 1, e, out, err)) {
            return -1;
        }
    }
    strbuf_addf(out, "\nmac: {kind: fixed, w_bits: %lld, a_bits: %lld, acc_bits: %lld", (long long)a->multiplier_bits,
                (long long)a->multiplier_bits, (long long)a->adder_bits);
    if (timeloop_write_mac_zeros(a, e, out, err)) {
        return -1;
    }
    strbuf_adds(out, "}\nvector: {lanes: 1}\n");
    write_dataflow(a, out);
    return 0;
}

/* ---- a case */

static json_t *case_workload(const struct einsum *e)
{
    json_t *dims = json_object(), *tensors = json_array();
    for (int d = 0; d < e->n_dims; d++) {
        json_object_set_new(dims, e->dim[d], json_integer(e->bound[d]));
    }
    for (int t = 0; t < e->n_tensors; t++) {
        const struct einsum_tensor *tensor = &e->tensor[t];
        json_t *proj = json_array();
        for (int r = 0; r < tensor->n_ranks; r++) {
            json_t *rank = json_array();
            for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                json_array_append_new(rank, json_pack("[s, I]", e->dim[tensor->rank[r].term[i].dim],
                                                      (json_int_t)tensor->rank[r].term[i].coef));
            }
            json_array_append_new(proj, rank);
        }
        json_array_append_new(tensors,
                              json_pack("{s:s, s:i, s:o}", "name", tensor->name, "rw", tensor->output, "proj", proj));
    }
    return json_pack("{s:o, s:o}", "dims", dims, "tensors", tensors);
}

static json_t *number_or_null(double x)
{
    return isinf(x) ? json_null() : json_real(x);
}

static json_t *case_arch(const struct accelerator *a)
{
    json_t *levels = json_array();
    int64_t mesh = 1;
    for (int l = a->n_levels - 1; l >= 0; l--) {
        const struct level *from = &a->level[l];
        json_t *level = json_pack("{s:s, s:o, s:I, s:I, s:i, s:i, s:o, s:o, s:o, s:b}", "name", from->name, "entries",
                                  from->capacity_bits == INT64_MAX ? json_null() : json_integer(from->capacity_bits),
                                  "instances", (json_int_t)from->instances, "meshX", (json_int_t)mesh, "energy_pj", 0,
                                  "block", from->word_bits, "read_bw", number_or_null(from->read_bits_per_cycle),
                                  "write_bw", number_or_null(from->write_bits_per_cycle), "shared_bw",
                                  number_or_null(from->shared_bits_per_cycle), "dram", from->kind == LEVEL_DRAM);
        json_array_insert_new(levels, 0, level);
        mesh *= from->fanout_x;
    }
    return json_pack("{s:{s:I, s:I, s:i}, s:o}", "mac", "instances", (json_int_t)a->mac.instances, "meshX",
                     (json_int_t)mesh, "energy_pj", 0, "levels", levels);
}

static json_t *case_mapping(const struct timeloop *t)
{
    json_t *levels = json_array();
    for (int l = 0; l < t->mapping.n_levels; l++) {
        const struct mapping_level *ml = &t->mapping.level[l];
        json_t *keep = json_array(), *temporal = json_array(), *spatial = json_array();
        for (int k = 0; k < t->einsum.n_tensors; k++) {
            if (ml->keep >> k & 1) {
                json_array_append_new(keep, json_string(t->einsum.tensor[k].name));
            }
        }
        for (int i = 0; i < ml->n_temporal; i++) {
            json_array_append_new(
                temporal, json_pack("[s, I]", t->einsum.dim[ml->temporal[i].dim], (json_int_t)ml->temporal[i].bound));
        }
        for (int i = 0; i < ml->n_spatial; i++) {
            json_array_append_new(spatial, json_pack("[s, I, s]", t->einsum.dim[ml->spatial[i].dim],
                                                     (json_int_t)ml->spatial[i].bound,
                                                     ml->spatial[i].axis == AXIS_X ? "X" : "Y"));
        }
        json_array_append_new(levels, json_pack("{s:s, s:o, s:o, s:o}", "level", t->arch.level[l].name, "keep", keep,
                                                "temporal", temporal, "spatial", spatial));
    }
    return levels;
}

void timeloop_case(const struct timeloop *t, const char *id, struct strbuf *out)
{
    json_t *root = json_pack("{s:s, s:o, s:o, s:o}", "id", id, "workload", case_workload(&t->einsum), "arch",
                             case_arch(&t->accelerator), "mapping", case_mapping(t));
    char *text = json_dumps(root, JSON_COMPACT);
    strbuf_adds(out, text);
    strbuf_adds(out, "\n");
    free(text);
    json_decref(root);
}
