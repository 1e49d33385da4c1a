/* dovetail templates [show NAME]: the files that travel inside the program. A name is the file's name without folder and
 * ending; the path does too. */
#include "base/embed.h"
#include "base/mem.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *folder, *kind;
} kinds[] = {{"hw/templates/", "template"}, {"hw/technology/", "technology"}, {"sw/models/", "model"},
             {"sw/accuracy/", "accuracy"},  {"costmodel/", "calibration"},    {"experiments/studies/", "study"}};

/* A table says no more than its columns. */
static const struct {
    const char *path, *about;
} tables[] = {
    {"hw/technology/arithmetic.csv", "energy, area and leakage of adders, multipliers and flip-flops"},
    {"hw/technology/dram.csv", "energy of a bit to and from DRAM, by kind"},
    {"hw/technology/nodes.csv", "nodes from 180 nm on: voltages, scaling of area, energy and delay"},
    {"hw/technology/rules.csv", "numbers in the rules of the models: timing margins, fits of memories and converters"},
    {"hw/technology/sram.csv", "CACTI 7 runs that energies, areas and times of memories are taken between"},
    {"hw/technology/wire.csv", "capacitance of a millimetre of wire, by node"},
    {"sw/accuracy/cnn_accuracy.csv", "published top-1 accuracies of CNNs by bits of weights and activations"},
    {"sw/accuracy/hawqv3_layers.csv", "HAWQ-V3: sensitivity of each layer of ResNet-18 and ResNet-50"},
    {"sw/accuracy/hawqv3_points.csv", "HAWQ-V3: published accuracies that the proxy is fitted to"},
    {"sw/accuracy/llm_perplexity.csv", "published perplexities of LLMs by bits of a weight"},
    {"sw/accuracy/llm_terms.csv", "what KV cache and activations add to the law of perplexity"},
    {"costmodel/gemmini_ws.csv", "fidelity 'calibrated': coefficients fitted to cycles of Gemmini's RTL"},
};

static const char *kind_of(const char *path)
{
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (strncmp(path, kinds[k].folder, strlen(kinds[k].folder)) == 0) {
            return kinds[k].kind;
        }
    }
    return "file";
}

/* The file's name without folder and ending, into name. */
static const char *short_name(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(name, size, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot) {
        *dot = '\0';
    }
    return name;
}

/* The first `n` characters of `line`, or its first words and "...". */
static void shorten(const char *line, size_t n, char *text, size_t size)
{
    if (n < size) {
        snprintf(text, size, "%.*s", (int)n, line);
        return;
    }
    for (n = size - 4; n > 0 && line[n] != ' '; n--) {
    }
    snprintf(text, size, "%.*s...", (int)n, line);
}

/* A table's line above; else what the file says of itself: its summary, or its first comment line. */
static void describe(const struct embed *e, char *text, size_t size)
{
    static const char key[] = "\nsummary: ";
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (strcmp(e->path, tables[i].path) == 0) {
            snprintf(text, size, "%s", tables[i].about);
            return;
        }
    }
    const char *line = strstr(e->data, key);
    if (line != NULL) {
        line += strlen(key);
    } else {
        line = e->data;
        while (*line == '#' && strncmp(line, "# yaml-language-server", 22) == 0) {
            line += strcspn(line, "\n");
            line += *line == '\n';
        }
        line = *line == '#' ? line + strspn(line, "# ") : "a table";
    }
    shorten(line, strcspn(line, "\n"), text, size);
}

static int list(const struct cli *cli)
{
    int n;
    const struct embed *all = embed_list(&n);
    json_t *rows = json_array();
    for (int i = 0; i < n; i++) {
        char name[128];
        char about[88];
        short_name(all[i].path, name, sizeof name);
        describe(&all[i], about, sizeof about);
        if (cli->json) {
            json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "kind", kind_of(all[i].path), "name", name,
                                                  "path", all[i].path, "about", about));
        } else {
            printf("%-11s %-22s %s\n", kind_of(all[i].path), name, about);
        }
    }
    if (cli->json) {
        return cli_json(rows);
    }
    json_decref(rows);
    return 0;
}

static int show(const struct cli *cli, const char *wanted)
{
    int n;
    const struct embed *all = embed_list(&n);
    char **names = mem_calloc((size_t)n + 1, sizeof *names);
    const struct embed *found = NULL;
    for (int i = 0; i < n; i++) {
        char name[128];
        names[i] = mem_strdup(short_name(all[i].path, name, sizeof name));
        if (!found && (strcmp(name, wanted) == 0 || strcmp(all[i].path, wanted) == 0)) {
            found = &all[i];
        }
    }
    int status = 0;
    if (!found) {
        status = cli_unknown(cli, "template", wanted, (const char *const *)names, n);
    } else if (cli->json) {
        cli_json(json_pack("{s:s, s:s, s:s}", "kind", kind_of(found->path), "path", found->path, "text", found->data));
    } else {
        fwrite(found->data, 1, found->len, stdout);
    }
    for (int i = 0; i < n; i++) {
        mem_free(names[i]);
    }
    mem_free(names);
    return status;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    (void)values;
    if (n_args == 0) {
        return list(cli);
    }
    if (strcmp(args[0], "show") != 0) {
        static const char *const words[] = {"show"};
        return cli_unknown(cli, "subcommand", args[0], words, 1);
    }
    if (n_args < 2) {
        return cli_fail(cli, ERR_USAGE, "name the file to show");
    }
    return show(cli, args[1]);
}

const struct verb verb_templates = {.name = "templates",
                                    .args = "[show NAME]",
                                    .help = "list or show the built-in templates, models, technologies and studies",
                                    .details = "A file of your own replaces a built-in one: save it with > my.yaml, "
                                               "edit, and name its path in the study.",
                                    .example = "dovetail templates\ndovetail templates show eyeriss_like > mine.yaml",
                                    .max_args = 2,
                                    .run = run};
