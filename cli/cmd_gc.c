/* dovetail gc: gives back the space of what can be computed again, and checks what is counted. */
#include "cli/cli.h"
#include "experiments/study_files.h"

#include <stdio.h>

struct gc_opts {
    bool caches;
};

/* clang-format off */
static const struct opt options[] = {
    {"caches", 0, OPT_FLAG, offsetof(struct gc_opts, caches), NULL, .help = "drop the evaluation and mapping caches too"},
    OPT_END
};
/* clang-format on */

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    (void)n_args;
    const struct gc_opts *o = values;
    struct err err = ERR_INIT;
    struct db_gc_report r;
    if (db_gc(args[0], o->caches, &r, &err)) {
        return cli_error(cli, &err);
    }
    if (cli->json) {
        return cli_json(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "database", args[0], "bytes_before",
                                  (json_int_t)r.bytes_before, "bytes_after", (json_int_t)r.bytes_after, "layer_rows",
                                  (json_int_t)r.layer_rows, "cached", (json_int_t)r.cached, "ranks",
                                  (json_int_t)r.ranks));
    }
    printf("%s: %.1f MB, was %.1f MB; dropped %lld rows of breakdowns off the front, %lld cached results\n", args[0],
           (double)r.bytes_after * 1e-6, (double)r.bytes_before * 1e-6, (long long)r.layer_rows, (long long)r.cached);
    if (r.ranks) {
        printf("corrected  %lld designs that were wrongly on or off the front\n", (long long)r.ranks);
    }
    return 0;
}

const struct verb verb_gc = {
    .name = "gc",
    .args = "DB",
    .help = "tidy a study: drop what can be computed again, give the space back",
    .details = "Breakdowns of designs that are no longer on the front go; trials and designs stay as they "
               "are. No search may be writing.",
    .example = "dovetail gc demo.db --caches",
    .options = options,
    .options_size = sizeof(struct gc_opts),
    .min_args = 1,
    .max_args = 1,
    .run = run};
