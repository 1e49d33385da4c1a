/* dovetail help [VERB]: texts from the tables, also as the manual page. */
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/help.h"

#include <stdio.h>

struct help_opts {
    bool man;
};

static const struct opt options[] = {
    {"man", 0, OPT_FLAG, offsetof(struct help_opts, man), NULL, .help = "write the manual page, for man(1)"}, OPT_END};

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct help_opts *opts = values;
    const struct verb *verb = n_args ? cli_find_verb(args[0]) : NULL;
    if (n_args && !verb) {
        const char *names[64];
        int n = 0;
        for (; cli_verbs[n] && n < 64; n++) {
            names[n] = cli_verbs[n]->name;
        }
        return cli_unknown(cli, "verb", args[0], names, n);
    }
    if (cli->json) {
        return cli_json(help_json(verb));
    }
    struct strbuf text = STRBUF_INIT;
    if (opts->man) {
        help_man(&text);
    } else if (verb) {
        help_verb(verb, &text);
    } else {
        help_overview(&text);
    }
    fputs(strbuf_str(&text), stdout);
    strbuf_release(&text);
    return 0;
}

const struct verb verb_help = {.name = "help",
                               .args = "[VERB]",
                               .help = "list the verbs, or show one's options",
                               .options = options,
                               .options_size = sizeof(struct help_opts),
                               .max_args = 1,
                               .run = run};
