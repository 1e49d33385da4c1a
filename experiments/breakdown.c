/* See breakdown.h. */
#include "experiments/breakdown.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/pick.h"
#include "experiments/record.h"

#define MEMO_BYTES ((size_t)16 << 20)

/* ---- one design ---- */

static const char *op_kind(const struct op *op)
{
    return op->kind == OP_TENSOR ? "tensor" : op->kind == OP_VECTOR ? vector_kind_names[op->vector] : "view";
}

static int put_layers(struct db *db, const struct network *net, struct err *err)
{
    struct strbuf dims = STRBUF_INIT;
    int bad = 0;
    for (int i = 0; i < net->n_ops && !bad; i++) {
        const struct op *op = &net->op[i];
        bool tensor = op->kind == OP_TENSOR;
        strbuf_reset(&dims);
        for (int d = 0; tensor && d < op->einsum.n_dims; d++) {
            strbuf_addf(&dims, "%s%s%lld", d ? " " : "", op->einsum.dim[d], (long long)op->einsum.bound[d]);
        }
        struct db_layer row = {.layer_id = i,
                               .name = op->name,
                               .op = op_kind(op),
                               .macs = tensor ? einsum_macs(&op->einsum) : 0,
                               .weights = op->weights + op->biases,
                               .dims = strbuf_str(&dims)};
        bad = db_put_layer(db, &row, err);
    }
    strbuf_release(&dims);
    return bad;
}

static int put_op(struct db *db, int64_t number, int i, const struct evaluation_detail *d, struct err *err)
{
    const struct op_cost *c = &d->cost->op[i];
    struct db_layer_cost row = {.design = number, .layer_id = i, .level = "MAC", .tensor = "-"};
    if (c->mac_pj > 0) {
        row.energy_j = c->mac_pj * 1e-12;
        row.cycles = c->compute_cycles;
    } else {
        row.level = "vector";
        row.energy_j = c->vector_pj * 1e-12;
        row.cycles = c->compute_cycles;
    }
    int bad = row.energy_j > 0 ? db_put_layer_cost(db, &row, err) : 0;
    for (int l = 0; l < d->accelerator.n_levels; l++) {
        for (int t = 0; t < TENSOR_ROLE_COUNT && !bad; t++) {
            row.level = d->accelerator.level[l].name;
            row.tensor = tensor_role_names[t];
            row.energy_j = c->storage_pj[l][t] * 1e-12;
            row.network_j = c->network_pj[l][t] * 1e-12;
            row.bits = c->storage_bits[l][t];
            row.cycles = c->level_cycles[l];
            bad = row.bits > 0 || row.energy_j + row.network_j > 0 ? db_put_layer_cost(db, &row, err) : 0;
        }
    }
    return bad;
}

int breakdown_mapping(const struct evaluation_detail *d, int i, struct mapper_result *out, struct err *err)
{
    const struct op *op = &d->network->op[i];
    struct mapper_options options = {.goal = d->options.goal, .budget = d->options.budget, .core_split = CORE_ONE};
    if (d->place[i].split != PLACE_CORE) {
        options.core_split = op_split_dim(op, (enum split)d->place[i].split);
    }
    return mapper_best(&d->accelerator, &op->einsum, &options, NULL, out, err);
}

static int put_loops(struct db *db, int64_t number, const struct evaluation_detail *d, struct err *err)
{
    struct strbuf text = STRBUF_INIT;
    int bad = 0;
    for (int i = 0; i < d->network->n_ops && !bad; i++) {
        const struct op *op = &d->network->op[i];
        struct mapper_result r;
        if (op->kind != OP_TENSOR) {
            continue;
        }
        bad = breakdown_mapping(d, i, &r, err);
        if (!bad) {
            strbuf_reset(&text);
            mapping_write(&r.mapping, &d->accelerator, &op->einsum, &text);
            bad = db_put_mapping(db, number, i, strbuf_str(&text), err);
        }
    }
    strbuf_release(&text);
    return bad;
}

