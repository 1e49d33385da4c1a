/* From parameter values to an accelerator: active levels, fan-outs, components at the technology's voltage, areas bottom-up (a network's
 * wires are as long as the tiles below it are wide), totals. */
#include "base/strbuf.h"
#include "base/units.h"
#include "hw/component.h"
#include "hw/compute.h"
#include "hw/template_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct build {
    const struct template *t;
    const double *v;
    struct technology tech;
    double logic_overhead, sram_overhead;
    int plan_of[HW_LEVELS]; /* accelerator level (0 innermost) -> level of the file */
    double tile_mm2;        /* area of one child below the level in work: it and all inside */
    struct accelerator *a;
    struct err *err;
};

static const char *label_text(const struct build *b, const struct label *l)
{
    return l->param >= 0 ? b->t->param[l->param].labels[(int)b->v[l->param]] : l->text;
}

/* A whole number in [1, max] out of an expression; `fallback` when there is none. */
static int whole(const struct build *b, const struct expr *e, int64_t fallback, int64_t max, const char *level,
                 const char *what, int64_t *out)
{
    double x = e != NULL ? expr_eval(e, b->v) : (double)fallback;
    if (!(x >= 1 && x <= (double)max) || x != floor(x)) {
        return err_set(b->err, ERR_NO, "%s of '%s' is %.10g: it must be a whole number from 1 to %lld", what, level, x,
                       (long long)max);
    }
    *out = (int64_t)x;
    return 0;
}

static int bad_value(const struct template *t, const struct template_param *p, double v, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_addf(&text, "parameter '%s' of template '%s' is ", p->name, t->name);
    quantity_print(v, p->dim, &text);
    if (v >= p->min && v <= p->max) {
        strbuf_adds(&text, ": it must be a whole number");
    } else {
        strbuf_adds(&text, ": it lies outside ");
        quantity_print(p->min, p->dim, &text);
        strbuf_adds(&text, "..");
        quantity_print(p->max, p->dim, &text);
    }
    err_set(err, ERR_DATA, "%s", strbuf_str(&text));
    strbuf_release(&text);
    return -1;
}

static int check_values(const struct template *t, const double *v, struct err *err)
{
    for (int i = 0; i < t->n_params; i++) {
        const struct template_param *p = &t->param[i];
        bool integral = p->type != PARAM_REAL && p->type != PARAM_FREQUENCY && p->type != PARAM_BANDWIDTH &&
                        p->type != PARAM_VOLTAGE && p->type != PARAM_CAPACITY;
        if (!(v[i] >= p->min && v[i] <= p->max) || (integral && v[i] != floor(v[i]))) {
            return bad_value(t, p, v[i], err);
        }
    }
    return 0;
}

static int overhead(const struct build *b, const struct expr *e, double *out)
{
    *out = e != NULL ? expr_eval(e, b->v) : 1;
    if (!(*out >= 1 && *out <= 100)) {
        return err_set(b->err, ERR_NO, "an overhead of '%s' is %g: it must be from 1 to 100", b->t->name, *out);
    }
    return 0;
}

static int resolve_technology(struct build *b)
{
    const struct template *t = b->t;
    const struct mac *m = &b->a->mac;
    const char *node = label_text(b, &t->technology);
    double clock = expr_eval(t->clock, b->v);
    double depth = compute_mac_depth_fo4(t->tables, m->kind, m->w_bits, m->a_bits, m->acc_bits);
    if (t->voltage != NULL) {
        double v = expr_eval(t->voltage, b->v);
        return technology_at_voltage(t->tables, node, v, clock, depth, &b->tech, b->err);
    }
    return technology_at_clock(t->tables, node, clock, depth, &b->tech, b->err);
}

