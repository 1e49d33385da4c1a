/* dovetail resume: go on with the study that a database holds; the study file is not needed. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/open_db.h"
#include "cli/run_study.h"
#include "db/db.h"
#include "experiments/study.h"

#include <string.h>

struct resume_opts {
    struct run_opts run;
    int64_t budget;
};

/* clang-format off */
static const struct opt options[] = {
    {"budget", 'b', OPT_INT, offsetof(struct resume_opts, budget), "N", "evaluations in all, in place of the study's", .min = 1, .max = 1e12},
    RUN_OPTIONS(struct resume_opts, run),
    OPT_END
};
/* clang-format on */

static const struct resume_opts defaults = {.run = RUN_DEFAULTS};

static int resume(struct cli *cli, const struct resume_opts *o, const char *path)
{
    struct err err = ERR_INIT;
    struct db *db = db_open(path, DB_READ, &err);
    if (db == NULL) {
        return cli_error(cli, &err);
    }
    const char *stored = db_meta(db, "yaml");
    char *yaml = stored != NULL ? mem_strdup(stored) : NULL;
    db_close(db, &err);
    if (yaml == NULL) {
        return cli_fail(cli, ERR_DATA, "'%s' holds no study", path);
    }
    struct strbuf keep = STRBUF_INIT;
    struct study_override *set;
    struct study_opts none = STUDY_DEFAULTS;
    int n = study_overrides(&none, o->budget, &set, &keep);
    struct diags d = DIAGS_INIT;
    struct study *s = study_parse(path, yaml, strlen(yaml), set, n, &d);
    int status = cli_diags(cli, &d);
    if (s != NULL) {
        status = run_study(cli, s, path, &o->run, "dovetail resume");
    }
    study_free(s);
    diags_release(&d);
    mem_free(set);
    mem_free(yaml);
    strbuf_release(&keep);
    return status;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    int status;
    char *path = find_db(cli, n_args > 0 ? args[0] : NULL, &status);
    if (path != NULL) {
        status = resume(cli, values, path);
    }
    mem_free(path);
    return status;
}

const struct verb verb_resume = {.name = "resume",
                                 .args = "[DB|DIR]",
                                 .help = "go on with the study in a database",
                                 .details =
                                     "A folder stands for the one database in it; without an argument, this folder.",
                                 .example = "dovetail resume demo.db\ndovetail resume runs/edge.db --budget 400k",
                                 .options = options,
                                 .options_size = sizeof(struct resume_opts),
                                 .defaults = &defaults,
                                 .min_args = 0,
                                 .max_args = 1,
                                 .run = run};
