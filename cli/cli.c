/* How every verb talks: see cli.h. */
#include "cli/cli.h"

#include "base/strbuf.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is no UTF-8 (the name of a file may be anything) becomes '?': JSON has no other way to say it. */
static json_t *error_object(enum err_code code, const char *text)
{
    struct strbuf clean = STRBUF_INIT;
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        size_t good = utf8_length((const unsigned char *)text, left);
        n = good > 0 ? good : 1;
        strbuf_add(&clean, good > 0 ? text : "?", n);
    }
    json_t *object = json_pack("{s:i, s:s}", "code", (int)code, "message", strbuf_str(&clean));
    strbuf_release(&clean);
    return object;
}

int cli_error(const struct cli *cli, const struct err *err)
{
    fprintf(stderr, "%serror:%s %s\n", cli->color_err ? "\033[1;31m" : "", cli->color_err ? "\033[0m" : "", err->text);
    if (err->code == ERR_USAGE && cli->verb) {
        fprintf(stderr, "usage: dovetail %s%s%s      (dovetail %s --help)\n", cli->verb->name,
                cli->verb->args[0] ? " " : "", cli->verb->args, cli->verb->name);
    }
    if (cli->json) {
        cli_json(json_pack("{s:o}", "error", error_object(err->code, err->text)));
    }
    return (int)err->code;
}

int cli_fail(const struct cli *cli, enum err_code code, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    strbuf_vaddf(&text, fmt, ap);
    va_end(ap);
    struct err err = ERR_INIT;
    err_set(&err, code, "%s", strbuf_str(&text));
    strbuf_release(&text);
    return cli_error(cli, &err);
}

int cli_unknown(const struct cli *cli, const char *what, const char *word, const char *const *candidates, int n)
{
    const char *best = suggest(word, candidates, n);
    if (best) {
        return cli_fail(cli, ERR_USAGE, "no %s '%s'; did you mean '%s'?", what, word, best);
    }
    return cli_fail(cli, ERR_USAGE, "no %s '%s'", what, word);
}

int cli_diags(const struct cli *cli, const struct diags *d)
{
    return cli_diags_as(cli, d, d->n_errors == d->n_unreadable ? ERR_NOINPUT : ERR_DATA);
}

int cli_diags_as(const struct cli *cli, const struct diags *d, enum err_code code)
{
    struct strbuf text = STRBUF_INIT;
    if (d->n_errors || !cli->quiet) {
        diags_format(d, cli->color_err, &text);
        fputs(strbuf_str(&text), stderr);
        strbuf_reset(&text);
    }
    if (d->n_errors) {
        strbuf_addf(&text, "%d error%s; nothing was run", d->n_errors, d->n_errors == 1 ? "" : "s");
        fprintf(stderr, "%s\n", strbuf_str(&text));
    }
    if (d->n_errors && cli->json) {
        json_t *error = error_object(code, strbuf_str(&text));
        strbuf_reset(&text);
        diags_json(d, &text);
        cli_json(json_pack("{s:o, s:o}", "error", error, "diagnostics", json_loads(strbuf_str(&text), 0, NULL)));
    }
    strbuf_release(&text);
    return d->n_errors ? (int)code : 0;
}

int cli_json(json_t *doc)
{
    int status = 0;
    if (doc == NULL) { /* as jansson answers to a text that is no UTF-8 */
        doc = json_pack("{s:o}", "error",
                        error_object(ERR_DATA, "a name in the answer is not UTF-8: ask without --json"));
        status = ERR_DATA;
    }
    json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    fputc('\n', stdout);
    json_decref(doc);
    return status;
}

void cli_say(const struct cli *cli, const char *fmt, ...)
{
    if (cli->quiet) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

void cli_next(const struct cli *cli, const char *fmt, ...)
{
    if (cli->quiet || cli->json || !cli->tty_err) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    fputs("next       ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}
