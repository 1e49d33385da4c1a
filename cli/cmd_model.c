/* dovetail model: prices a given mapping. --case: cases in JSON lines, one answer a line. */
#include "base/strbuf.h"
#include "cli/cli.h"
#include "experiments/case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_opts {
    const char *cases;
    int accounting;
};

static const struct opt options[] = {{"case", 0, OPT_STRING, offsetof(struct model_opts, cases), "FILE",
                                      .help = "price the cases of a JSON Lines file ('-': standard input)"},
                                     {"accounting", 0, OPT_CHOICE, offsetof(struct model_opts, accounting), "RULES",
                                      .help = "whose rules to count by", .choices = accounting_names},
                                     OPT_END};

static int run_cases(const struct cli *cli, const struct model_opts *o)
{
    FILE *in = strcmp(o->cases, "-") == 0 ? stdin : fopen(o->cases, "r");
    if (in == NULL) {
        return cli_fail(cli, ERR_NOINPUT, "cannot open '%s': %s", o->cases, strerror(errno));
    }
    char *line = NULL;
    size_t cap = 0;
    long good = 0, bad = 0;
    struct strbuf out = STRBUF_INIT;
    for (ssize_t n; (n = getline(&line, &cap, in)) >= 0;) {
        if (strspn(line, " \t\r\n") == (size_t)n) {
            continue;
        }
        strbuf_reset(&out);
        int rc = case_run(line, (size_t)n, (enum accounting)o->accounting, &out);
        good += rc == 0;
        bad += rc != 0;
        fwrite(out.buf, 1, out.len, stdout);
    }
    free(line);
    strbuf_release(&out);
    if (in != stdin) {
        fclose(in);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_fail(cli, ERR_IO, "cannot write the answers: %s", strerror(errno));
    }
    cli_say(cli, "%ld cases priced, %ld not understood", good, bad);
    return 0;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct model_opts *o = values;
    (void)n_args;
    (void)args;
    if (o->cases == NULL) {
        return cli_fail(cli, ERR_USAGE, "name the cases: --case FILE");
    }
    return run_cases(cli, o);
}

const struct verb verb_model = {.name = "model",
                                .args = "",
                                .help = "price a given mapping",
                                .details = "With --case each line of the file is an operator, an accelerator and a "
                                           "mapping "
                                           "in the format of docs/cases.md, and each line of the output its "
                                           "answer; a case "
                                           "that is not understood is answered with an error and the run goes on.",
                                .example = "dovetail model --case cases.jsonl --accounting timeloop",
                                .options = options,
                                .options_size = sizeof(struct model_opts),
                                .run = run};
