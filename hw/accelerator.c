/* Invariants, canonical text and MAC lanes of an accelerator; filling one is hw/template.c's part. */
#include "hw/accelerator.h"

#include "base/strbuf.h"

#include <math.h>
#include <string.h>

const char *const sparse_format_names[] = {"none", "bitmask", "rlc", "coo", "csr", NULL};
_Static_assert(sizeof sparse_format_names / sizeof *sparse_format_names == SPARSE_FORMAT_COUNT + 1, "a name for each");

const char *const mac_kind_names[] = {"fixed", "decomposable", "bit_serial", "float", NULL};
_Static_assert(sizeof mac_kind_names / sizeof *mac_kind_names == MAC_KIND_COUNT + 1, "a name for each");

static int pow2_at_least(int bits)
{
    int p = 2;
    while (p < bits) {
        p *= 2;
    }
    return p;
}

int mac_lanes(const struct mac *m, int w_bits, int a_bits, int64_t *lanes, double *pj_per_mac, struct err *err)
{
    if (w_bits < 1 || a_bits < 1 || w_bits > m->w_bits || a_bits > m->a_bits) {
        return err_set(err, ERR_DATA, "operands of %d x %d bits do not fit MAC units of %d x %d bits", w_bits, a_bits,
                       m->w_bits, m->a_bits);
    }
    switch (m->kind) {
    case MAC_DECOMPOSABLE:
        *lanes = (int64_t)(m->w_bits / pow2_at_least(w_bits)) * (m->a_bits / pow2_at_least(a_bits));
        *pj_per_mac = (m->mul_pj + m->shift_add_pj + m->add_pj) / (double)*lanes;
        return 0;
    case MAC_BIT_SERIAL:
        *lanes = m->w_bits / w_bits;
        *pj_per_mac = m->mul_pj * w_bits / m->w_bits + m->add_pj;
        return 0;
    default:
        *lanes = 1;
        *pj_per_mac = m->mul_pj + m->add_pj;
        return 0;
    }
}

static bool sound(double x)
{
    return isfinite(x) && x >= 0;
}

static int check_level(const struct accelerator *a, int i, struct err *err)
{
    const struct level *l = &a->level[i];
    int64_t above = 1;
    if (i + 1 < a->n_levels) {
        const struct level *p = &a->level[i + 1];
        if (__builtin_mul_overflow(p->instances, p->fanout_x, &above) ||
            __builtin_mul_overflow(above, p->fanout_y, &above)) {
            return err_set(err, ERR_DATA, "'%s' has more instances than can be counted", l->name);
        }
    }
    if (l->fanout_x < 1 || l->fanout_y < 1) {
        return err_set(err, ERR_DATA, "the fan-out of '%s' is %lld x %lld: it must be at least 1 x 1", l->name,
                       (long long)l->fanout_x, (long long)l->fanout_y);
    }
    if (l->instances != above) {
        return err_set(err, ERR_DATA, "'%s' has %lld instances, the fan-outs above it make %lld", l->name,
                       (long long)l->instances, (long long)above);
    }
    if (l->capacity_bits < 1 || l->word_bits < 1 || l->word_bits > l->capacity_bits) {
        return err_set(err, ERR_DATA, "'%s' holds %lld bits in words of %d", l->name, (long long)l->capacity_bits,
                       l->word_bits);
    }
    if (l->buffering != 1 && l->buffering != 2) {
        return err_set(err, ERR_DATA, "the buffering of '%s' is %d: it is 1 or 2", l->name, l->buffering);
    }
    if (!(l->read_bits_per_cycle > 0 && l->write_bits_per_cycle > 0 && l->shared_bits_per_cycle > 0)) {
        return err_set(err, ERR_DATA, "a bandwidth of '%s' is not positive", l->name);
    }
    if (!sound(l->read_pj) || !sound(l->write_pj) || !sound(l->hop_pj_per_bit) || !sound(l->hops_x) ||
        !sound(l->hops_y) || !sound(l->add_pj_per_bit) || !sound(l->leak_w) || !sound(l->area_mm2)) {
        return err_set(err, ERR_DATA, "an energy, leakage or area of '%s' is negative or not finite", l->name);
    }
    return 0;
}

