/* dovetail version */
#include "base/version.h"
#include "cli/cli.h"

#include <stdio.h>

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    (void)values, (void)n_args, (void)args;
    const char *commit = dovetail_commit();
    if (cli->json) {
        return cli_json(json_pack("{s:s, s:s*, s:s}", "version", dovetail_version(), "commit", *commit ? commit : NULL,
                                  "compiler", __VERSION__));
    }
    printf("dovetail %s%s%s%s\n", dovetail_version(), *commit ? " (" : "", commit, *commit ? ")" : "");
    return 0;
}

const struct verb verb_version = {.name = "version", .args = "", .help = "show the version", .run = run};
