/* dovetail search: start a study, or continue it when its database is there. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/run_study.h"
#include "experiments/study.h"

struct search_opts {
    struct study_opts study;
    struct run_opts run;
    int64_t budget;
    const char *output;
};

/* clang-format off */
static const struct opt options[] = {
    {"output", 'o', OPT_STRING, offsetof(struct search_opts, output), "FILE", "the database (default: NAME.db in this folder)"},
    {"budget", 'b', OPT_INT, offsetof(struct search_opts, budget), "N", "evaluations in all, in place of the study's", .min = 1, .max = 1e12},
    RUN_OPTIONS(struct search_opts, run),
    STUDY_OPTIONS(struct search_opts, study),
    OPT_END
};
/* clang-format on */

static const struct search_opts defaults = {.study = STUDY_DEFAULTS, .run = RUN_DEFAULTS};

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct search_opts *o = values;
    const char *path = n_args > 0 ? args[0] : "study.yaml";
    struct strbuf keep = STRBUF_INIT, file = STRBUF_INIT, command = STRBUF_INIT;
    struct study_override *set;
    int n = study_overrides(&o->study, o->budget, &set, &keep);
    struct diags d = DIAGS_INIT;
    struct study *s = study_load(path, set, n, &d);
    int status = cli_diags(cli, &d);
    if (s != NULL) {
        if (o->output != NULL) {
            strbuf_adds(&file, o->output);
        } else {
            strbuf_addf(&file, "%s.db", s->name);
        }
        strbuf_addf(&command, "dovetail search %s", path);
        status = run_study(cli, s, strbuf_str(&file), &o->run, strbuf_str(&command));
    }
    study_free(s);
    diags_release(&d);
    mem_free(set);
    strbuf_release(&keep);
    strbuf_release(&file);
    strbuf_release(&command);
    return status;
}

const struct verb verb_search = {
    .name = "search",
    .args = "[STUDY.yaml]",
    .help = "run a study, or go on with it where it stopped",
    .details = "The study is a file, or the name of a built-in one (demo). Every evaluation is stored in the database "
               "as it is made; "
               "when the file exists, what it holds is not evaluated again. The same study and seed give the same "
               "trials in the "
               "same order on any number of threads, interrupted or not.",
    .example = "dovetail search demo\ndovetail search edge.yaml -j 16 --budget 200k -o runs/edge.db",
    .options = options,
    .options_size = sizeof(struct search_opts),
    .defaults = &defaults,
    .min_args = 0,
    .max_args = 1,
    .run = run};
