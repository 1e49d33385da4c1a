/* The verb table. To add a verb: write cmd_<verb>.c with its `verb_<verb>`, and add its row to VERBS. */
#include "cli/cli.h"

#include <string.h>

/* clang-format off */
#define VERBS(X) \
    X(search) \
    X(resume) \
    X(sweep) \
    X(status) \
    X(pareto) \
    X(eval) \
    X(export) \
    X(merge) \
    X(diff) \
    X(gc) \
    X(upgrade) \
    X(validate) \
    X(model) \
    X(map) \
    X(import) \
    X(workload) \
    X(templates) \
    X(init) \
    X(explain) \
    X(doctor) \
    X(completion) \
    X(help) \
    X(version)
/* clang-format on */

#define DECLARE(name) extern const struct verb verb_##name;
VERBS(DECLARE)

#define ROW(name) &verb_##name,
const struct verb *const cli_verbs[] = {VERBS(ROW) NULL};

const struct opt cli_common_options[] = {
    {"json", 0, OPT_FLAG, offsetof(struct cli, json), NULL, .help = "one JSON document on standard output"},
    {"quiet", 'q', OPT_FLAG, offsetof(struct cli, quiet), NULL, .help = "say nothing but errors"},
    {"verbose", 'v', OPT_FLAG, offsetof(struct cli, verbose), NULL, .help = "say more"},
    {"help", 'h', OPT_FLAG, offsetof(struct cli, help), NULL, .help = "show this help"},
    OPT_END};

const struct verb *cli_find_verb(const char *name)
{
    for (int v = 0; cli_verbs[v]; v++) {
        if (strcmp(cli_verbs[v]->name, name) == 0) {
            return cli_verbs[v];
        }
    }
    return NULL;
}
