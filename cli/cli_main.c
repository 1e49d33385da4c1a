/* dovetail VERB [argument..] [option..]: finds the verb, reads its options, runs it. What a verb is stands in cli.h, the
 * list of them in verbs.c. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/help.h"

#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void openblas_set_num_threads(int n); /* openblas_config.h lies in a folder of its own on each system */

static bool understands_color(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

static int check_args(const struct cli *cli, int n)
{
    const struct verb *verb = cli->verb;
    if (n < verb->min_args) {
        return cli_fail(cli, ERR_USAGE, "an argument is missing");
    }
    if (verb->max_args >= 0 && n > verb->max_args) {
        return cli_fail(cli, ERR_USAGE, "too many arguments");
    }
    return 0;
}

/* Known before the options are read, so that an error in them is told as JSON too. */
static bool wants_json(int argc, const char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

static int run_verb(struct cli *cli, int argc, const char *const *argv)
{
    const struct verb *verb = cli->verb;
    void *values = mem_alloc(verb->options_size);
    if (verb->defaults) {
        memcpy(values, verb->defaults, verb->options_size);
    }
    const struct opt_table tables[] = {{verb->options, values}, {cli_common_options, cli}};
    const char **args = mem_calloc((size_t)argc + 1, sizeof *args);
    int n_args;
    struct err err = ERR_INIT;
    int status;
    cli->json = wants_json(argc, argv);
    if (options_parse(tables, 2, argc, argv, args, &n_args, &err)) {
        status = cli_error(cli, &err);
    } else if (cli->help) {
        struct strbuf text = STRBUF_INIT;
        help_verb(verb, &text);
        fputs(strbuf_str(&text), stdout);
        strbuf_release(&text);
        status = 0;
    } else {
        status = check_args(cli, n_args);
        if (!status) {
            status = verb->run(cli, values, n_args, args);
        }
    }
    options_release(&tables[0]);
    mem_free(args);
    mem_free(values);
    return status;
}

/* "-h", "--version": as the verb of that name. */
static const char *verb_word(const char *word)
{
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
        return "help";
    }
    return strcmp(word, "--version") == 0 ? "version" : word;
}

static int dispatch(struct cli *cli, int argc, const char *const *argv)
{
    if (argc < 2) {
        struct strbuf text = STRBUF_INIT;
        help_overview(&text);
        fputs(strbuf_str(&text), stderr);
        strbuf_release(&text);
        return ERR_USAGE;
    }
    cli->verb = cli_find_verb(verb_word(argv[1]));
    if (!cli->verb) {
        const char *names[64];
        int n = 0;
        for (; cli_verbs[n] && n < 64; n++) {
            names[n] = cli_verbs[n]->name;
        }
        cli->json = wants_json(argc, argv);
        int status = cli_unknown(cli, "verb", argv[1], names, n);
        fputs("dovetail help lists the verbs\n", stderr);
        return status;
    }
    return run_verb(cli, argc - 2, argv + 2);
}

void cli_setup(void)
{
    gsl_set_error_handler_off();
    openblas_set_num_threads(1);
}

int cli_main(int argc, char **argv, struct pool *(*new_pool)(const struct pool_request *, struct err *))
{
    cli_setup();
    struct cli cli = {.color_out = understands_color(STDOUT_FILENO),
                      .color_err = understands_color(STDERR_FILENO),
                      .tty_err = isatty(STDERR_FILENO),
                      .new_pool = new_pool};
    int status = dispatch(&cli, argc, (const char *const *)argv);
    if (fflush(stdout) || ferror(stdout)) {
        fputs("error: cannot write to standard output\n", stderr);
        return ERR_IO;
    }
    return status;
}
