/* dovetail eval: price one design and, with --explain, say where every joule and cycle goes and where the constants come from. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/explain.h"
#include "cli/run_study.h"
#include "db/db.h"
#include "experiments/breakdown.h"
#include "experiments/record.h"
#include "experiments/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct eval_opts {
    struct study_opts study;
    bool explain;
    bool mapping;
    bool save;
    const char *layer;
};

/* clang-format off */
static const struct opt options[] = {
    {"explain", 'e', OPT_FLAG, offsetof(struct eval_opts, explain), NULL, "energy by level and tensor, the worst operators, the source of every constant"},
    {"mapping", 'm', OPT_FLAG, offsetof(struct eval_opts, mapping), NULL, "the loop nest of each operator (or of --layer)"},
    {"save", 0, OPT_FLAG, offsetof(struct eval_opts, save), NULL, "keep the breakdown and the loop nests in the database (tables layer_cost, mappings)"},
    {"layer", 'l', OPT_STRING, offsetof(struct eval_opts, layer), "NAME", "with --explain or --mapping: this operator only"},
    STUDY_OPTIONS(struct eval_opts, study),
    OPT_END
};
/* clang-format on */

static const struct eval_opts defaults = {.study = STUDY_DEFAULTS};

/* Is what the study prices now what the file's numbers were priced by? An evaluator tells its version only when it runs: not compared. */
static bool same_model(const struct study *s, const struct db *db)
{
    char hex[HASH_HEX];
    hash_hex(s->model_hash, hex);
    const char *had = db_meta(db, "model_hash");
    return s->evaluator != NULL || (had != NULL && strcmp(had, hex) == 0);
}

/* The point of the design whose hash begins with `id`, and its number: found by asking the columns of its row. */
static int point_of_id(const struct cli *cli, const struct study *s, const char *path, const char *id, double *x,
                       int64_t *number, struct err *err)
{
    struct db *db = db_open(path, DB_READ, err);
    struct hash hash;
    if (db == NULL || db_find(db, id, &hash, number, err) < 0) {
        struct err ignored = ERR_INIT;
        db_close(db, &ignored);
        return -1;
    }
    struct db_trial t;
    struct db_cursor *hold = NULL;
    int bad = db_get(db, hash, &t, &hold, err) == 1 ? record_point(s, &t, x, err) : -1;
    db_cursor_free(hold);
    if (!bad && !same_model(s, db)) {
        cli_say(cli,
                "note: these are the numbers of another model than that of '%s' (--set, or another version of the "
                "program)",
                path);
    }
    struct err ignored = ERR_INIT;
    db_close(db, &ignored);
    return bad;
}

static char *stored_yaml(const char *path, struct err *err)
{
    struct db *db = db_open(path, DB_READ, err);
    if (db == NULL) {
        return NULL;
    }
    const char *text = db_meta(db, "yaml");
    char *yaml = text != NULL ? mem_strdup(text) : NULL;
    struct err ignored = ERR_INIT;
    db_close(db, &ignored);
    if (yaml == NULL) {
        err_set(err, ERR_DATA, "'%s' holds no study", path);
    }
    return yaml;
}

static bool is_database(const char *path)
{
    char head[16] = "";
    FILE *f = fopen(path, "rb");
    size_t n = f != NULL ? fread(head, 1, sizeof head, f) : 0;
    if (f != NULL) {
        fclose(f);
    }
    return n == sizeof head && memcmp(head, "SQLite format 3", 16) == 0;
}

static int assign_args(const struct study *s, int n, const char *const *args, double *x, struct err *err)
{
    for (int i = 0; i < n; i++) {
        const char *equal = strchr(args[i], '=');
        if (equal == NULL) {
            return err_set(err, ERR_USAGE, "'%s' is not name=value", args[i]);
        }
        char *name = mem_strndup(args[i], (size_t)(equal - args[i]));
        int bad = study_assign(s, name, equal + 1, x, err);
        mem_free(name);
        if (bad) {
            return -1;
        }
    }
    space_canonical(&s->space, x);
    return 0;
}

