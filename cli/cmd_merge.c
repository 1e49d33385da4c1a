/* dovetail merge: the union of several studies by design, as a new file; of a sweep, the union of what its tasks have brought back. */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/study_files.h"
#include "experiments/sweep_shard.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct merge_opts {
    const char *output;
    bool force_model;
};

/* clang-format off */
static const struct opt options[] = {
    {"output", 'o', OPT_STRING, offsetof(struct merge_opts, output), "FILE", .help = "the new database"},
    {"force-model", 0, OPT_FLAG, offsetof(struct merge_opts, force_model), NULL,
     .help = "unite also what different cost models have priced"},
    OPT_END
};
/* clang-format on */

static json_t *report_json(const char *output, int n, const struct db_merge_report *r)
{
    return json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "database", output, "files", n, "trials", (json_int_t)r->trials,
                     "designs", (json_int_t)r->designs, "duplicates", (json_int_t)r->duplicates, "front",
                     (json_int_t)r->front);
}

static void print_report(const struct cli *cli, const char *output, int n, const struct db_merge_report *r)
{
    printf("%d files, %lld designs from %lld trials, %lld duplicates with the same result, front %lld -> %s\n", n,
           (long long)r->designs, (long long)r->trials, (long long)r->duplicates, (long long)r->front, output);
    cli_next(cli, "dovetail pareto %s", output);
}

/* ---- a sweep ---- */

/* FILE.db, or of one of several groups FILE-model_resnet18.db. */
static char *group_output(const struct sweep *s, int group, const char *output)
{
    struct strbuf label = STRBUF_INIT, out = STRBUF_INIT;
    size_t n = strlen(output);
    size_t stem = n > 3 && strcmp(output + n - 3, ".db") == 0 ? n - 3 : n;
    sweep_group_label(s, group, &label);
    strbuf_add(&out, output, stem);
    if (s->n_groups > 1) {
        strbuf_addf(&out, "-%d%s%s", group, label.len > 0 ? "-" : "", strbuf_str(&label));
        for (size_t i = stem; i < out.len; i++) {
            out.buf[i] = isalnum((unsigned char)out.buf[i]) || strchr("._-", out.buf[i]) ? out.buf[i] : '_';
        }
    }
    strbuf_adds(&out, output + stem);
    strbuf_release(&label);
    return strbuf_detach(&out);
}

/* The shards of one group, in the order of the tasks; 0 files: none has brought anything back. */
static int unite_group(const struct sweep *s, const struct shard *shards, int group, const char *output, bool force,
                       int *n, struct db_merge_report *r, struct err *err)
{
    const char **path = mem_calloc((size_t)s->n_tasks, sizeof *path);
    *n = 0;
    for (int i = 0; i < s->n_tasks; i++) {
        if (s->task[i].group == group && shards[i].path != NULL) {
            path[(*n)++] = shards[i].path;
        }
    }
    int bad = *n > 0 ? db_merge(output, path, *n, force, r, err) : 0;
    mem_free(path);
    return bad;
}

/* A running task may replace its shard between the listing and the reading: then list again. */
static int unite(const struct sweep *s, int group, const char *output, bool force, int *n, struct db_merge_report *r,
                 struct err *err)
{
    int bad = -1;
    for (int attempt = 0; attempt < 5 && bad; attempt++) {
        *err = (struct err)ERR_INIT;
        struct shard *shards = shards_read(s, err);
        bad = shards == NULL || unite_group(s, shards, group, output, force, n, r, err);
        shards_free(shards, s->n_tasks);
        if (err->code != ERR_NOINPUT) {
            break;
        }
    }
    return bad;
}

static void warn_of_rest(const struct cli *cli, const struct sweep *s, const struct shard *shards)
{
    struct strbuf spec = STRBUF_INIT;
    bool *open = mem_calloc((size_t)s->n_tasks, sizeof *open);
    int n = 0;
    for (int i = 0; i < s->n_tasks; i++) {
        open[i] = !shards[i].done;
        n += open[i];
    }
    sweep_spec(open, s->n_tasks, &spec);
    if (n > 0) {
        cli_say(cli, "warning: %d of %d tasks are not done (%s): of these there is what they have brought back so far",
                n, s->n_tasks, strbuf_str(&spec));
    }
    mem_free(open);
    strbuf_release(&spec);
}

static int merge_sweep(struct cli *cli, const char *dir, const struct merge_opts *o)
{
    struct sweep s;
    struct err err = ERR_INIT;
    if (sweep_open(&s, dir, &err) < 0) {
        return cli_error(cli, &err);
    }
    struct shard *shards = shards_read(&s, &err);
    int bad = shards == NULL, made = 0;
    if (!bad) {
        warn_of_rest(cli, &s, shards);
    }
    json_t *list = json_array();
    for (int g = 0; g < s.n_groups && !bad; g++) {
        struct db_merge_report r = {0};
        char *output = group_output(&s, g, o->output);
        int n = 0;
        bad = unite(&s, g, output, o->force_model, &n, &r, &err);
        if (!bad && n > 0) {
            made++;
            json_array_append_new(list, report_json(output, n, &r));
            if (!cli->json) {
                print_report(cli, output, n, &r);
            }
        }
        db_merge_report_release(&r);
        mem_free(output);
    }
    if (!bad && made == 0) {
        bad = err_set(&err, ERR_NOINPUT, "no task of '%s' has brought anything back", dir);
    }
    int status = bad ? cli_error(cli, &err) : 0;
    if (!bad && cli->json) {
        cli_json(s.n_groups == 1 ? json_incref(json_array_get(list, 0)) : json_pack("{s:O}", "groups", list));
    }
    json_decref(list);
    shards_free(shards, s.n_tasks);
    sweep_release(&s);
    return status;
}

/* ---- files ---- */

static int merge_files(struct cli *cli, const struct merge_opts *o, int n_args, const char *const *args)
{
    struct err err = ERR_INIT;
    struct study_files files = {0};
    int bad = 0;
    for (int i = 0; i < n_args && !bad; i++) {
        bad = study_files_add(&files, args[i], o->output, &err);
    }
    struct db_merge_report r = {0};
    if (!bad) {
        bad = db_merge(o->output, (const char *const *)files.path, files.n, o->force_model, &r, &err);
    }
    int status = bad ? cli_error(cli, &err) : 0;
    if (!bad && cli->json) {
        cli_json(report_json(o->output, files.n, &r));
    } else if (!bad) {
        print_report(cli, o->output, files.n, &r);
    }
    db_merge_report_release(&r);
    study_files_release(&files);
    return status;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct merge_opts *o = values;
    if (!o->output) {
        return cli_fail(cli, ERR_USAGE, "merge needs -o FILE for its result");
    }
    if (n_args == 1 && sweep_is(args[0])) {
        return merge_sweep(cli, args[0], o);
    }
    return merge_files(cli, o, n_args, args);
}

const struct verb verb_merge = {
    .name = "merge",
    .args = "DB|DIR..",
    .help = "unite studies of one space by design, as a new database",
    .details =
        "A folder stands for the .db files in it, the folder of a sweep for what its tasks have brought back; where "
        "a sweep varies what designs cost (the model, a parameter), each such case becomes a database of its own. "
        "The same design with other numbers in two "
        "files is an error that names both: results are not reproducible. The union "
        "can be asked, not continued.",
    .example = "dovetail merge a.db b.db -o all.db\ndovetail merge runs/edge_cnn -o edge_cnn.db",
    .options = options,
    .options_size = sizeof(struct merge_opts),
    .min_args = 1,
    .max_args = -1,
    .run = run};
