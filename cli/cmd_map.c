/* dovetail map: the best mapping of one operator or of every operator of a network. */
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "experiments/map_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct map_opts {
    const char *arch, *workload, *layer;
    struct opt_list set, density, constrain;
    int64_t w_bits, a_bits, acc_bits, budget;
    int goal, accounting;
    bool fast, perfect, imperfect, one_axis, pareto, explain;
};

static const struct opt options[] = {
    {"arch", 0, OPT_STRING, offsetof(struct map_opts, arch), "TEMPLATE",
     .help = "the accelerator: a template's name or file"},
    {"set", 0, OPT_ASSIGN, offsetof(struct map_opts, set), "NAME=VALUE",
     .help = "a parameter of the template; may be repeated"},
    {"workload", 0, OPT_STRING, offsetof(struct map_opts, workload), "MODEL",
     .help = "the network: a model's name or file"},
    {"layer", 0, OPT_STRING, offsetof(struct map_opts, layer), "NAME", .help = "one operator of it; default: all"},
    {"goal", 0, OPT_CHOICE, offsetof(struct map_opts, goal), "GOAL", .help = "what to minimise (default: edp)",
     .choices = goal_names},
    {"pareto", 0, OPT_FLAG, offsetof(struct map_opts, pareto), NULL, .help = "every trade-off of energy and latency"},
    {"budget", 0, OPT_INT, offsetof(struct map_opts, budget), "N",
     .help = "look at N pairs of tiles at most (default: 2M); the answer tells its gap", .min = 1, .max = 1e15},
    {"fast", 0, OPT_FLAG, offsetof(struct map_opts, fast), NULL,
     .help = "no proof, but factors that need not divide: what studies use"},
    {"perfect", 0, OPT_FLAG, offsetof(struct map_opts, perfect), NULL, .help = "with --fast: only factors that divide"},
    {"imperfect", 0, OPT_FLAG, offsetof(struct map_opts, imperfect), NULL,
     .help = "exact with factors that need not divide, too: small operators, or an answer with a gap"},
    {"constrain", 0, OPT_ASSIGN, offsetof(struct map_opts, constrain), "RULE=LIST",
     .help = "only mappings that keep to it: GLB.keep=weights, GLB.bypass=outputs, GLB.x=K,C, GLB.y=none, "
             "stationary=weights; may be repeated"},
    {"one-axis", 0, OPT_FLAG, offsetof(struct map_opts, one_axis), NULL,
     .help = "a dimension is unrolled along one axis only, as in Timeloop"},
    {"density", 0, OPT_ASSIGN, offsetof(struct map_opts, density), "TENSOR=SHARE",
     .help = "non-zero elements of weights, inputs or outputs, such as inputs=0.4; may be repeated"},
    {"w-bits", 0, OPT_INT, offsetof(struct map_opts, w_bits), "BITS", .help = "width of the weights", .min = 1,
     .max = 32},
    {"a-bits", 0, OPT_INT, offsetof(struct map_opts, a_bits), "BITS", .help = "width of the inputs", .min = 1,
     .max = 32},
    {"acc-bits", 0, OPT_INT, offsetof(struct map_opts, acc_bits), "BITS", .help = "width of partial sums", .min = 1,
     .max = 32},
    {"accounting", 0, OPT_CHOICE, offsetof(struct map_opts, accounting), "RULES", .help = "whose rules to count by",
     .choices = accounting_names},
    {"explain", 0, OPT_FLAG, offsetof(struct map_opts, explain), NULL, .help = "show each mapping as a loop nest"},
    OPT_END};

static const struct map_opts defaults = {.goal = -1}; /* not said: edp */
static const int64_t default_budget = 2000000;        /* seconds a layer at worst */

static json_t *mapping_json(const struct map_answer *a, const struct map_line *line, const struct mapping *m,
                            double energy_pj, double cycles)
{
    struct strbuf text = STRBUF_INIT;
    mapping_write(m, &a->accelerator, &line->einsum, &text);
    json_t *o = json_pack("{s:f, s:f, s:f, s:s}", "energy_j", energy_pj * 1e-12, "cycles", cycles, "latency_s",
                          cycles / a->accelerator.clock_hz, "mapping", strbuf_str(&text));
    strbuf_release(&text);
    return o;
}

/* The SI unit of a goal's value: J, s or J s. */
static double goal_unit(enum goal goal, double clock_hz)
{
    return (goal == GOAL_LATENCY ? 1 : 1e-12) / (goal == GOAL_ENERGY ? 1 : clock_hz);
}