/* Who waits for whom: for operands, never for itself. */
static int check_sparse(const struct accelerator *a, struct err *err)
{
    const uint32_t operands = 1u << TENSOR_WEIGHTS | 1u << TENSOR_INPUTS;
    for (int i = 0; i < a->n_levels; i++) {
        for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
            const struct level_sparse *s = &a->level[i].sparse[r];
            if ((s->gate | s->skip) & ~(operands & ~(1u << r))) {
                return err_set(err, ERR_DATA, "'%s' lets %s wait for %s: only another operand can be waited for",
                               a->level[i].name, tensor_role_names[r],
                               (s->gate | s->skip) >> r & 1 ? "themselves" : tensor_role_names[TENSOR_OUTPUTS]);
            }
            if (s->format < 0 || s->format >= SPARSE_FORMAT_COUNT || s->field_bits < 0 || s->field_bits > 64 ||
                (s->format == SPARSE_RLC && (s->field_bits < 1 || s->field_bits > 32))) {
                return err_set(err, ERR_DATA, "'%s' stores %s as %s with fields of %d bits", a->level[i].name,
                               tensor_role_names[r],
                               s->format < 0 || s->format >= SPARSE_FORMAT_COUNT ? "?" : sparse_format_names[s->format],
                               s->field_bits);
            }
        }
    }
    if ((a->mac.gate | a->mac.skip) & ~operands) {
        return err_set(err, ERR_DATA, "the MAC waits for %s: only operands can be waited for",
                       tensor_role_names[TENSOR_OUTPUTS]);
    }
    return 0;
}

static int check_mac(const struct accelerator *a, struct err *err)
{
    const struct mac *m = &a->mac;
    const struct level *inner = &a->level[0];
    if (m->instances != inner->instances * inner->fanout_x * inner->fanout_y) {
        return err_set(err, ERR_DATA, "there are %lld MAC units, the fan-outs make %lld", (long long)m->instances,
                       (long long)(inner->instances * inner->fanout_x * inner->fanout_y));
    }
    if (m->w_bits < 1 || m->a_bits < 1 || m->acc_bits < 1) {
        return err_set(err, ERR_DATA, "a MAC unit of %d x %d bits into %d", m->w_bits, m->a_bits, m->acc_bits);
    }
    if (m->kind == MAC_DECOMPOSABLE &&
        (pow2_at_least(m->w_bits) != m->w_bits || pow2_at_least(m->a_bits) != m->a_bits)) {
        return err_set(err, ERR_DATA, "a decomposable MAC unit of %d x %d bits: the widths must be powers of two",
                       m->w_bits, m->a_bits);
    }
    if (!sound(m->mul_pj) || !sound(m->add_pj) || !sound(m->shift_add_pj) || !sound(m->leak_w) || !sound(m->area_mm2)) {
        return err_set(err, ERR_DATA, "an energy, leakage or area of the MAC unit is negative or not finite");
    }
    return 0;
}

int accelerator_check(const struct accelerator *a, struct err *err)
{
    if (a->n_levels < 1 || a->n_levels > HW_LEVELS) {
        return err_set(err, ERR_DATA, "an accelerator of %d levels: 1 to %d are possible", a->n_levels, HW_LEVELS);
    }
    for (int i = a->n_levels - 1; i >= 0; i--) {
        if (check_level(a, i, err) < 0) {
            return -1;
        }
    }
    if (check_mac(a, err) < 0 || check_sparse(a, err) < 0) {
        return -1;
    }
    const struct vector_unit *v = &a->vector;
    if (v->lanes < 0 || !sound(v->op_pj) || !sound(v->leak_w) || !sound(v->area_mm2)) {
        return err_set(err, ERR_DATA, "the vector unit has %lld lanes of %g pJ an operation", (long long)v->lanes,
                       v->op_pj);
    }
    int64_t cores = 1;
    if (a->core_level >= 0) {
        if (a->core_level >= a->n_levels) {
            return err_set(err, ERR_DATA, "there is no level %d to hold the cores", a->core_level);
        }
        cores = a->level[a->core_level].fanout_x * a->level[a->core_level].fanout_y;
    }
    if (a->cores != cores) {
        return err_set(err, ERR_DATA, "there are %lld cores, the fan-out makes %lld", (long long)a->cores,
                       (long long)cores);
    }
    if (!(a->clock_hz > 0) || !isfinite(a->clock_hz) || !sound(a->leak_w) || !sound(a->area_mm2)) {
        return err_set(err, ERR_DATA, "the clock, leakage or area of the chip is not positive and finite");
    }
    return 0;
}

