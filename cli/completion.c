/* Completions for the three common shells, from the tables: verbs first, then a verb's options, the choices of a value,
 * and files elsewhere. */
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/help.h"

#include <string.h>

static void option_words(const struct opt *options, struct strbuf *out)
{
    for (const struct opt *o = options; o && o->name; o++) {
        strbuf_addf(out, " --%s", o->name);
    }
}

static void verb_words(struct strbuf *out)
{
    for (int v = 0; cli_verbs[v]; v++) {
        strbuf_addf(out, "%s%s", v ? " " : "", cli_verbs[v]->name);
    }
}

static void choice_words(const struct opt *o, struct strbuf *out)
{
    for (int c = 0; o->choices[c]; c++) {
        strbuf_addf(out, "%s%s", c ? " " : "", o->choices[c]);
    }
}

static void bash(struct strbuf *out)
{
    strbuf_adds(out, "# bash completion of dovetail: source it, or put it among the completions\n"
                     "_dovetail()\n{\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
                     "words=\n"
                     "    COMPREPLY=()\n"
                     "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='");
    verb_words(out);
    strbuf_adds(out, "'\n    else\n        case ${COMP_WORDS[1]}:$before in\n");
    for (int v = 0; cli_verbs[v]; v++) {
        for (const struct opt *o = cli_verbs[v]->options; o && o->name; o++) {
            if (o->type == OPT_CHOICE) {
                strbuf_addf(out, "        %s:--%s) words='", cli_verbs[v]->name, o->name);
                choice_words(o, out);
                strbuf_adds(out, "' ;;\n");
            }
        }
    }
    strbuf_adds(out, "        esac\n        [ -n \"$words\" ] || case ${COMP_WORDS[1]} in\n");
    for (int v = 0; cli_verbs[v]; v++) {
        strbuf_addf(out, "        %s) words='", cli_verbs[v]->name);
        option_words(cli_verbs[v]->options, out);
        option_words(cli_common_options, out);
        strbuf_adds(out, "' ;;\n");
    }
    strbuf_adds(out, "        esac\n"
                     "        case $words:$word in\n"
                     "        *--*:-*) ;;\n"
                     "        *--*) words= ;; # an argument: a file\n"
                     "        esac\n"
                     "    fi\n"
                     "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                     "}\n"
                     "complete -o default -F _dovetail dovetail\n");
}

/* Text inside single quotes of a shell: ' becomes '\''. `also` are characters that get a backslash. */
static void quoted(const char *text, const char *also, struct strbuf *out)
{
    for (; *text; text++) {
        if (*text == '\'') {
            strbuf_adds(out, "'\\''");
            continue;
        }
        if (strchr(also, *text)) {
            strbuf_adds(out, "\\");
        }
        strbuf_add(out, text, 1);
    }
}

static void zsh_options(const struct opt *options, struct strbuf *out)
{
    for (const struct opt *o = options; o && o->name; o++) {
        bool many = o->type == OPT_LIST || o->type == OPT_ASSIGN;
        strbuf_addf(out, " \\\n            '%s--%s[", many ? "*" : "", o->name);
        quoted(o->help, "[]:\\", out);
        strbuf_adds(out, "]");
        if (o->type == OPT_CHOICE) {
            strbuf_addf(out, ":%s:(", o->arg);
            choice_words(o, out);
            strbuf_adds(out, ")");
        } else if (o->arg) {
            strbuf_addf(out, ":%s:_files", o->arg);
        }
        strbuf_adds(out, "'");
    }
}

static void zsh(struct strbuf *out)
{
    strbuf_adds(out, "#compdef dovetail\n_dovetail()\n{\n    local -a verbs=(\n");
    for (int v = 0; cli_verbs[v]; v++) {
        strbuf_addf(out, "        '%s:", cli_verbs[v]->name);
        quoted(cli_verbs[v]->help, ":\\", out);
        strbuf_adds(out, "'\n");
    }
    strbuf_adds(out, "    )\n    if (( CURRENT == 2 )); then\n        _describe verb "
                     "verbs\n        return\n    fi\n"
                     "    local verb=$words[2]\n    shift words\n    (( CURRENT-- ))\n "
                     "   case $verb in\n");
    for (int v = 0; cli_verbs[v]; v++) {
        strbuf_addf(out, "    %s)\n        _arguments -s", cli_verbs[v]->name);
        zsh_options(cli_verbs[v]->options, out);
        zsh_options(cli_common_options, out);
        strbuf_adds(out, " \\\n            '*:file:_files' ;;\n");
    }
    strbuf_adds(out, "    esac\n}\n_dovetail \"$@\"\n");
}

static void fish_options(const char *verb, const struct opt *options, struct strbuf *out)
{
    for (const struct opt *o = options; o && o->name; o++) {
        strbuf_addf(out, "complete -c dovetail -n '__fish_seen_subcommand_from %s' -l %s", verb, o->name);
        if (o->letter) {
            strbuf_addf(out, " -s %c", o->letter);
        }
        strbuf_adds(out, o->arg ? " -r -d '" : " -d '");
        quoted(o->help, "\\", out);
        strbuf_adds(out, "'");
        if (o->type == OPT_CHOICE) {
            strbuf_adds(out, " -f -a '");
            choice_words(o, out);
            strbuf_adds(out, "'");
        }
        strbuf_adds(out, "\n");
    }
}

static void fish(struct strbuf *out)
{
    for (int v = 0; cli_verbs[v]; v++) {
        strbuf_addf(out, "complete -c dovetail -f -n __fish_use_subcommand -a %s -d '", cli_verbs[v]->name);
        quoted(cli_verbs[v]->help, "\\", out);
        strbuf_adds(out, "'\n");
    }
    for (int v = 0; cli_verbs[v]; v++) {
        fish_options(cli_verbs[v]->name, cli_verbs[v]->options, out);
        fish_options(cli_verbs[v]->name, cli_common_options, out);
    }
}

int help_completion(const char *shell, struct strbuf *out)
{
    static const struct {
        const char *shell;
        void (*write)(struct strbuf *out);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t s = 0; s < sizeof shells / sizeof shells[0]; s++) {
        if (strcmp(shells[s].shell, shell) == 0) {
            shells[s].write(out);
            return 0;
        }
    }
    return -1;
}