static json_t *metrics_json(const struct evaluation *v)
{
    json_t *m = json_object();
    for (int i = 0; i < METRIC_COUNT; i++) {
        json_object_set_new(m, metrics[i].column, isfinite(v->metric[i]) ? json_real(v->metric[i]) : json_null());
    }
    return m;
}

/* The design's text with values as people read them; vectors over blocks as they stand in the text. */
static void print_design(const struct study *s, const char *text, const double *x)
{
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        struct strbuf value = STRBUF_INIT, line = STRBUF_INIT;
        strbuf_addf(&line, "%s=", f->name);
        const char *at = strstr(text, strbuf_str(&line));
        while (at != NULL && at != text && at[-1] != '\n') { /* "mac_bits=" is not "bits=" */
            at = strstr(at + 1, strbuf_str(&line));
        }
        if (f->per == PER_NETWORK || at == NULL) {
            study_show(s, i, x, &value);
        } else {
            at += line.len;
            strbuf_add(&value, at, strcspn(at, "\n"));
        }
        printf("  %-14s %s\n", f->name, strbuf_str(&value));
        strbuf_release(&value);
        strbuf_release(&line);
    }
    printf("\n");
}

static void print_metrics(const struct study *s, const struct evaluation *v)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        if (isnan(v->metric[i])) {
            continue;
        }
        struct strbuf t = STRBUF_INIT;
        if (strcmp(metrics[i].unit, "%") == 0) {
            strbuf_addf(&t, "%.4g%%", v->metric[i]);
        } else {
            quantity_print(v->metric[i] / metrics[i].column_scale, metrics[i].dim, &t);
        }
        struct strbuf what = STRBUF_INIT;
        record_describe(s, (enum metric_id)i, &what);
        printf("%-16s %12s   %s\n", metrics[i].name, strbuf_str(&t), strbuf_str(&what));
        strbuf_release(&what);
        strbuf_release(&t);
    }
    for (int i = 0; i < s->n_constraints; i++) {
        if (v->violation[i] > 0) {
            printf("violated         %s, by %.3g %%\n", s->constraint[i].source, 100 * v->violation[i]);
        }
    }
    if (v->why[0]) {
        static const char *const words[DB_STATE_COUNT] = {"note", "infeasible", "failed"};
        printf("%-16s %s\n", words[v->state], v->why);
    }
}

/* Into the study's own file, which no search may be writing now. */
static int save(const struct study *s, struct evaluator *e, const char *path, int64_t number, const double *x,
                struct err *err)
{
    struct db *db = db_open(path, DB_WRITE, err);
    int bad = db == NULL ? -1 : 0;
    if (!bad && !same_model(s, db)) {
        bad = err_set(err, ERR_DATA, "the numbers of '%s' are another model's: nothing is saved beside them", path);
    }
    bad = bad || breakdown_design(e, db, number, x, true, err) < 0 ? -1 : 0;
    struct err late = ERR_INIT;
    if (db_close(db, &late) < 0 && !bad) {
        *err = late;
        bad = -1;
    }
    return bad;
}

/* The document of --json; NULL on an error. */
static json_t *design_json(const struct evaluation *v, const struct eval_opts *o,
                           const struct evaluation_detail *detail, const char *hex, const char *text, struct err *err)
{
    json_t *doc = json_pack("{s:s, s:s, s:s, s:o, s:s}", "design", hex, "text", text, "state", db_state_names[v->state],
                            "metrics", metrics_json(v), "why", v->why);
    json_t *part = NULL;
    int bad = 0;
    if (detail != NULL && o->explain) {
        part = explain_json(detail, o->layer, err);
        bad = part == NULL || json_object_set_new(doc, "explain", part) < 0 ? -1 : 0;
    }
    if (detail != NULL && o->mapping && !bad) {
        json_object_set_new(doc, "mappings", part = json_array());
        bad = explain_mappings(detail, o->layer, part, err);
    }
    if (bad) {
        json_decref(doc);
        return NULL;
    }
    return doc;
}

