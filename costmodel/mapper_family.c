/* Designs that differ in the outermost level's bandwidth only (mapper_family.h).
 *
 * Let the outermost level be x times as slow. A mapping then takes max(C, x * D) cycles, C those of compute and of all other ports, D of
 * the outermost level's; its goal's value is a function of x that does not fall. If one mapping is best at x = a and at x = b, it is best
 * in between: on the part where its cycles do not change no mapping that was not better at a can be; on the part where they grow, neither
 * can one that was not better at b and grows as well, nor one that does not grow and was not better at b. (Leakage, energy that grows with
 * the cycles, disturbs the second part by its share of the energy times the difference in D; values there are as good as the searches'
 * but not called proven.) So the best mappings of all x follow from exact searches at the ends and where the values of two neighbours
 * cross, until no crossing has a better one: two searches and about two for each change. */
#include "costmodel/mapper_family.h"

#include "base/strbuf.h"

#include <math.h>
#include <string.h>

enum { SEARCHES = 24 };
#define FAR 1e7 /* so slow that nothing else sets the pace, or so fast that it never does */

struct hash mapper_family_key(const struct accelerator *a)
{
    struct strbuf text = STRBUF_INIT;
    struct accelerator b = *a;
    struct level *v = &b.level[b.n_levels - 1];
    v->read_bits_per_cycle = v->write_bits_per_cycle = v->shared_bits_per_cycle = 1;
    accelerator_canonical(&b, &text);
    struct hash key = hash_bytes(strbuf_str(&text), text.len);
    strbuf_release(&text);
    return key;
}

/* A mapping's value as a function of x. */
struct curve {
    double energy_pj, leak_pj; /* without leakage; of a cycle */
    double cycles, outer;      /* C, D */
    struct mapping mapping;
};

struct tracing {
    struct mapper_family *f;
    struct mapper_work *work;
    struct err *err;
};

static void scale(const struct accelerator *a, double x, struct accelerator *out)
{
    struct level *v = &out->level[a->n_levels - 1];
    *out = *a;
    v->read_bits_per_cycle /= x;
    v->write_bits_per_cycle /= x;
    v->shared_bits_per_cycle /= x;
}

static double cycles_at(const struct curve *c, double x)
{
    return fmax(c->cycles, ceil(c->outer * x * (1 - 1e-12)));
}

static double value_at(const struct curve *c, enum goal goal, double x)
{
    double cycles = cycles_at(c, x);
    struct cost cost = {.cycles = cycles, .energy_pj = c->energy_pj + c->leak_pj * cycles};
    return mapper_value(goal, &cost);
}

static int cost_at(const struct mapper_family *f, const struct mapping *m, double x, struct cost *out, struct err *err)
{
    struct cost_options how = {.accounting = f->opt.accounting, .fidelity = FIDELITY_BANDWIDTH};
    struct accelerator a;
    scale(&f->machine, x, &a);
    return cost_evaluate(&a, &f->einsum, m, &how, out, err);
}

/* The best mapping at x. */
static int search_at(struct tracing *t, double x, struct curve *c)
{
    struct accelerator a;
    struct mapper_result r;
    struct cost slow;
    scale(&t->f->machine, x, &a);
    t->f->searches++;
    if (mapper_best(&a, &t->f->einsum, &t->f->opt, t->work, &r, t->err) < 0) {
        return -1;
    }
    t->f->proven = t->f->proven && r.proven;
    c->mapping = r.mapping;
    if (cost_at(t->f, &c->mapping, 1 / FAR, &r.cost, t->err) < 0 ||
        cost_at(t->f, &c->mapping, FAR, &slow, t->err) < 0) {
        return -1;
    }
    c->cycles = r.cost.cycles;
    c->energy_pj = r.cost.energy_pj - r.cost.leak_pj;
    c->leak_pj = r.cost.leak_pj / r.cost.cycles;
    c->outer = slow.level[a.n_levels - 1].cycles / FAR;
    return 0;
}

static void add_piece(struct mapper_family *f, double from, double to, const struct curve *c)
{
    if (f->n < FAMILY_PIECES) {
        f->piece[f->n++] = (struct family_piece){.from = from,
                                                 .to = to,
                                                 .value_from = value_at(c, f->opt.goal, from),
                                                 .value_to = value_at(c, f->opt.goal, to),
                                                 .cycles_from = cycles_at(c, from),
                                                 .mapping = c->mapping};
    }
}

/* Where the values of two curves meet: a is the better at `from`, b at `to`. */
static double crossing(enum goal goal, const struct curve *a, const struct curve *b, double from, double to)
{
    for (int i = 0; i < 60; i++) {
        double x = sqrt(from * to);
        if (value_at(a, goal, x) <= value_at(b, goal, x)) {
            from = x;
        } else {
            to = x;
        }
    }
    return from;
}