int breakdown_design(struct evaluator *e, struct db *db, int64_t number, const double *x, bool loops, struct err *err)
{
    struct evaluation_detail d;
    if (evaluator_explain(e, x, &d, err) < 0) {
        return -1;
    }
    int bad = put_layers(db, d.network, err);
    for (int i = 0; i < d.network->n_ops && !bad; i++) {
        bad = put_op(db, number, i, &d, err);
    }
    bad = bad || (loops && put_loops(db, number, &d, err) < 0) ? -1 : 0;
    evaluation_detail_release(&d);
    return bad;
}

/* ---- the front ---- */

struct front {
    int n, cap, m;
    struct hash *hash; /* [cap] */
    double *f;         /* [cap][m], least is best */
    double sign[STUDY_OBJECTIVES];
};

static int front_add(void *ctx, const struct db_row *row)
{
    struct front *t = ctx;
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 256;
        t->hash = mem_realloc(t->hash, (size_t)t->cap, sizeof *t->hash);
        t->f = mem_realloc(t->f, (size_t)t->cap * (size_t)t->m, sizeof *t->f);
    }
    t->hash[t->n] = row->hash;
    for (int k = 0; k < t->m; k++) {
        t->f[t->n * t->m + k] = t->sign[k] * db_number(row->values[k]);
    }
    t->n++;
    return 0;
}

static int front_read(const struct study *s, struct db *db, struct front *t, struct err *err)
{
    const char *columns[STUDY_OBJECTIVES];
    *t = (struct front){.m = s->n_objectives};
    for (int k = 0; k < t->m; k++) {
        columns[k] = metrics[s->objective[k].metric].column;
        t->sign[k] = s->objective[k].maximise ? -1 : 1;
    }
    struct db_query q = {.columns = columns, .n_columns = t->m, .front_only = true};
    return db_query(db, &q, front_add, t, err);
}

static int stored_design(const struct study *s, struct evaluator *e, struct db *db, struct hash hash, double *x,
                         struct err *err)
{
    struct db_trial trial;
    struct db_cursor *hold;
    int got = db_get(db, hash, &trial, &hold, err);
    int bad = got < 0 || (got == 1 && record_point(s, &trial, x, err) < 0) ? -1 : 0;
    int64_t number = got == 1 ? trial.number : 0;
    db_cursor_free(hold);
    return bad || got == 0 ? bad : breakdown_design(e, db, number, x, false, err);
}

static int put_front(const struct study *s, struct evaluator *e, struct db *db, const volatile sig_atomic_t *stop,
                     struct err *err)
{
    struct front t;
    int bad = db_flush(db, err) || front_read(s, db, &t, err) ? -1 : 0;
    if (bad) {
        return -1;
    }
    bool *keep = mem_calloc((size_t)t.n + 1, sizeof *keep);
    double *x = mem_calloc((size_t)s->space.n + 1, sizeof *x);
    pick_spread(t.f, t.n, t.m, BREAKDOWN_DESIGNS, keep);
    for (int i = 0; i < t.n && !bad && (stop == NULL || !*stop); i++) {
        bad = keep[i] ? stored_design(s, e, db, t.hash[i], x, err) : 0;
    }
    mem_free(keep);
    mem_free(x);
    mem_free(t.hash);
    mem_free(t.f);
    return bad;
}

int breakdown_front(const struct study *s, struct evaluator *e, struct db *db, const volatile sig_atomic_t *stop,
                    struct err *err)
{
    if (s->evaluator != NULL && (s->evaluator->alone || s->evaluator->metric[METRIC_ENERGY])) {
        return 0; /* our model's energy is not the design's */
    }
    if (e != NULL) {
        return put_front(s, e, db, stop, err);
    }
    struct memo *memo = memo_new(NETWORK_MEMO_VALUE, MEMO_BYTES, NULL);
    e = evaluator_new(s, memo, NULL);
    int bad = put_front(s, e, db, stop, err);
    evaluator_free(e);
    memo_free(memo);
    return bad;
}