/* Adds the dimensions of `from` that `to` lacks; -1 (any) absorbs. */
static void unite(int *n, char to[DATAFLOW_DIMS][8], int n_from, const char from[DATAFLOW_DIMS][8])
{
    if (*n < 0 || n_from < 0) {
        *n = -1;
        return;
    }
    for (int i = 0; i < n_from; i++) {
        int k = 0;
        while (k < *n && strcmp(to[k], from[i]) != 0) {
            k++;
        }
        if (k == *n && *n < DATAFLOW_DIMS) {
            memcpy(to[(*n)++], from[i], sizeof from[i]);
        }
    }
}

static void add_spatial(struct build *b, const struct dataflow_plan *f, int level, int plan, bool first)
{
    struct dataflow *to = &b->a->dataflow;
    if (first || f == NULL) {
        to->spatial[level].n_x = to->spatial[level].n_y = f == NULL ? -1 : 0;
    }
    if (f != NULL) {
        unite(&to->spatial[level].n_x, to->spatial[level].x, f->spatial[plan].n_x, f->spatial[plan].x);
        unite(&to->spatial[level].n_y, to->spatial[level].y, f->spatial[plan].n_y, f->spatial[plan].y);
    }
}

static const struct dataflow_plan *chosen_dataflow(const struct build *b)
{
    const struct template *t = b->t;
    if (t->n_dataflows == 0) {
        return NULL;
    }
    const char *name = label_text(b, &t->dataflow_choice);
    for (int i = 0; name != NULL && i < t->n_dataflows; i++) {
        if (strcmp(t->dataflow[i].name, name) == 0) {
            return &t->dataflow[i];
        }
    }
    return &t->dataflow[0];
}

/* Which levels there are, their fan-outs and instances. A level that is left out gives its fan-out to the level above. */
static int lay_out(struct build *b)
{
    const struct template *t = b->t;
    struct accelerator *a = b->a;
    const struct dataflow_plan *f = chosen_dataflow(b);
    snprintf(a->dataflow.name, sizeof a->dataflow.name, "%s", f != NULL ? f->name : "any");
    a->dataflow.stationary = f != NULL ? f->stationary : TENSOR_ROLE_COUNT;
    bool active[PLAN_LEVELS];
    for (int i = 0; i < t->n_levels; i++) {
        active[i] = t->level[i].when == NULL || expr_eval(t->level[i].when, b->v) != 0;
        a->n_levels += active[i];
    }
    if (!active[0] || a->n_levels > HW_LEVELS) {
        return err_set(b->err, ERR_NO,
                       !active[0] ? "the outermost level '%s' is left out" : "too many levels with '%s'",
                       t->level[0].name);
    }
    a->core_level = -1;
    a->cores = 1;
    int at = a->n_levels;
    for (int i = 0; i < t->n_levels; i++) {
        const struct level_plan *p = &t->level[i];
        int64_t x, y;
        if (whole(b, p->fan_x, 1, 1 << 20, p->name, "the fan-out along x", &x) < 0 ||
            whole(b, p->fan_y, 1, 1 << 20, p->name, "the fan-out along y", &y) < 0) {
            return -1;
        }
        if (active[i]) {
            at--;
            b->plan_of[at] = i;
            a->level[at].fanout_x = a->level[at].fanout_y = 1;
        }
        add_spatial(b, f, at, i, active[i]);
        struct level *l = &a->level[at];
        if (p->cores) {
            if (l->fanout_x * l->fanout_y > 1) {
                return err_set(b->err, ERR_NO, "'%s' is left out, and '%s' has other children than cores", p->name,
                               l->name);
            }
            a->core_level = at;
            a->cores = x * y;
        }
        l->fanout_x *= x;
        l->fanout_y *= y;
    }
    int64_t instances = 1;
    for (int i = a->n_levels - 1; i >= 0; i--) {
        a->level[i].instances = instances;
        instances *= a->level[i].fanout_x * a->level[i].fanout_y;
        if (instances > (int64_t)1 << 31) {
            return err_set(b->err, ERR_NO, "more than 2^31 MAC units");
        }
    }
    a->mac.instances = instances;
    return 0;
}

