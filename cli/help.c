/* --help, the manual page and the tables as JSON. */
#include "cli/help.h"

#include "base/strbuf.h"
#include "base/version.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#define EXIT_STATUSES                                                                                                  \
    {"0", "done"}, {"1", "the answer is no: an empty front, a warning under --strict"}, {"64", "usage"},               \
        {"65", "a bad input file"}, {"66", "an input file is missing"}, {"70", "our mistake: please report it"},       \
        {"74", "cannot write"}, {"75", "stopped on request with work left: resume"},                                   \
    {                                                                                                                  \
        "130", "interrupted: resume"                                                                                   \
    }

static const char *const exit_statuses[][2] = {EXIT_STATUSES};
enum { N_EXIT_STATUSES = sizeof exit_statuses / sizeof exit_statuses[0] };

static const char SUMMARY[] = "searches accelerators and the way a model runs on them together";

void help_overview(struct strbuf *out)
{
    strbuf_addf(out, "dovetail %s: %s\n\nusage: dovetail VERB [argument..] [option..]\n\n", dovetail_version(),
                SUMMARY);
    for (int v = 0; cli_verbs[v]; v++) {
        strbuf_addf(out, "  %-11s %s\n", cli_verbs[v]->name, cli_verbs[v]->help);
    }
    strbuf_adds(out, "\ndovetail VERB --help shows a verb's options\n");
}

/* "-j, --threads N" */
static void option_form(const struct opt *o, struct strbuf *out)
{
    if (o->letter) {
        strbuf_addf(out, "-%c, ", o->letter);
    }
    strbuf_addf(out, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void option_choices(const struct opt *o, struct strbuf *out)
{
    if (o->type == OPT_CHOICE) {
        strbuf_adds(out, ": ");
        for (int c = 0; o->choices[c]; c++) {
            strbuf_addf(out, "%s%s", c ? ", " : "", o->choices[c]);
        }
    }
}

static void option_lines(const char *title, const struct opt *options, struct strbuf *out)
{
    if (!options || !options[0].name) {
        return;
    }
    strbuf_addf(out, "\n%s:\n", title);
    for (const struct opt *o = options; o->name; o++) {
        struct strbuf form = STRBUF_INIT;
        option_form(o, &form);
        strbuf_addf(out, "  %-24s %s", strbuf_str(&form), o->help);
        option_choices(o, out);
        strbuf_adds(out, "\n");
        strbuf_release(&form);
    }
}

/* Every line of text, after prefix. */
static void add_lines(const char *prefix, const char *text, struct strbuf *out)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        strbuf_adds(out, prefix);
        strbuf_add(out, text, n);
        strbuf_adds(out, "\n");
        text += n + (text[n] == '\n');
    }
}

void help_verb(const struct verb *verb, struct strbuf *out)
{
    strbuf_addf(out, "dovetail %s: %s\n\nusage: dovetail %s%s%s [option..]\n", verb->name, verb->help, verb->name,
                verb->args[0] ? " " : "", verb->args);
    if (verb->details) {
        strbuf_adds(out, "\n");
        add_lines("", verb->details, out);
    }
    option_lines("options", verb->options, out);
    option_lines("options of every verb", cli_common_options, out);
    if (verb->example) {
        strbuf_adds(out, "\nexamples:\n");
        add_lines("  ", verb->example, out);
    }
}

/* Text for troff: backslashes, dashes that are minus signs, dots and quotes that would open a request. */
static void roff(const char *text, struct strbuf *out)
{
    if (*text == '.' || *text == '\'') {
        strbuf_adds(out, "\\&");
    }
    for (; *text; text++) {
        if (*text == '\\') {
            strbuf_adds(out, "\\e");
        } else if (*text == '-') {
            strbuf_adds(out, "\\-");
        } else {
            strbuf_add(out, text, 1);
        }
    }
}

