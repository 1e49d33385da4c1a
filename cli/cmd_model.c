/* dovetail model: prices one operator by one mapping. --case: cases in JSON lines, one answer a line. */
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/model_print.h"
#include "experiments/case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_opts {
    const char *cases;
    struct pricing_request request;
    struct opt_list set, density;
    int64_t w_bits, a_bits, acc_bits;
    int accounting, fidelity;
    bool explain;
};

static const struct opt options[] = {
    {"arch", 0, OPT_STRING, offsetof(struct model_opts, request.arch), "TEMPLATE",
     .help = "the accelerator: a template's name or file"},
    {"set", 0, OPT_ASSIGN, offsetof(struct model_opts, set), "NAME=VALUE",
     .help = "a parameter of the template; may be repeated"},
    {"workload", 0, OPT_STRING, offsetof(struct model_opts, request.workload), "MODEL",
     .help = "the network: a model's name or file"},
    {"layer", 0, OPT_STRING, offsetof(struct model_opts, request.layer), "NAME", .help = "the operator of it to price"},
    {"mapping", 0, OPT_STRING, offsetof(struct model_opts, request.mapping), "FILE",
     .help = "a file with 'mapping:', or the mapping itself; without it the mapper's"},
    {"density", 0, OPT_ASSIGN, offsetof(struct model_opts, density), "TENSOR=SHARE",
     .help = "non-zero elements of weights, inputs or outputs, such as inputs=0.4; may be repeated"},
    {"w-bits", 0, OPT_INT, offsetof(struct model_opts, w_bits), "BITS", .help = "width of the weights", .min = 1,
     .max = 32},
    {"a-bits", 0, OPT_INT, offsetof(struct model_opts, a_bits), "BITS", .help = "width of the inputs", .min = 1,
     .max = 32},
    {"acc-bits", 0, OPT_INT, offsetof(struct model_opts, acc_bits), "BITS", .help = "width of partial sums", .min = 1,
     .max = 32},
    {"fidelity", 0, OPT_CHOICE, offsetof(struct model_opts, fidelity), "NAME", .help = "how latency is told",
     .choices = fidelity_names},
    {"explain", 0, OPT_FLAG, offsetof(struct model_opts, explain), NULL,
     .help = "show the loop nest, counts, energies, bandwidths, sources"},
    {"case", 0, OPT_STRING, offsetof(struct model_opts, cases), "FILE",
     .help = "price the cases of a JSON Lines file ('-': standard input)"},
    {"accounting", 0, OPT_CHOICE, offsetof(struct model_opts, accounting), "RULES", .help = "whose rules to count by",
     .choices = accounting_names},
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
    int failed = ferror(in) ? errno : 0;
    free(line);
    strbuf_release(&out);
    if (in != stdin) {
        fclose(in);
    }
    if (failed) {
        return cli_fail(cli, failed == EISDIR ? ERR_NOINPUT : ERR_IO, "cannot read '%s': %s", o->cases,
                        strerror(failed));
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_fail(cli, ERR_IO, "cannot write the answers: %s", strerror(errno));
    }
    cli_say(cli, "%ld cases priced, %ld not understood", good, bad);
    return 0;
}

static int run_one(const struct cli *cli, const struct model_opts *o)
{
    struct pricing_request request = o->request;
    struct pricing p;
    struct diags d = DIAGS_INIT;
    request.set = o->set.item;
    request.n_set = o->set.n;
    request.density = o->density.item;
    request.n_density = o->density.n;
    request.w_bits = (int)o->w_bits;
    request.a_bits = (int)o->a_bits;
    request.acc_bits = (int)o->acc_bits;
    request.options.accounting = (enum accounting)o->accounting;
    request.options.fidelity = (enum fidelity)o->fidelity;
    int rc = pricing_run(&request, &p, &d);
    int status = cli_diags(cli, &d);
    diags_release(&d);
    if (rc != 0) {
        return status;
    }
    if (cli->json) {
        return cli_json(model_json(&p, &request.options));
    }
    model_print(&p, &request.options, o->explain);
    return 0;
}

/* The first option that says nothing to cases; NULL: there is none. */
static const char *beside_cases(const struct model_opts *o)
{
    const struct {
        bool given;
        const char *name;
    } all[] = {{o->request.arch != NULL, "--arch"},
               {o->request.workload != NULL, "--workload"},
               {o->request.layer != NULL, "--layer"},
               {o->request.mapping != NULL, "--mapping"},
               {o->set.n > 0, "--set"},
               {o->density.n > 0, "--density"},
               {o->w_bits > 0, "--w-bits"},
               {o->a_bits > 0, "--a-bits"},
               {o->acc_bits > 0, "--acc-bits"},
               {o->explain, "--explain"},
               {o->fidelity != FIDELITY_BANDWIDTH, "--fidelity"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].given) {
            return all[i].name;
        }
    }
    return NULL;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct model_opts *o = values;
    (void)n_args;
    (void)args;
    if (o->cases != NULL) {
        const char *alien = beside_cases(o);
        return alien == NULL ? run_cases(cli, o)
                             : cli_fail(cli, ERR_USAGE,
                                        "a case says itself what %s says: only --accounting goes with --case", alien);
    }
    if (o->request.arch == NULL || o->request.workload == NULL) {
        return cli_fail(cli, ERR_USAGE,
                        "name the accelerator and the operator: --arch TEMPLATE --workload MODEL --layer NAME");
    }
    return run_one(cli, o);
}

const struct verb verb_model = {
    .name = "model",
    .args = "",
    .help = "price one operator by one mapping, or a file of cases",
    .details =
        "A mapping is one line, outermost level first: 'DRAM K8 P7 | GLB[wio] C4 X:K16 Y:C8 | RF[w-o] R3 S3', "
        "loops outermost first, X: and Y: the spatial ones, in brackets the tensors kept. With --case each line of "
        "the file is an operator, an accelerator and a mapping in the format of docs/cases.md, and each line of "
        "the output its answer; a case that is not understood is answered with an error and the run goes on.",
    .example = "dovetail model --arch eyeriss_like --workload resnet18 --layer layer1.0.conv1 --explain\n"
               "dovetail model --case cases.jsonl --accounting timeloop",
    .options = options,
    .options_size = sizeof(struct model_opts),
    .run = run};