/* Bandwidth in bits per cycle, from bit/s or from bits in a cycle. */
static double bits_per_cycle(const struct build *b, const struct expr *e, double fallback)
{
    if (e == NULL) {
        return fallback;
    }
    double x = expr_eval(e, b->v);
    return dim_equal(expr_dim(e), DIM_DATA) ? x : x / b->tech.clock_hz;
}

static int set_bandwidth(const struct build *b, const struct level_plan *p, struct level *l, double most)
{
    bool given = p->read != NULL || p->write != NULL || p->shared != NULL;
    l->read_bits_per_cycle = bits_per_cycle(b, p->read, INFINITY);
    l->write_bits_per_cycle = bits_per_cycle(b, p->write, INFINITY);
    l->shared_bits_per_cycle = bits_per_cycle(b, p->shared, given ? (double)INFINITY : most);
    const double all[] = {l->read_bits_per_cycle, l->write_bits_per_cycle, l->shared_bits_per_cycle};
    for (int i = 0; i < 3; i++) {
        if (isfinite(all[i]) && all[i] > most * (1 + 1e-9)) {
            return err_set(b->err, ERR_NO,
                           "'%s' is asked for %.6g bits a cycle, its banks give at "
                           "most %.6g at %.6gMHz",
                           p->name, all[i], most, b->tech.clock_hz / 1e6);
        }
        if (!(all[i] > 0)) {
            return err_set(b->err, ERR_NO, "a bandwidth of '%s' is not positive", p->name);
        }
    }
    return 0;
}

/* Energy, leakage and area of the storage itself; *most: bits a cycle that its ports can give. */
static int set_storage(const struct build *b, const struct level_plan *p, struct level *l, double *most)
{
    int64_t banks, word, buffering;
    double width = p->width != NULL ? expr_eval(p->width, b->v) : 64;
    if (!(width >= 1 && width <= 1 << 20) || width != floor(width)) {
        return err_set(b->err, ERR_NO, "the width of '%s' is %.10g bits: it must be a whole number from 1", p->name,
                       width);
    }
    word = (int64_t)width;
    if (whole(b, p->banks, 1, 1 << 16, p->name, "the number of banks", &banks) < 0 ||
        whole(b, p->buffering, 1, 2, p->name, "the buffering", &buffering) < 0) {
        return -1;
    }
    l->word_bits = (int)word;
    l->buffering = (int)buffering;
    *most = INFINITY;
    struct component c = {.read_pj = 0};
    if (p->class == CLASS_DRAM) {
        l->kind = LEVEL_DRAM;
        l->capacity_bits = INT64_MAX;
        if (component_dram(&b->tech, label_text(b, &p->kind), width, &c, b->err) < 0) {
            return -1;
        }
    } else {
        double bits = floor(expr_eval(p->size, b->v));
        if (!(bits >= width * (double)banks && bits < 1e15)) {
            return err_set(b->err, ERR_NO, "'%s' of %.10g bits has no word of %.10g bits in each of %lld banks",
                           p->name, bits, width, (long long)banks);
        }
        l->kind = p->class == CLASS_SRAM ? LEVEL_SRAM : LEVEL_REGFILE;
        l->capacity_bits = (int64_t)bits;
        if (p->class == CLASS_REGISTER) {
            component_register(&b->tech, bits, &c);
            c.write_pj *= width / bits; /* one word is written, the others are gated */
        } else {
            component_sram(&b->tech, bits, width, (double)banks, &c);
        }
        if (p->class == CLASS_SRAM) {
            *most = width * (double)banks * fmin(1, 1 / (c.cycle_s * b->tech.clock_hz));
        }
    }
    l->read_pj = c.read_pj;
    l->write_pj = c.write_pj;
    l->leak_w = c.leak_w;
    l->area_mm2 = c.area_mm2 * (p->class == CLASS_SRAM ? b->sram_overhead : b->logic_overhead);
    memcpy(l->source, c.source, sizeof l->source);
    return 0;
}