static void add_dims(struct strbuf *out, char axis, int n, const char dim[][8])
{
    strbuf_addf(out, " %c", axis);
    if (n < 0) {
        strbuf_adds(out, "*");
    }
    for (int i = 0; i < n; i++) {
        strbuf_addf(out, "%s%s", i ? "," : "", dim[i]);
    }
}

/* Only what differs from an accelerator that knows no zeros. */
static void add_sparse(struct strbuf *out, const struct accelerator *a)
{
    for (int i = 0; i < a->n_levels; i++) {
        for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
            const struct level_sparse *s = &a->level[i].sparse[r];
            if (s->format != SPARSE_NONE || s->gate != 0 || s->skip != 0) {
                strbuf_addf(out, "sparse %d %s: %s %d %d gate %x skip %x\n", i, tensor_role_names[r],
                            sparse_format_names[s->format], s->field_bits, (int)s->expected, s->gate, s->skip);
            }
        }
    }
    if (a->mac.gate != 0 || a->mac.skip != 0) {
        strbuf_addf(out, "sparse mac gate %x skip %x\n", a->mac.gate, a->mac.skip);
    }
}

/* Numbers as %.17g: different doubles give different text. Names and sources cost nothing and stay out. */
void accelerator_canonical(const struct accelerator *a, struct strbuf *out)
{
    strbuf_addf(out,
                "accelerator 1 clock %.17g voltage %.17g cores %lld at %d area %.17g "
                "leak %.17g\n",
                a->clock_hz, a->voltage_v, (long long)a->cores, a->core_level, a->area_mm2, a->leak_w);
    for (int i = 0; i < a->n_levels; i++) {
        const struct level *l = &a->level[i];
        strbuf_addf(out,
                    "level %d kind %d bits %lld x%d word %d keep %d%d%d instances %lld "
                    "fanout %lldx%lld",
                    i, (int)l->kind, (long long)l->capacity_bits, l->buffering, l->word_bits, (int)l->keep[0],
                    (int)l->keep[1], (int)l->keep[2], (long long)l->instances, (long long)l->fanout_x,
                    (long long)l->fanout_y);
        strbuf_addf(out, " pj %.17g %.17g bandwidth %.17g %.17g %.17g", l->read_pj, l->write_pj, l->read_bits_per_cycle,
                    l->write_bits_per_cycle, l->shared_bits_per_cycle);
        strbuf_addf(out, " hop %.17g %.17g %.17g add %.17g leak %.17g area %.17g", l->hop_pj_per_bit, l->hops_x,
                    l->hops_y, l->add_pj_per_bit, l->leak_w, l->area_mm2);
        if (l->links) {
            strbuf_adds(out, " links");
        }
        add_dims(out, 'x', a->dataflow.spatial[i].n_x, a->dataflow.spatial[i].x);
        add_dims(out, 'y', a->dataflow.spatial[i].n_y, a->dataflow.spatial[i].y);
        strbuf_adds(out, "\n");
    }
    const struct mac *m = &a->mac;
    strbuf_addf(out, "mac %d x%lld bits %d %d %d pj %.17g %.17g %.17g leak %.17g area %.17g\n", (int)m->kind,
                (long long)m->instances, m->w_bits, m->a_bits, m->acc_bits, m->mul_pj, m->add_pj, m->shift_add_pj,
                m->leak_w, m->area_mm2);
    const struct vector_unit *v = &a->vector;
    strbuf_addf(out, "vector x%lld pj %.17g leak %.17g area %.17g stationary %d\n", (long long)v->lanes, v->op_pj,
                v->leak_w, v->area_mm2, (int)a->dataflow.stationary);
    add_sparse(out, a);
}