static json_t *line_json(const struct map_answer *a, const struct map_line *line, bool pareto, enum goal goal)
{
    json_t *o = json_pack("{s:s, s:i, s:f}", "layer", line->name, "count", line->count, "elapsed_s", line->seconds);
    if (!line->found) {
        json_object_set_new(o, "why", json_string(line->why));
        return o;
    }
    if (pareto) {
        json_t *list = json_array();
        for (int i = 0; i < line->front.n; i++) {
            const struct mapper_point *p = &line->front.point[i];
            json_array_append_new(list, mapping_json(a, line, &p->mapping, p->energy_pj, p->cycles));
        }
        json_object_set_new(o, "front", list);
        json_object_set_new(o, "proven", json_boolean(line->front.proven));
        return o;
    }
    const struct mapper_result *r = &line->result;
    json_object_update_new(o, mapping_json(a, line, &r->mapping, r->cost.energy_pj, r->cost.cycles));
    json_object_set_new(o, "utilization", json_real(r->cost.utilization));
    double unit = goal_unit(goal, a->accelerator.clock_hz);
    json_object_set_new(o, "value", json_real(unit * mapper_value(goal, &r->cost)));
    json_object_set_new(o, "bound", r->bound > 0 ? json_real(unit * r->bound) : json_null());
    json_object_set_new(o, "proven", json_boolean(r->proven));
    json_object_set_new(o, "looked", json_integer(r->looked));
    json_object_set_new(o, "priced", json_integer(r->priced));
    json_object_set_new(o, "space", json_real(r->space));
    return o;
}

static void quantity(struct table *t, double value, struct dim dim)
{
    struct strbuf s = STRBUF_INIT;
    quantity_print(value, dim, &s);
    table_cell(t, strbuf_str(&s));
    strbuf_release(&s);
}

static void point_cells(struct table *t, const struct map_answer *a, const struct map_line *line,
                        const struct mapping *m, double energy_pj, double cycles)
{
    struct strbuf text = STRBUF_INIT;
    quantity(t, energy_pj * 1e-12, DIM_ENERGY);
    quantity(t, cycles / a->accelerator.clock_hz, DIM_TIME);
    strbuf_addf(&text, "%.0f", cycles);
    table_cell(t, strbuf_str(&text));
    strbuf_reset(&text);
    mapping_write(m, &a->accelerator, &line->einsum, &text);
    table_cell(t, strbuf_str(&text));
    strbuf_release(&text);
}

/* "proven", or how far the best found may be from the best. */
static void proof_cell(struct table *t, const struct map_line *line, enum goal goal)
{
    const struct mapper_result *r = &line->result;
    char text[32] = "not asked";
    if (r->proven) {
        snprintf(text, sizeof text, "proven");
    } else if (r->bound > 0) {
        snprintf(text, sizeof text, "gap %.1f%%", 100 * (mapper_value(goal, &r->cost) / r->bound - 1));
    }
    table_cell(t, text);
}

static void print_best(const struct cli *cli, const struct map_answer *a, enum goal goal)
{
    static const char *const titles[] = {"layer", "count", "time", "optimum", "energy", "latency", "cycles", "mapping"};
    struct table t;
    struct strbuf out = STRBUF_INIT;
    table_init(&t);
    for (int i = 0; i < 8; i++) {
        table_column(&t, titles[i], i == 0 || i == 3 || i == 7 ? TABLE_LEFT : TABLE_RIGHT);
    }
    for (int i = 0; i < a->n; i++) {
        const struct map_line *line = &a->line[i];
        char count[16];
        snprintf(count, sizeof count, "%d", line->count);
        table_cell(&t, line->name);
        table_cell(&t, count);
        quantity(&t, line->seconds, DIM_TIME);
        if (line->found) {
            proof_cell(&t, line, goal);
            point_cells(&t, a, line, &line->result.mapping, line->result.cost.energy_pj, line->result.cost.cycles);
        } else {
            for (int k = 0; k < 4; k++) {
                table_cell(&t, "-");
            }
            table_cell(&t, line->why);
        }
    }
    table_print(&t, 8, cli->color_out, &out);
    fputs(strbuf_str(&out), stdout);
    strbuf_release(&out);
    table_release(&t);
}

static void print_fronts(const struct cli *cli, const struct map_answer *a)
{
    for (int i = 0; i < a->n; i++) {
        const struct map_line *line = &a->line[i];
        struct strbuf out = STRBUF_INIT;
        struct table t;
        if (!line->found) {
            printf("%s  %s\n", line->name, line->why);
            continue;
        }
        printf("%s  %d trade-offs%s\n", line->name, line->front.n, line->front.proven ? ", proven" : "");
        table_init(&t);
        table_column(&t, "energy", TABLE_RIGHT);
        table_column(&t, "latency", TABLE_RIGHT);
        table_column(&t, "cycles", TABLE_RIGHT);
        table_column(&t, "mapping", TABLE_LEFT);
        for (int k = 0; k < line->front.n; k++) {
            const struct mapper_point *p = &line->front.point[k];
            point_cells(&t, a, line, &p->mapping, p->energy_pj, p->cycles);
        }
        table_print(&t, 4, cli->color_out, &out);
        fputs(strbuf_str(&out), stdout);
        strbuf_release(&out);
        table_release(&t);
    }
}