/* Registers at the hops of a mesh, of the link's width. */
static void add_hop_registers(const struct build *b, const struct level_plan *p, int i)
{
    struct level *l = &b->a->level[i];
    double children = (double)l->fanout_x * (double)l->fanout_y;
    double child = i > 0 ? b->a->level[i - 1].word_bits : b->a->mac.a_bits + b->a->mac.acc_bits;
    double link = fmax(p->link != NULL ? expr_eval(p->link, b->v) : child, 1);
    struct component hop;
    component_register(&b->tech, link, &hop);
    l->hop_pj_per_bit += hop.write_pj / link;
    l->leak_w += hop.leak_w * children;
    l->area_mm2 += hop.area_mm2 * children * b->logic_overhead;
}

/* Wires from one instance to its children. Per hop: as long as a tile (the child and all inside) is wide; a mesh registers each hop.
 * Mean hops of a unicast along an axis of n > 1 children, entered at its edge: n / 2; a bus swings all n. A single child is a
 * neighbour: half the side of the level itself, or of the chip behind a DRAM's pads. */
static void set_network(const struct build *b, const struct level_plan *p, int i)
{
    struct level *l = &b->a->level[i];
    double scale = p->network == NETWORK_BUS ? 1 : 0.5, mm = sqrt(b->tile_mm2);
    l->hops_x = l->fanout_x > 1 ? scale * (double)l->fanout_x : 0;
    l->hops_y = l->fanout_y > 1 ? scale * (double)l->fanout_y : 0;
    bool single = l->fanout_x == 1 && l->fanout_y == 1;
    if (single) {
        l->hops_x = 1;
        mm = 0.5 * sqrt(p->class == CLASS_DRAM ? b->tile_mm2 : l->area_mm2);
    }
    double wire = component_wire_pj_per_bit_mm(&b->tech);
    l->hop_pj_per_bit = wire * mm;
    if (p->network == NETWORK_MESH && !single) {
        add_hop_registers(b, p, i);
    }
    struct component adder;
    component_adder(&b->tech, 32, &adder);
    l->add_pj_per_bit = adder.read_pj / 32;
    snprintf(l->network_source, sizeof l->network_source, "%s, hops of %.3gmm; wire %.3gpJ/bit/mm: %.90s",
             single ? "neighbour" : network_names[p->network], mm, wire, b->t->tables->wire[0].source);
}

static int set_sparse(const struct build *b, const struct level_plan *p, struct level *l)
{
    for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
        const struct sparse_plan *from = &p->sparse[r];
        struct level_sparse *to = &l->sparse[r];
        const char *format = label_text(b, &from->format);
        int64_t field = 0;
        for (int k = 0; format != NULL && sparse_format_names[k] != NULL; k++) {
            to->format = strcmp(format, sparse_format_names[k]) == 0 ? (enum sparse_format)k : to->format;
        }
        if (from->field != NULL && whole(b, from->field, 1, 32, l->name, "the field of a format", &field) < 0) {
            return -1;
        }
        if (to->format == SPARSE_RLC && from->field == NULL) {
            return err_set(b->err, ERR_NO, "run lengths of %s in '%s' need the width of a run: 'field: 5bit'",
                           tensor_role_names[r], l->name);
        }
        to->field_bits = to->format == SPARSE_NONE ? 0 : (int)field;
        to->expected = from->expected;
        to->gate = from->gate;
        to->skip = from->skip;
    }
    return 0;
}

static int build_level(struct build *b, int i)
{
    struct level *l = &b->a->level[i];
    const struct level_plan *p = &b->t->level[b->plan_of[i]];
    double most;
    snprintf(l->name, sizeof l->name, "%s", p->name);
    for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
        l->keep[r] = i == b->a->n_levels - 1 ? KEEP_ALWAYS : p->keep[r];
    }
    if (set_storage(b, p, l, &most) < 0 || set_bandwidth(b, p, l, most) < 0 || set_sparse(b, p, l) < 0) {
        return -1;
    }
    set_network(b, p, i);
    l->links = p->links;
    b->tile_mm2 = l->area_mm2 + (double)(l->fanout_x * l->fanout_y) * b->tile_mm2;
    return 0;
}

