/* dovetail upgrade: brings a database of an older schema to the present one. Nothing else does, silently. */
#include "cli/cli.h"
#include "experiments/study_files.h"

#include <stdio.h>

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    (void)values, (void)n_args;
    struct err err = ERR_INIT;
    int from, to;
    if (db_upgrade(args[0], &from, &to, &err)) {
        return cli_error(cli, &err);
    }
    if (cli->json) {
        return cli_json(json_pack("{s:s, s:i, s:i}", "database", args[0], "from", from, "to", to));
    }
    if (from == to) {
        printf("%s has schema version %d already\n", args[0], to);
    } else {
        printf("%s: schema version %d -> %d\n", args[0], from, to);
    }
    return 0;
}

const struct verb verb_upgrade = {.name = "upgrade",
                                  .args = "DB",
                                  .help = "bring a database of an older version to this one",
                                  .example = "dovetail upgrade old.db",
                                  .min_args = 1,
                                  .max_args = 1,
                                  .run = run};
