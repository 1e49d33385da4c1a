/* dovetail merge: the union of several studies by design, as a new file. */
#include "cli/cli.h"
#include "experiments/study_files.h"

#include <stdio.h>

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

static int report(const struct cli *cli, const char *output, int n, const struct db_merge_report *r)
{
    if (cli->json) {
        return cli_json(json_pack("{s:s, s:i, s:I, s:I, s:I, s:I}", "database", output, "files", n, "trials",
                                  (json_int_t)r->trials, "designs", (json_int_t)r->designs, "duplicates",
                                  (json_int_t)r->duplicates, "front", (json_int_t)r->front));
    }
    printf("%d files, %lld designs from %lld trials, %lld duplicates with the same result, front %lld -> %s\n", n,
           (long long)r->designs, (long long)r->trials, (long long)r->duplicates, (long long)r->front, output);
    cli_next(cli, "dovetail pareto %s", output);
    return 0;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct merge_opts *o = values;
    struct err err = ERR_INIT;
    struct study_files files = {0};
    if (!o->output) {
        return cli_fail(cli, ERR_USAGE, "merge needs -o FILE for its result");
    }
    int bad = 0;
    for (int i = 0; i < n_args && !bad; i++) {
        bad = study_files_add(&files, args[i], o->output, &err);
    }
    struct db_merge_report r = {0};
    if (!bad) {
        bad = db_merge(o->output, (const char *const *)files.path, files.n, o->force_model, &r, &err);
    }
    int status = bad ? cli_error(cli, &err) : report(cli, o->output, files.n, &r);
    db_merge_report_release(&r);
    study_files_release(&files);
    return status;
}

const struct verb verb_merge = {
    .name = "merge",
    .args = "DB|DIR..",
    .help = "unite studies of one space by design, as a new database",
    .details = "A folder stands for the .db files in it. The same design with other numbers in two "
               "files is an error that names both: results are not reproducible. The union "
               "can be asked, not continued.",
    .example = "dovetail merge a.db b.db -o all.db\ndovetail merge runs/edge_cnn -o edge_cnn.db",
    .options = options,
    .options_size = sizeof(struct merge_opts),
    .min_args = 1,
    .max_args = -1,
    .run = run};
