/* dovetail completion bash|zsh|fish */
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/help.h"

#include <stdio.h>

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    (void)values, (void)n_args;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    struct strbuf text = STRBUF_INIT;
    if (help_completion(args[0], &text)) {
        return cli_unknown(cli, "completion for", args[0], shells, 3);
    }
    if (cli->json) {
        cli_json(json_pack("{s:s, s:s}", "shell", args[0], "script", strbuf_str(&text)));
    } else {
        fputs(strbuf_str(&text), stdout);
    }
    strbuf_release(&text);
    return 0;
}

const struct verb verb_completion = {.name = "completion",
                                     .args = "bash|zsh|fish",
                                     .help = "write the shell's completions",
                                     .example = "source <(dovetail completion bash)",
                                     .min_args = 1,
                                     .max_args = 1,
                                     .run = run};
