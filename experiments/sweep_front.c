/* The front of several shards together, and its hypervolume. The box is that of the runner (runner.c): it is fixed by the first hundred trials
 * of the first shard of the group, so that it does not move while the sweep goes on. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/sweep_shard.h"
#include "search/dominance.h"
#include "search/hypervolume.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define BOX_TRIALS 100

struct pool {
    int m;
    int column[STUDY_OBJECTIVES]; /* of the shard that is open */
    double sign[STUDY_OBJECTIVES];
    double *f; /* [n][m], minimised */
    int64_t n, cap;
    double ideal[STUDY_OBJECTIVES], reference[STUDY_OBJECTIVES];
    bool has_box;
};

static int find_columns(struct pool *p, const struct db *db, const char **names)
{
    const struct db_column *c;
    int n = db_columns(db, &c), found = 0;
    for (int i = 0; i < n; i++) {
        int k = c[i].objective - 1;
        if (k >= 0 && k < p->m) {
            p->column[k] = i;
            p->sign[k] = strcmp(c[i].goal, "max") == 0 ? -1 : 1;
            names[k] = c[i].name;
            found++;
        }
    }
    return found == p->m ? 0 : -1;
}

static int take(void *ctx, const struct db_row *row)
{
    struct pool *p = ctx;
    while (p->n >= p->cap) {
        p->cap = p->cap ? 2 * p->cap : 256;
        p->f = mem_realloc(p->f, (size_t)(p->cap * p->m), sizeof *p->f);
    }
    for (int k = 0; k < p->m; k++) {
        p->f[p->n * p->m + k] = p->sign[k] * db_number(row->values[k]);
    }
    p->n++;
    return 0;
}

/* Far corner 1.1 times the worst feasible value, near one the best that a metric can have. */
static int fix_box(struct pool *p, struct db *db, const struct study *s, struct err *err)
{
    double worst[STUDY_OBJECTIVES], best[STUDY_OBJECTIVES];
    for (int k = 0; k < p->m; k++) {
        worst[k] = -INFINITY;
        best[k] = INFINITY;
    }
    struct db_cursor *c = db_trials(db, 0, err);
    struct db_trial t;
    int64_t n = 0;
    for (; c != NULL && n < BOX_TRIALS && db_next(c, &t, err) == 1; n++) {
        for (int k = 0; k < p->m && t.state == DB_OK; k++) {
            double v = p->sign[k] * db_number(t.values[p->column[k]]);
            worst[k] = v > worst[k] ? v : worst[k];
            best[k] = v < best[k] ? v : best[k];
        }
    }
    db_cursor_free(c);
    p->has_box = n == BOX_TRIALS;
    for (int k = 0; k < p->m; k++) {
        double bound = metrics[s->objective[k].metric].bound;
        double ideal = isnan(bound) ? best[k] : p->sign[k] * bound;
        p->ideal[k] = ideal < best[k] ? ideal : best[k];
        p->reference[k] = worst[k] + 0.1 * (worst[k] - p->ideal[k]) + (worst[k] == p->ideal[k] ? 1 : 0);
        p->has_box = p->has_box && isfinite(worst[k]);
    }
    return err->code == ERR_NONE ? 0 : -1;
}

static double volume(const struct pool *p)
{
    double one[STUDY_OBJECTIVES];
    double *f = mem_calloc((size_t)(p->n * p->m) + 1, sizeof *f);
    for (int k = 0; k < p->m; k++) {
        one[k] = 1;
        for (int64_t i = 0; i < p->n; i++) {
            f[i * p->m + k] = (p->f[i * p->m + k] - p->ideal[k]) / (p->reference[k] - p->ideal[k]);
        }
    }
    double hv = p->has_box ? hypervolume(f, (int)p->n, p->m, one) : (double)NAN;
    mem_free(f);
    return hv;
}

static int add_shard(struct pool *p, const struct study *s, const char *path, struct err *err)
{
    struct db *db = db_open(path, DB_READ, err);
    const char *names[STUDY_OBJECTIVES];
    if (db == NULL) {
        return -1;
    }
    int bad =
        find_columns(p, db, names) < 0 ? err_set(err, ERR_DATA, "'%s' has other objectives than its study", path) : 0;
    struct db_query q = {.columns = names, .n_columns = p->m, .front_only = true};
    bad = bad || (!p->has_box && fix_box(p, db, s, err) < 0) || db_query(db, &q, take, p, err) < 0;
    db_close(db, NULL);
    return bad ? -1 : 0;
}

int shards_front(const struct sweep *s, const struct shard *shards, int group, struct union_front *out, struct err *err)
{
    struct pool p = {.m = 0};
    struct study *study = NULL;
    int bad = 0;
    *out = (struct union_front){0, NAN};
    for (int i = 0; i < s->n_tasks && !bad; i++) {
        if (s->task[i].group != group || shards[i].path == NULL) {
            continue;
        }
        if (study == NULL) {
            struct strbuf path = STRBUF_INIT;
            struct diags d = DIAGS_INIT;
            sweep_study_path(s, i, &path);
            study = study_load(strbuf_str(&path), NULL, 0, &d);
            p.m = study != NULL ? study->n_objectives : 0;
            bad = study == NULL
                      ? err_set(err, ERR_DATA, "'%s' cannot be read any more (dovetail validate)", strbuf_str(&path))
                      : 0;
            diags_release(&d);
            strbuf_release(&path);
        }
        struct err gone = ERR_INIT; /* replaced by a longer one since it was listed: the next look sees that */
        bool there = access(shards[i].path, R_OK) == 0;
        if (!bad && there && add_shard(&p, study, shards[i].path, &gone) < 0 && gone.code != ERR_NOINPUT) {
            bad = err_set(err, gone.code, "%s", gone.text);
        }
    }
    if (!bad && p.n > 0) {
        bool *keep = mem_calloc((size_t)p.n, sizeof *keep);
        out->size = dominance_filter(p.f, (int)p.n, p.m, keep);
        out->hypervolume = volume(&p);
        mem_free(keep);
    }
    study_free(study);
    mem_free(p.f);
    return bad ? -1 : 0;
}