static void roff_options(const struct opt *options, struct strbuf *out)
{
    for (const struct opt *o = options; o && o->name; o++) {
        struct strbuf form = STRBUF_INIT;
        option_form(o, &form);
        strbuf_adds(out, ".TP\n.B ");
        roff(strbuf_str(&form), out);
        strbuf_adds(out, "\n");
        strbuf_reset(&form);
        strbuf_adds(&form, o->help);
        option_choices(o, &form);
        roff(strbuf_str(&form), out);
        strbuf_adds(out, "\n");
        strbuf_release(&form);
    }
}

static void roff_verb(const struct verb *verb, struct strbuf *out)
{
    strbuf_addf(out, ".SS \"dovetail %s %s\"\n", verb->name, verb->args);
    roff(verb->help, out);
    strbuf_adds(out, "\n");
    if (verb->details) {
        strbuf_adds(out, ".PP\n");
        roff(verb->details, out);
        strbuf_adds(out, "\n");
    }
    roff_options(verb->options, out);
    if (verb->example) {
        strbuf_adds(out, ".PP\n.nf\n");
        roff(verb->example, out);
        strbuf_adds(out, "\n.fi\n");
    }
}

void help_man(struct strbuf *out)
{
    strbuf_addf(out, ".TH DOVETAIL 1 \"\" \"dovetail %s\"\n.SH NAME\ndovetail \\- ", dovetail_version());
    roff(SUMMARY, out);
    strbuf_adds(out, "\n.SH SYNOPSIS\n.B dovetail\nVERB [argument..] [option..]\n.SH VERBS\n");
    for (int v = 0; cli_verbs[v]; v++) {
        roff_verb(cli_verbs[v], out);
    }
    strbuf_adds(out, ".SH OPTIONS OF EVERY VERB\n");
    roff_options(cli_common_options, out);
    strbuf_adds(out, ".SH EXIT STATUS\n");
    for (int e = 0; e < N_EXIT_STATUSES; e++) {
        strbuf_addf(out, ".TP\n.B %s\n%s\n", exit_statuses[e][0], exit_statuses[e][1]);
    }
    strbuf_adds(out, ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nwhen set, no colors\n");
}

static json_t *options_json(const struct opt *options)
{
    static const char *const types[] = {
        [OPT_FLAG] = "flag",     [OPT_INT] = "int",       [OPT_REAL] = "real", [OPT_QUANTITY] = "quantity",
        [OPT_STRING] = "string", [OPT_CHOICE] = "choice", [OPT_LIST] = "list", [OPT_ASSIGN] = "assign"};
    _Static_assert(sizeof types / sizeof types[0] == OPT_TYPE_COUNT, "one name a type");
    json_t *list = json_array();
    for (const struct opt *o = options; o && o->name; o++) {
        json_t *row = json_pack("{s:s, s:s, s:s}", "name", o->name, "type", types[o->type], "help", o->help);
        if (o->letter) {
            json_object_set_new(row, "letter", json_stringn(&o->letter, 1));
        }
        if (o->arg) {
            json_object_set_new(row, "value", json_string(o->arg));
        }
        if (o->type == OPT_CHOICE) {
            json_t *choices = json_array();
            for (int c = 0; o->choices[c]; c++) {
                json_array_append_new(choices, json_string(o->choices[c]));
            }
            json_object_set_new(row, "choices", choices);
        }
        if (o->type == OPT_QUANTITY) {
            json_object_set_new(row, "units", json_string(dim_units(o->dim)));
        }
        if (o->min != 0.0 || o->max != 0.0) {
            json_object_set_new(row, "min", json_real(o->min));
            json_object_set_new(row, "max", json_real(o->max));
        }
        json_array_append_new(list, row);
    }
    return list;
}

json_t *help_json(const struct verb *only)
{
    json_t *verbs = json_array();
    for (int v = 0; cli_verbs[v]; v++) {
        const struct verb *verb = cli_verbs[v];
        if (only != NULL && verb != only) {
            continue;
        }
        json_array_append_new(verbs, json_pack("{s:s, s:s, s:s, s:o}", "name", verb->name, "arguments", verb->args,
                                               "help", verb->help, "options", options_json(verb->options)));
    }
    return json_pack("{s:o, s:o}", "verbs", verbs, "options", options_json(cli_common_options));
}
