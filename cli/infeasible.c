#include "cli/infeasible.h"

#include "base/mem.h"

#include <string.h>

struct miss {
    const char *what; /* the column's description */
    int64_t missed;
    double least; /* relative amount, of those that miss it */
};

struct tally {
    struct miss *miss; /* [n] */
    int n;
    int64_t designs, failed;
};

static int count(void *ctx, const struct db_row *row)
{
    struct tally *t = ctx;
    t->designs++;
    t->failed += row->state == DB_FAILED;
    for (int i = 0; i < t->n; i++) {
        double v = row->values[i].type == DB_REAL ? row->values[i].u.d : 0;
        if (v > 0) {
            struct miss *m = &t->miss[i];
            m->least = m->missed == 0 || v < m->least ? v : m->least;
            m->missed++;
        }
    }
    return 0;
}

/* "relative amount by which this fails: area <= 4mm2" without its first half. */
static const char *constraint_of(const struct miss *m)
{
    const char *colon = strstr(m->what, ": ");
    return colon != NULL ? colon + 2 : m->what;
}

static void say(const struct cli *cli, const struct tally *t)
{
    if (t->failed > 0) {
        cli_say(cli, "  %lld of %lld designs failed to be priced (table designs, column error)", (long long)t->failed,
                (long long)t->designs);
    }
    for (int i = 0; i < t->n; i++) {
        const struct miss *m = &t->miss[i];
        if (m->missed == 0) {
            continue;
        }
        bool mapping = strstr(m->what, ": ") == NULL;
        if (mapping) {
            cli_say(cli, "  %lld of %lld have an operator that no mapping fits (`dovetail eval DB ID` says why)",
                    (long long)m->missed, (long long)t->designs);
        } else {
            cli_say(cli, "  %lld of %lld miss '%s', the nearest by %.*f %%", (long long)m->missed,
                    (long long)t->designs, constraint_of(m), m->least < 0.1 ? 2 : 0, 100 * m->least);
        }
    }
}

void infeasible_say(const struct cli *cli, struct db *db)
{
    const struct db_column *column;
    int n = db_columns(db, &column);
    const char **name = mem_calloc((size_t)n + 1, sizeof *name);
    struct tally t = {.miss = mem_calloc((size_t)n + 1, sizeof *t.miss)};
    for (int i = 0; i < n; i++) {
        if (column[i].kind == DB_VIOLATION) {
            t.miss[t.n].what = column[i].description;
            name[t.n++] = column[i].name;
        }
    }
    struct err ignored = ERR_INIT; /* only an explanation of what was said already */
    struct db_query q = {.columns = name, .n_columns = t.n, .all_states = true};
    if (t.n > 0 && db_query(db, &q, count, &t, &ignored) == 0) {
        say(cli, &t);
    }
    mem_free(t.miss);
    mem_free(name);
}