/* Is curve a as good as v at x, to a cycle? */
static bool as_good(const struct curve *a, enum goal goal, double x, double v)
{
    double cycles = fmax(a->cycles, a->outer * x);
    return value_at(a, goal, x) <= v * (1 + 1e-9 + 1 / cycles);
}

/* Pieces between two searches. */
static int trace(struct tracing *t, double from, const struct curve *a, double to, const struct curve *b)
{
    enum goal goal = t->f->opt.goal;
    struct curve c;
    if (as_good(a, goal, to, value_at(b, goal, to))) {
        add_piece(t->f, from, to, a);
        return 0;
    }
    if (as_good(b, goal, from, value_at(a, goal, from))) {
        add_piece(t->f, from, to, b);
        return 0;
    }
    double x = crossing(goal, a, b, from, to);
    if (t->f->searches >= SEARCHES) {
        return 0;
    }
    if (search_at(t, x, &c) < 0) {
        return -1;
    }
    if (as_good(a, goal, x, value_at(&c, goal, x))) {
        add_piece(t->f, from, x, a);
        add_piece(t->f, x, to, b);
        return 0;
    }
    return trace(t, from, a, x, &c) < 0 ? -1 : trace(t, x, &c, to, b);
}

int mapper_family_build(struct mapper_family *f, const struct accelerator *a, const struct einsum *e,
                        const struct mapper_options *opt, struct mapper_work *work, struct err *err)
{
    struct tracing t = {f, work, err};
    struct curve fast, slow;
    memset(f, 0, sizeof *f);
    f->machine = *a;
    f->key = mapper_family_key(a);
    f->einsum = *e;
    f->opt = *opt;
    f->proven = opt->effort == MAPPER_EXACT;
    if (opt->goal == GOAL_LATENCY) {
        return err_set(err, ERR_DATA, "families of designs are for the goals energy and edp");
    }
    if (search_at(&t, 1.0 / FAMILY_RANGE, &fast) < 0 || search_at(&t, FAMILY_RANGE, &slow) < 0) {
        return -1;
    }
    return trace(&t, 1.0 / FAMILY_RANGE, &fast, FAMILY_RANGE, &slow);
}

/* How many times as slow the outermost level of a is; 0: it differs in something else. */
static double slowness(const struct mapper_family *f, const struct accelerator *a)
{
    const struct level *v = &a->level[a->n_levels - 1], *w = &f->machine.level[f->machine.n_levels - 1];
    if (a->n_levels != f->machine.n_levels) {
        return 0;
    }
    const double mine[] = {v->read_bits_per_cycle, v->write_bits_per_cycle, v->shared_bits_per_cycle};
    const double theirs[] = {w->read_bits_per_cycle, w->write_bits_per_cycle, w->shared_bits_per_cycle};
    double x = 0;
    for (int i = 0; i < 3; i++) {
        if (isinf(mine[i]) && isinf(theirs[i])) {
            continue;
        }
        double y = theirs[i] / mine[i];
        if (x > 0 && fabs(y / x - 1) > 1e-12) {
            return 0;
        }
        x = y;
    }
    return isfinite(x) ? (x > 0 ? x : 1) : 0;
}

/* What is known at x: where the cycles are those at the piece's start, no mapping can have become better. Else every value at the
 * piece's end was at least that one's, and a value falls at most with the square of x. */
static void set_bound(const struct mapper_family *f, const struct family_piece *p, double x, struct mapper_result *out)
{
    double v = mapper_value(f->opt.goal, &out->cost), fall = x / p->to;
    if (!f->proven) {
        return;
    }
    double growing = out->cost.leak_pj > 0 ? p->value_to * fall * fall : v * (1 - 2 / out->cost.cycles);
    out->proven = !(out->cost.cycles > p->cycles_from);
    out->bound = out->proven ? v : fmax(p->value_from, growing);
}

bool mapper_family_best(const struct mapper_family *f, const struct accelerator *a, const struct hash *key,
                        struct mapper_result *out)
{
    if (!hash_equal(*key, f->key)) {
        return false;
    }
    double x = slowness(f, a);
    for (int i = 0; i < f->n; i++) {
        const struct family_piece *p = &f->piece[i];
        if (x >= p->from && x <= p->to) {
            struct cost_options how = {.accounting = f->opt.accounting, .fidelity = FIDELITY_BANDWIDTH};
            memset(out, 0, sizeof *out);
            out->mapping = p->mapping;
            if (cost_evaluate(a, &f->einsum, &out->mapping, &how, &out->cost, NULL) < 0) {
                return false;
            }
            set_bound(f, p, x, out);
            return true;
        }
    }
    return false;
}
