/* dovetail import: files of other tools, into ours. */
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/output_file.h"
#include "experiments/scalesim_config.h"
#include "experiments/timeloop.h"
#include "sw/import.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CONFIG_MAX ((size_t)1 << 20)

enum form { FORM_AUTO, FORM_PROBLEM, FORM_TEMPLATE, FORM_CASE, FORM_MAPPING };
static const char *const form_names[] = {"auto", "problem", "template", "case", "mapping", NULL};

struct import_opts {
    const char *output;
    int form;
    bool force;
};

static const struct opt options[] = {
    {"output", 'o', OPT_STRING, offsetof(struct import_opts, output), "FILE",
     .help = "write to a file instead of standard output"},
    {"as", 0, OPT_CHOICE, offsetof(struct import_opts, form), "FORM", .help = "what to write", .choices = form_names},
    {"force", 0, OPT_FLAG, offsetof(struct import_opts, force), NULL, .help = "replace the output file if it is there"},
    OPT_END};

static void print_problem(const struct einsum *e, struct strbuf *out)
{
    strbuf_addf(out, "%s: %lld MACs\n", e->name, (long long)einsum_macs(e));
    for (int d = 0; d < e->n_dims; d++) {
        strbuf_addf(out, "%s%s %lld", d ? ", " : "  ", e->dim[d], (long long)e->bound[d]);
    }
    strbuf_adds(out, "\n");
    for (int t = 0; t < e->n_tensors; t++) {
        const struct einsum_tensor *tensor = &e->tensor[t];
        strbuf_addf(out, "  %s", tensor->name);
        for (int r = 0; r < tensor->n_ranks; r++) {
            strbuf_adds(out, "[");
            for (int i = 0; i < tensor->rank[r].n_terms; i++) {
                strbuf_addf(out, "%s%s", i ? " + " : "", e->dim[tensor->rank[r].term[i].dim]);
                if (tensor->rank[r].term[i].coef != 1) {
                    strbuf_addf(out, "*%lld", (long long)tensor->rank[r].term[i].coef);
                }
            }
            strbuf_adds(out, "]");
        }
        strbuf_addf(out, " %s", tensor->output ? "written" : tensor_role_names[tensor->role]);
        if (tensor->density < 1) {
            strbuf_addf(out, ", density %g", tensor->density);
        }
        strbuf_adds(out, "\n");
    }
}

/* What the files hold: names, sizes, MACs. */
static json_t *summary(const struct timeloop *t)
{
    json_t *root = json_object();
    if (t->has_problem) {
        json_t *dims = json_object();
        for (int d = 0; d < t->einsum.n_dims; d++) {
            json_object_set_new(dims, t->einsum.dim[d], json_integer(t->einsum.bound[d]));
        }
        json_object_set_new(root, "problem",
                            json_pack("{s:s, s:o, s:I}", "name", t->einsum.name, "dims", dims, "macs",
                                      (json_int_t)einsum_macs(&t->einsum)));
    }
    if (t->has_arch) {
        json_t *levels = json_array();
        for (int l = t->arch.n_levels - 1; l >= 0; l--) {
            json_array_append_new(levels, json_pack("{s:s, s:I}", "name", t->arch.level[l].name, "instances",
                                                    (json_int_t)t->accelerator.level[l].instances));
        }
        json_object_set_new(root, "architecture",
                            json_pack("{s:o, s:{s:s, s:I}}", "levels", levels, "mac", "name", t->arch.mac, "instances",
                                      (json_int_t)t->accelerator.mac.instances));
    }
    if (t->has_mapping) {
        struct strbuf text = STRBUF_INIT;
        mapping_write(&t->mapping, &t->accelerator, &t->einsum, &text);
        json_object_set_new(root, "mapping", json_string(strbuf_str(&text)));
        strbuf_release(&text);
    }
    return root;
}

static int make_text(const struct timeloop *t, const char *path, int form, struct strbuf *out, struct err *err)
{
    if (form == FORM_AUTO) {
        form = t->has_mapping ? FORM_CASE : t->has_arch ? FORM_TEMPLATE : FORM_PROBLEM;
    }
    if ((form == FORM_PROBLEM && !t->has_problem) || (form == FORM_TEMPLATE && !t->has_arch) ||
        (form >= FORM_CASE && !t->has_mapping)) {
        return err_set(err, ERR_USAGE, "--as %s needs %s", form_names[form],
                       form == FORM_PROBLEM    ? "a problem"
                       : form == FORM_TEMPLATE ? "an architecture"
                                               : "a problem, an architecture and a mapping");
    }
    if (form == FORM_PROBLEM) {
        print_problem(&t->einsum, out);
        return 0;
    }
    if (form == FORM_TEMPLATE) {
        return timeloop_template(&t->arch, t->has_problem ? &t->einsum : NULL, out, err);
    }
    if (form == FORM_CASE) {
        const char *slash = strrchr(path, '/');
        timeloop_case(t, slash ? slash + 1 : path, out);
        return 0; /* without energies, as run() says */
    }
    return timeloop_mapping(&t->mapping, &t->arch, &t->einsum, out, err);
}