static void print_nests(const struct map_answer *a)
{
    for (int i = 0; i < a->n; i++) {
        const struct map_line *line = &a->line[i];
        struct strbuf text = STRBUF_INIT;
        if (line->found) {
            mapping_print(&line->result.mapping, &a->accelerator, &line->einsum, &text);
            printf("\n%s: %.3g mappings in the space, %lld pairs of tiles looked at, %lld mappings priced\n%s",
                   line->name, line->result.space, (long long)line->result.looked, (long long)line->result.priced,
                   strbuf_str(&text));
        }
        strbuf_release(&text);
    }
}

static int print_json(const struct map_answer *a, bool pareto, enum goal goal)
{
    json_t *list = json_array();
    for (int i = 0; i < a->n; i++) {
        json_array_append_new(list, line_json(a, &a->line[i], pareto, goal));
    }
    return cli_json(json_pack("{s:s, s:s, s:o}", "accelerator", a->accelerator.name, "goal",
                              pareto ? "pareto" : goal_names[goal], "layers", list));
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct map_opts *o = values;
    struct diags d = DIAGS_INIT;
    struct map_answer a;
    (void)n_args;
    (void)args;
    if (o->arch == NULL || o->workload == NULL) {
        return cli_fail(cli, ERR_USAGE, "name the accelerator and the network: --arch TEMPLATE --workload MODEL");
    }
    if (o->perfect && !o->fast) {
        return cli_fail(cli, ERR_USAGE,
                        "--perfect goes with --fast: the exact search takes factors that divide anyhow");
    }
    if (o->imperfect && o->fast) {
        return cli_fail(cli, ERR_USAGE, "--imperfect is for the exact search: --fast takes such factors anyhow");
    }
    if (o->pareto && o->goal >= 0) {
        return cli_fail(cli, ERR_USAGE, "--pareto shows every trade-off: --goal excludes it");
    }
    enum goal goal = o->goal >= 0 ? (enum goal)o->goal : GOAL_EDP;
    struct map_request r = {
        .what = {.arch = o->arch,
                 .workload = o->workload,
                 .layer = o->layer,
                 .set = o->set.item,
                 .n_set = o->set.n,
                 .density = o->density.item,
                 .n_density = o->density.n,
                 .w_bits = (int)o->w_bits,
                 .a_bits = (int)o->a_bits,
                 .acc_bits = (int)o->acc_bits},
        .rule = o->constrain.item,
        .n_rules = o->constrain.n,
        .options = {.goal = goal,
                    .effort = o->fast ? MAPPER_FAST : MAPPER_EXACT,
                    .accounting = (enum accounting)o->accounting,
                    .one_axis = o->one_axis,
                    .perfect = o->perfect,
                    .imperfect = o->imperfect,
                    .budget = o->budget > 0 || o->fast ? o->budget : default_budget,
                    .core_split = CORE_ANY},
        .pareto = o->pareto,
    };
    int rc = map_run(&r, &a, &d);
    int status = cli_diags(cli, &d);
    diags_release(&d);
    if (rc != 0) {
        return status;
    }
    int missing = 0;
    for (int i = 0; i < a.n; i++) {
        missing += !a.line[i].found;
    }
    if (cli->json) {
        print_json(&a, o->pareto, goal);
    } else if (o->pareto) {
        print_fronts(cli, &a);
    } else {
        print_best(cli, &a, goal);
        if (o->explain) {
            print_nests(&a);
        }
    }
    map_answer_release(&a);
    return missing > 0 ? ERR_NO : 0;
}

const struct verb verb_map = {
    .name = "map",
    .args = "",
    .help = "the best mapping of an operator, or of every operator of a network",
    .details = "Exact unless --fast: where the optimum is proven, no tiles, loop orders, spatial factors and bypasses "
               "with factors that "
               "divide give a smaller value of the goal. Where the budget ends before the proof, the gap is shown. "
               "Exits with 1 when an operator has no mapping; its line tells which capacity, where, by how much.",
    .example = "dovetail map --arch edge_npu --workload resnet18\n"
               "dovetail map --arch eyeriss_like --workload resnet50 --layer layer1.0.conv2 --pareto",
    .options = options,
    .options_size = sizeof(struct map_opts),
    .defaults = &defaults,
    .run = run};