static int show(struct cli *cli, const struct study *s, const struct eval_opts *o, const char *path, int64_t number,
                const double *x)
{
    struct memo *memo = memo_new(NETWORK_MEMO_VALUE, (size_t)16 << 20, NULL);
    struct evaluator *e = evaluator_new(s, memo, NULL);
    struct evaluation v;
    struct evaluation_detail detail;
    struct err err = ERR_INIT;
    if (evaluator_start(e, 1, &err) < 0) {
        evaluator_free(e);
        memo_free(memo);
        return cli_error(cli, &err);
    }
    evaluator_run(e, x, &v);
    char hex[HASH_HEX];
    hash_hex(study_design_hash(s, x), hex);
    struct strbuf text = STRBUF_INIT;
    study_design_text(s, x, &text);
    int bad = 0;
    bool deep = (o->explain || o->mapping) && evaluator_explain(e, x, &detail, &err) == 0;
    if (cli->json) {
        json_t *doc = design_json(&v, o, deep ? &detail : NULL, hex, strbuf_str(&text), &err);
        bad = doc != NULL ? cli_json(doc) : -1;
    } else {
        printf("design           %.7s\n", hex);
        print_design(s, strbuf_str(&text), x);
        print_metrics(s, &v);
        if (deep && o->explain) {
            bad |= explain_print(&detail, o->layer, &err);
        }
        if (deep && o->mapping && !bad) {
            bad |= explain_mappings(&detail, o->layer, NULL, &err);
        }
    }
    if (deep) {
        evaluation_detail_release(&detail);
    }
    bad = bad ? bad : o->save ? save(s, e, path, number, x, &err) : 0;
    strbuf_release(&text);
    evaluator_free(e);
    memo_free(memo);
    if (bad) {
        return cli_error(cli, &err);
    }
    return v.state == DB_OK ? 0 : ERR_NO;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct eval_opts *o = values;
    struct err err = ERR_INIT;
    bool stored = is_database(args[0]);
    if (stored && n_args != 2) {
        return cli_fail(cli, ERR_USAGE, "name one design of '%s': dovetail eval %s ID", args[0], args[0]);
    }
    if (o->layer != NULL && !o->explain && !o->mapping) {
        return cli_fail(cli, ERR_USAGE,
                        "--layer says which operator --explain or --mapping shows: give one of them too");
    }
    if (o->save && !stored) {
        return cli_fail(cli, ERR_USAGE, "--save needs a database to save in: dovetail eval FILE.db ID --save");
    }
    if (o->save && o->study.set.n + o->study.fix.n > 0) {
        return cli_fail(cli, ERR_USAGE, "--save keeps what the database's own study says: --set and --fix exclude it");
    }
    char *yaml = stored ? stored_yaml(args[0], &err) : NULL;
    if (stored && yaml == NULL) {
        return cli_error(cli, &err);
    }
    struct strbuf keep = STRBUF_INIT;
    struct study_override *set;
    int n = study_overrides(&o->study, 0, &set, &keep);
    struct diags d = DIAGS_INIT;
    struct study *s = stored ? study_parse(args[0], yaml, strlen(yaml), set, n, &d) : study_load(args[0], set, n, &d);
    int status = cli_diags(cli, &d);
    if (s != NULL) {
        double *x = mem_calloc((size_t)s->space.n + 1, sizeof *x);
        study_default(s, x);
        int64_t number = -1;
        int bad = stored ? point_of_id(cli, s, args[0], args[1], x, &number, &err)
                         : assign_args(s, n_args - 1, args + 1, x, &err);
        status = bad ? cli_error(cli, &err) : show(cli, s, o, args[0], number, x);
        mem_free(x);
    }
    study_free(s);
    diags_release(&d);
    mem_free(set);
    mem_free(yaml);
    strbuf_release(&keep);
    return status;
}

const struct verb verb_eval = {
    .name = "eval",
    .args = "STUDY [name=value..] | DB ID",
    .help = "price one design and explain it",
    .details =
        "Variables that are not named have their default: the template's value, 8 bits, split over output channels.",
    .example = "dovetail eval demo pe_rows=16 bits=4 --explain\ndovetail eval demo.db 3481fe0 --mapping --layer "
               "layer1.0.conv2",
    .options = options,
    .options_size = sizeof(struct eval_opts),
    .defaults = &defaults,
    .min_args = 1,
    .max_args = -1,
    .run = run};