/* The widths decide how deep a cycle is, so they come before the technology. */
static int read_mac(struct build *b, struct mac *m)
{
    const struct template *t = b->t;
    int64_t w, a, acc;
    if (whole(b, t->w_bits, 8, 64, "mac", "the weight width", &w) < 0 ||
        whole(b, t->a_bits, 8, 64, "mac", "the activation width", &a) < 0 ||
        whole(b, t->acc_bits, 32, 128, "mac", "the accumulator width", &acc) < 0) {
        return -1;
    }
    const char *kind = label_text(b, &t->mac_kind);
    for (int k = 0; kind != NULL && mac_kind_names[k] != NULL; k++) {
        m->kind = strcmp(kind, mac_kind_names[k]) == 0 ? (enum mac_kind)k : m->kind;
    }
    m->w_bits = (int)w;
    m->a_bits = (int)a;
    m->acc_bits = (int)acc;
    return 0;
}

static int build_compute(struct build *b)
{
    struct mac *m = &b->a->mac;
    struct vector_unit *v = &b->a->vector;
    int64_t units = m->instances, lanes;
    compute_mac(&b->tech, m->kind, m->w_bits, m->a_bits, m->acc_bits, m);
    m->instances = units;
    m->gate = b->t->mac_gate;
    m->skip = b->t->mac_skip;
    m->area_mm2 *= b->logic_overhead;
    b->tile_mm2 = m->area_mm2;
    if (b->t->lanes == NULL) {
        return 0;
    }
    if (whole(b, b->t->lanes, 1, 1 << 20, "vector", "the number of lanes", &lanes) < 0) {
        return -1;
    }
    compute_vector(&b->tech, lanes, m->acc_bits, v);
    v->area_mm2 *= b->logic_overhead;
    return 0;
}

static void add_up(struct accelerator *a)
{
    a->area_mm2 = (double)a->mac.instances * a->mac.area_mm2 + (double)a->cores * a->vector.area_mm2;
    a->leak_w = (double)a->mac.instances * a->mac.leak_w + (double)a->cores * a->vector.leak_w;
    for (int i = 0; i < a->n_levels; i++) {
        a->area_mm2 += (double)a->level[i].instances * a->level[i].area_mm2;
        a->leak_w += (double)a->level[i].instances * a->level[i].leak_w;
    }
}

int template_build(const struct template *t, const double *values, struct accelerator *out, struct err *err)
{
    memset(out, 0, sizeof *out); /* padding too: equal accelerators are equal bytes */
    struct build b = {.t = t, .v = values, .a = out, .err = err};
    if (check_values(t, values, err) < 0 || read_mac(&b, &out->mac) < 0 || resolve_technology(&b) < 0) {
        return -1;
    }
    if (overhead(&b, t->logic_overhead, &b.logic_overhead) < 0 ||
        overhead(&b, t->sram_overhead, &b.sram_overhead) < 0) {
        return -1;
    }
    snprintf(out->name, sizeof out->name, "%s", t->name);
    out->clock_hz = b.tech.clock_hz;
    out->voltage_v = b.tech.voltage_v;
    snprintf(out->source, sizeof out->source, "%s at %.3gV: %s", b.tech.node->name, b.tech.voltage_v,
             b.tech.node->source);
    if (lay_out(&b) < 0 || build_compute(&b) < 0) {
        return -1;
    }
    for (int i = 0; i < out->n_levels; i++) {
        if (i == out->core_level && out->vector.lanes > 0) {
            b.tile_mm2 += out->vector.area_mm2; /* a core's tile holds its vector unit */
        }
        if (build_level(&b, i) < 0) {
            return -1;
        }
    }
    add_up(out);
    return accelerator_check(out, err);
}
