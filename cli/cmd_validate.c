/* dovetail validate: read study files and report every error at once; nothing is run or written. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/run_study.h"
#include "experiments/study.h"

#include <math.h>
#include <stdio.h>

struct validate_opts {
    struct study_opts study;
};

/* clang-format off */
static const struct opt options[] = {
    STUDY_OPTIONS(struct validate_opts, study),
    OPT_END
};
/* clang-format on */

static const struct validate_opts defaults = {.study = STUDY_DEFAULTS};

static json_t *facts(const char *path, const struct study *s)
{
    char space[HASH_HEX], model[HASH_HEX];
    hash_hex(s->space_hash, space);
    hash_hex(s->model_hash, model);
    double size = space_cardinality(&s->space);
    json_t *doc = json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:s}", "file", path, "name", s->name, "variables",
                            s->space.n, "objectives", s->n_objectives, "constraints", s->n_constraints, "space_hash",
                            space, "model_hash", model);
    json_object_set_new(doc, "designs", isfinite(size) ? json_real(size) : json_null());
    return doc;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct validate_opts *o = values;
    struct strbuf keep = STRBUF_INIT;
    struct study_override *set;
    int n = study_overrides(&o->study, 0, &set, &keep);
    struct diags d = DIAGS_INIT;
    json_t *list = json_array();
    for (int i = 0; i < n_args; i++) {
        struct study *s = study_load(args[i], set, n, &d);
        if (s != NULL && cli->json) {
            json_array_append_new(list, facts(args[i], s));
        } else if (s != NULL) {
            printf("%s: ok, %d variables, %.2g designs, %d objectives, %d constraints\n", args[i], s->space.n,
                   space_cardinality(&s->space), s->n_objectives, s->n_constraints);
        }
        study_free(s);
    }
    int status = cli_diags(cli, &d);
    if (cli->json && status == 0) {
        cli_json(json_pack("{s:b, s:o}", "ok", 1, "studies", list));
    } else {
        json_decref(list);
    }
    diags_release(&d);
    mem_free(set);
    strbuf_release(&keep);
    return status;
}

const struct verb verb_validate = {.name = "validate",
                                   .args = "STUDY.yaml..",
                                   .help = "check study files: all errors at once, nothing is run",
                                   .options = options,
                                   .options_size = sizeof(struct validate_opts),
                                   .defaults = &defaults,
                                   .min_args = 1,
                                   .max_args = -1,
                                   .run = run};