/* The text that was made, as it was asked for; `doc` is what --json says of it. */
static int give(const struct cli *cli, const struct import_opts *o, const struct strbuf *text, json_t *doc)
{
    int status = o->output || !cli->json ? output_text(cli, o->output, o->force, text) : 0;
    if (status == 0 && cli->json) {
        json_object_set_new(doc, "text", json_string(strbuf_str(text)));
        return cli_json(doc);
    }
    json_decref(doc);
    return status;
}

static int finish(struct cli *cli, const struct import_opts *o, const struct timeloop *t, const char *last_path)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    int status = make_text(t, last_path, o->form, &text, &err) ? cli_error(cli, &err)
                                                               : give(cli, o, &text, cli->json ? summary(t) : NULL);
    strbuf_release(&text);
    return status;
}

static int import_timeloop_files(struct cli *cli, const struct import_opts *o, int n, const char *const *paths)
{
    struct diags d = DIAGS_INIT;
    struct timeloop *t = mem_alloc(sizeof *t);
    timeloop_read(paths, n, t, &d);
    int status = cli_diags(cli, &d);
    if (status == 0) {
        if (t->has_mapping && (o->form == FORM_AUTO || o->form == FORM_CASE)) {
            cli_say(cli, "note: Timeloop's files have no energies: each energy_pj of the case is 0");
        }
        status = finish(cli, o, t, paths[n - 1]);
    }
    mem_free(t);
    diags_release(&d);
    return status;
}

/* SCALE-Sim's architecture becomes a template. */
static int import_scalesim_config(struct cli *cli, const struct import_opts *o, const char *path)
{
    struct err err = ERR_INIT;
    size_t len;
    char *text = file_read(path, CONFIG_MAX, &len, &err);
    if (text == NULL) {
        return cli_error(cli, &err);
    }
    struct diags d = DIAGS_INIT;
    struct strbuf out = STRBUF_INIT;
    scalesim_config(path, text, len, &out, &d);
    int status = cli_diags(cli, &d);
    if (status == 0) {
        status = give(cli, o, &out, cli->json ? json_object() : NULL);
    }
    strbuf_release(&out);
    diags_release(&d);
    mem_free(text);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcasecmp(text + n - m, end) == 0;
}

/* An architecture or a mapping of Timeloop, without that word before it. */
static bool is_timeloop(const char *path)
{
    struct err ignored = ERR_INIT; /* another reader will say it */
    size_t len;
    bool yaml = ends_with(path, ".yaml") || ends_with(path, ".yml");
    char *text = yaml ? file_read(path, CONFIG_MAX, &len, &ignored) : NULL;
    const char *part = text ? import_timeloop_part(text) : NULL;
    mem_free(text);
    return part && strcmp(part, "problem") != 0;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct import_opts *o = values;
    if (n_args == 1 && ends_with(args[0], ".cfg")) {
        return import_scalesim_config(cli, o, args[0]);
    }
    if (strcmp(args[0], "timeloop") == 0) {
        return n_args < 2 ? cli_fail(cli, ERR_USAGE, "name the files to import")
                          : import_timeloop_files(cli, o, n_args - 1, args + 1);
    }
    if (n_args > 1) {
        static const char *const formats[] = {"timeloop"};
        return cli_unknown(cli, "format", args[0], formats, 1);
    }
    if (is_timeloop(args[0])) {
        return import_timeloop_files(cli, o, 1, args);
    }
    if (o->output || o->form != FORM_AUTO) {
        return cli_fail(cli, ERR_USAGE, "a workload needs no conversion: name '%s' in a study as it is", args[0]);
    }
    const struct verb *workload = cli_find_verb("workload");
    return workload->run(cli, workload->defaults, 1, args);
}

const struct verb verb_import = {
    .name = "import",
    .args = "FILE | timeloop FILE..",
    .help = "read files of other tools",
    .details = "A workload (.yaml, .onnx, Hugging Face config.json, SCALE-Sim .csv, a Timeloop problem or a folder of "
               "them) is summed up as by `dovetail workload`; studies read the same files.\n"
               "A SCALE-Sim architecture (.cfg), or one of Timeloop, becomes a template of ours.\n"
               "timeloop: problem, architecture and mapping files of Timeloop v0.4, in any order; docs/timeloop.md "
               "says what is read. Alone, a problem is "
               "listed and an architecture becomes a template of ours; all three become a case for `dovetail model "
               "--case`, or with --as mapping the "
               "mapping is written back in Timeloop's format. What is not understood is refused by name and line.",
    .example = "dovetail import resnet18.onnx\ndovetail import scale.cfg -o mine.yaml\ndovetail import timeloop "
               "arch.yaml -o mine.yaml\n"
               "dovetail import timeloop problem.yaml arch.yaml mapping.yaml -o case.jsonl",
    .options = options,
    .options_size = sizeof(struct import_opts),
    .min_args = 1,
    .max_args = 10,
    .run = run};
