#include "cli/sweep_options.h"

#include <string.h>

const struct sweep_opts sweep_defaults = {.cpus = 1,
                                          .ntasks = 1,
                                          .task = -1,
                                          .restarts = 50,
                                          .warn_s = 120,
                                          .checkpoint_s = 60,
                                          .wait_s = ISLANDS_WAIT,
                                          .study = STUDY_DEFAULTS};

static void add_word(const char *word, struct strbuf *out)
{
    bool plain = word[0] != '\0' && strpbrk(word, " \t\n'\"\\$`*?[]{}()<>|&;#~!") == NULL;
    strbuf_addf(out, plain ? " %s" : " '%s'", word);
}

void sweep_say_command(const struct sweep_opts *o, int n_args, const char *const *args, struct strbuf *out)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"seeds", o->seeds}, {"out", o->out}, {"partition", o->partition}, {"scratch", o->scratch}};
    strbuf_adds(out, "dovetail sweep");
    add_word(args[0], out);
    for (int i = 0; i < o->over.n; i++) {
        strbuf_adds(out, " --over");
        add_word(o->over.item[i], out);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].text != NULL) {
            strbuf_addf(out, " --%s", texts[i].name);
            add_word(texts[i].text, out);
        }
    }
    const struct {
        const char *name;
        int64_t value, unless;
    } numbers[] = {{"shards", o->shards, 0},
                   {"budget", o->budget, 0},
                   {"islands", o->islands, 0},
                   {"cpus", o->cpus, sweep_defaults.cpus},
                   {"ntasks", o->ntasks, sweep_defaults.ntasks},
                   {"array-limit", o->array_limit, 0},
                   {"restarts", o->restarts, sweep_defaults.restarts}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].value != numbers[i].unless) {
            strbuf_addf(out, " --%s %lld", numbers[i].name, (long long)numbers[i].value);
        }
    }
    const struct {
        const char *name;
        double value, unless;
    } times[] = {{"time", o->time_s, 0},
                 {"warn", o->warn_s, sweep_defaults.warn_s},
                 {"checkpoint", o->checkpoint_s, sweep_defaults.checkpoint_s},
                 {"wait", o->wait_s, sweep_defaults.wait_s}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (times[i].value < times[i].unless || times[i].value > times[i].unless) {
            strbuf_addf(out, " --%s %.15gs", times[i].name, times[i].value);
        }
    }
    for (int i = 0; i < o->study.set.n; i++) {
        strbuf_adds(out, " --set");
        add_word(o->study.set.item[i], out);
    }
    for (int i = 0; i < o->study.fix.n; i++) {
        strbuf_adds(out, " --fix");
        add_word(o->study.fix.item[i], out);
    }
    strbuf_adds(out, o->strict ? " --strict" : "");
    strbuf_adds(out, o->slurm ? " --slurm" : o->pbs ? " --pbs" : o->lsf ? " --lsf" : "");
    for (int i = 0; i < o->sbatch.n; i++) {
        strbuf_adds(out, " --sbatch");
        add_word(o->sbatch.item[i], out);
    }
    for (int i = 1; i < n_args; i++) {
        strbuf_adds(out, i == 1 ? " --" : "");
        add_word(args[i], out);
    }
}
