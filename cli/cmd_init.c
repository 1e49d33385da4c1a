/* dovetail init [TEMPLATE]: a study to begin with. Each parameter of the template stands in it: those that usually vary with values around their
 * default, the others with their default behind a '#'. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/output_file.h"
#include "cli/param_text.h"
#include "sw/import.h"

#include <math.h>
#include <string.h>

struct init_opts {
    const char *workload, *output;
    bool force;
};

/* clang-format off */
static const struct opt options[] = {
    {"workload", 'w', OPT_STRING, offsetof(struct init_opts, workload), "MODEL", .help = "the network: a model's name or file (default: resnet18)"},
    {"output", 'o', OPT_STRING, offsetof(struct init_opts, output), "FILE", .help = "write a file, not standard output"},
    {"force", 0, OPT_FLAG, offsetof(struct init_opts, force), NULL, .help = "overwrite the file"},
    OPT_END
};
/* clang-format on */

static const struct init_opts defaults = {.workload = "resnet18"};

/* Half of the default, the default, twice, as far as that is legal. */
static void add_around(const struct template_param *p, struct strbuf *out)
{
    const char *between = "[";
    static const double shares[] = {0.5, 1, 2};
    for (int i = 0; i < 3; i++) {
        double v = p->type == PARAM_INT ? floor(p->def * shares[i]) : p->def * shares[i];
        if (v >= p->min && v <= p->max) {
            strbuf_adds(out, between);
            param_text(p, v, out);
            between = ", ";
        }
    }
    strbuf_adds(out, "]");
}

static void add_labels(const struct template_param *p, struct strbuf *out)
{
    for (int i = 0; i < p->n_labels; i++) {
        strbuf_addf(out, "%s%s", i > 0 ? ", " : "[", p->labels[i]);
    }
    strbuf_adds(out, "]");
}

/* Widths are chosen with the network's; what only some hierarchies have would mostly be idle. */
static bool varies(const struct template_param *p)
{
    static const char *const fixed[] = {"mac_bits", "acc_bits", "l2", "row_buffer"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (strcmp(p->name, fixed[i]) == 0) {
            return false;
        }
    }
    return p->type == PARAM_INT || p->type == PARAM_CAPACITY || strcmp(p->name, "clock") == 0 ||
           strcmp(p->name, "dataflow") == 0;
}

static void add_param(const struct template_param *p, struct strbuf *out)
{
    size_t begin = out->len;
    strbuf_addf(out, "  %s%s: ", varies(p) ? "" : "# ", p->name);
    if (!varies(p)) {
        strbuf_adds(out, "[");
        param_text(p, p->def, out);
        strbuf_adds(out, "]");
    } else if (p->type == PARAM_CHOICE) {
        add_labels(p, out);
    } else {
        add_around(p, out);
    }
    if (p->help[0] != '\0') {
        int used = (int)(out->len - begin);
        strbuf_addf(out, "%*s# %s", used < 44 ? 44 - used : 1, "", p->help);
    }
    strbuf_adds(out, "\n");
}

/* "my_npu" of "hw/my_npu.yaml". */
static void add_name(const char *path, struct strbuf *out)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    strbuf_add(out, base, strcspn(base, "."));
}

static void write_study(const struct template *t, const char *arch, const char *workload, struct strbuf *out)
{
    int n;
    const struct template_param *p = template_params(t, &n);
    strbuf_adds(out, "dovetail: 1\nname: ");
    add_name(arch, out);
    strbuf_addf(out, "\n\nworkload:\n  model: %s\n  batch: 1\n\nhardware:\n  template: %s\n", workload, arch);
    strbuf_adds(out, "\nspace:                                      # what varies; what is not named keeps the "
                     "template's default\n");
    bool any = false;
    for (int i = 0; i < n; i++) {
        add_param(&p[i], out);
        any = any || varies(&p[i]);
    }
    if (!any) { /* a space needs a variable, and each template can be mapped for more than one goal */
        strbuf_adds(out, "  mapping_goal: [energy, latency, edp]\n");
    }
    strbuf_adds(out, "  # bits: {values: [4, 8], per: block}       # with 'accuracy:' under 'workload:' "
                     "(docs/quantization.md)\n"
                     "\nobjectives: [energy, latency, area]         # `dovetail explain` lists the metrics\n"
                     "\nconstraints: []                             # such as [area <= 4mm2, latency <= 10ms]\n"
                     "\nsearch:\n  algorithm: auto\n  budget: {evaluations: 2000}\n  seed: 1\n");
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct init_opts *o = values;
    const char *arch = n_args > 0 ? args[0] : "edge_npu";
    struct diags d = DIAGS_INIT;
    struct template *t = template_load(arch, &d);
    if (strpbrk(o->workload, "/.") == NULL) { /* a file may be made later, a name is known or is none */
        network_free(network_load(o->workload, NULL, 0, 1, &d));
    }
    int status = cli_diags(cli, &d);
    if (t != NULL && status == 0) {
        struct strbuf text = STRBUF_INIT;
        write_study(t, arch, o->workload, &text);
        if (o->output != NULL || !cli->json) {
            status = output_text(cli, o->output, o->force, &text);
        }
        if (cli->json && status == 0) {
            status = cli_json(json_pack("{s:s}", "text", strbuf_str(&text)));
        }
        if (status == 0 && o->output != NULL) {
            cli_next(cli, "dovetail validate %s && dovetail search %s", o->output, o->output);
        }
        strbuf_release(&text);
    }
    template_free(t);
    diags_release(&d);
    return status;
}

const struct verb verb_init = {.name = "init",
                               .args = "[TEMPLATE]",
                               .help = "write a study to begin with",
                               .details = "TEMPLATE is the accelerator (default: edge_npu), by its name or file.",
                               .example = "dovetail init -o study.yaml\n"
                                          "dovetail init eyeriss_like --workload mobilenet_v2 -o eyeriss.yaml",
                               .options = options,
                               .options_size = sizeof(struct init_opts),
                               .defaults = &defaults,
                               .max_args = 1,
                               .run = run};
