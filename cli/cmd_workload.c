/* dovetail workload: what a network holds, from a model's name or a file of any format that is read: operators, MACs,
 * parameters, bytes, the most memory that activations take at once. */
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/sqnr.h"
#include "cli/table.h"
#include "sw/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct workload_opts {
    int64_t batch;
    struct opt_list set;
    bool operators;
    bool sqnr;
    bool strict;
};
static const struct workload_opts defaults = {.batch = 1};

static const struct opt options[] = {
    {"batch", 0, OPT_INT, offsetof(struct workload_opts, batch), "N", .help = "samples at once", .min = 1, .max = 1e6},
    {"set", 0, OPT_ASSIGN, offsetof(struct workload_opts, set), "NAME=N",
     .help = "a parameter of the model, or a dynamic dimension of an ONNX file"},
    {"operators", 0, OPT_FLAG, offsetof(struct workload_opts, operators), NULL, .help = "show every operator"},
    {"sqnr", 0, OPT_FLAG, offsetof(struct workload_opts, sqnr), NULL,
     .help = "what quantizing the weights of an ONNX file to 2..8 bits costs in noise"},
    {"strict", 0, OPT_FLAG, offsetof(struct workload_opts, strict), NULL,
     .help = "refuse an ONNX file with an operator that is not known"},
    OPT_END};

/* The network, with what an ONNX file or a config.json says of itself when it is one. */
struct loaded {
    struct network *net;
    struct weights *weights; /* when --sqnr asks for them */
    bool onnx, hf;
    struct onnx_facts facts;
    struct hf_facts config;
};

static bool ends_in(const char *text, const char *ending)
{
    size_t n = strlen(text), e = strlen(ending);
    return n > e && strcmp(text + n - e, ending) == 0;
}

static void load_onnx(const char *path, const struct workload_opts *o, const struct network_arg *args, int n_args,
                      struct loaded *out, struct diags *d)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    struct err err = ERR_INIT;
    size_t len;
    char *data = file_read(path, (size_t)1 << 31, &len, &err);
    if (data == NULL) {
        d->n_unreadable += err.code != ERR_DATA;
        diags_error(d, nowhere, NULL, "%s", err.text);
        return;
    }
    out->onnx = true;
    out->net = import_is_pointer(path, data, len, d)
                   ? NULL
                   : import_onnx(path, data, len, args, n_args, o->batch, o->strict, &out->facts, d);
    mem_free(data);
}

/* After the network of a config.json. */
static void read_config(const char *path, struct loaded *out)
{
    struct err err = ERR_INIT;
    size_t len;
    char *text = file_read(path, (size_t)1 << 26, &len, &err);
    out->hf = text && import_hf_facts(path, text, len, &out->config) == 0;
    mem_free(text);
}

/* "name=12" into its parts; name is cut in a copy that `names` keeps. */
static int read_args(const struct cli *cli, const struct opt_list *set, struct network_arg *args, char **names)
{
    for (int i = 0; i < set->n; i++) {
        names[i] = mem_strdup(set->item[i]);
        char *value = strrchr(names[i], '='), *end;
        *value++ = '\0';
        errno = 0;
        long long v = strtoll(value, &end, 10);
        if (errno || end == value || *end != '\0') {
            return cli_fail(cli, ERR_USAGE, "--set %s: the value must be a whole number", set->item[i]);
        }
        args[i] = (struct network_arg){names[i], v};
    }
    return 0;
}

static const char *shape_text(const struct activation *a, char *text, size_t size)
{
    snprintf(text, size, "%lld x %lld x %lld", (long long)a->channels, (long long)a->rows, (long long)a->columns);
    return text;
}

static void count_cell(struct table *t, int64_t n)
{
    char text[32];
    text[0] = '\0';
    if (n) {
        snprintf(text, sizeof text, "%lld", (long long)n);
    }
    table_cell(t, text);
}

static void print_operators(const struct cli *cli, const struct network *net)
{
    static const char *const columns[] = {"operator", "kind", "output", "MACs", "operations", "parameters"};
    struct table t;
    table_init(&t);
    for (int i = 0; i < 6; i++) {
        table_column(&t, columns[i], i < 3 ? TABLE_LEFT : TABLE_RIGHT);
    }
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        char shape[96];
        table_cell(&t, op->name);
        table_cell(&t, op->kind == OP_TENSOR ? "tensor" : op->kind == OP_VIEW ? "view" : vector_kind_names[op->vector]);
        table_cell(&t, shape_text(&net->act[op->output], shape, sizeof shape));
        count_cell(&t, op->kind == OP_TENSOR ? einsum_macs(&op->einsum) : 0);
        count_cell(&t, op->vector_ops);
        count_cell(&t, op->weights + op->biases);
    }
    struct strbuf out = STRBUF_INIT;
    table_print(&t, 6, cli->color_out, &out);
    fwrite(strbuf_str(&out), 1, out.len, stdout);
    strbuf_release(&out);
    table_release(&t);
}

static int distinct_operators(const struct network *net)
{
    int *unique = mem_calloc((size_t)net->n_ops + 1, sizeof *unique), n = network_unique(net, unique);
    mem_free(unique);
    return n;
}

/* As a study with `fusion: elementwise` has it. */
static void fused_totals(const struct network *net, struct network_totals *out)
{
    struct err ignored = ERR_INIT;
    struct network *copy = network_copy(net);
    network_fuse(copy, true, &ignored);
    network_totals(copy, out);
    network_free(copy);
}

static void print_text(const struct cli *cli, const struct workload_opts *o, const struct loaded *l)
{
    const struct network *net = l->net;
    struct network_totals t;
    network_totals(net, &t);
    if (o->operators) {
        print_operators(cli, net);
        printf("\n");
    }
    if (o->sqnr) {
        sqnr_print(cli, net, l->weights);
        printf("\n");
    }
    printf("network      %s, batch %lld\n", net->name, (long long)o->batch);
    printf("operators    %d tensor (%d distinct), %d of vector work, %d views, in %d blocks\n", t.tensor_ops,
           distinct_operators(net), t.vector_work, t.views, net->n_blocks);
    printf("MACs         %lld\n", (long long)t.macs);
    printf("operations   %lld of vector work\n", (long long)t.vector_ops);
    printf("parameters   %lld: %lld weights, %lld biases; %lld bytes at %d and %d bits\n",
           (long long)(t.weights + t.biases), (long long)t.weights, (long long)t.biases, (long long)(t.weight_bits / 8),
           NETWORK_BITS, NETWORK_ACC_BITS);
    printf("activations  %lld bytes in all, at most %lld alive at once (%lld in place), at %d bits\n",
           (long long)(t.activation_bits / 8), (long long)(t.peak_activation_bits / 8),
           (long long)(t.peak_in_place_bits / 8), NETWORK_BITS);
    struct network_totals fused;
    fused_totals(net, &fused);
    printf("fusion       %d of the vector work could ride on its producer: then %lld bytes of activations in all, at "
           "most %lld at once in place\n",
           fused.fused, (long long)(fused.activation_bits / 8), (long long)(fused.peak_in_place_bits / 8));
    if (l->onnx) {
        const struct onnx_facts *f = &l->facts;
        printf("ONNX         %d nodes, %d not known; MACs %lld, quantized %lld, in subgraphs %lld; %lld elements of "
               "initializers, %lld of constants\n",
               f->nodes, f->unknown, (long long)f->macs, (long long)f->macs_quantised, (long long)f->macs_subgraphs,
               (long long)f->initializer_elements, (long long)f->constant_elements);
    }
    if (l->hf) {
        const struct hf_facts *f = &l->config;
        printf("config       %s: %lld layers, %d with keys; width %lld, %lld heads, %lld of keys, of %lld; vocabulary "
               "%lld; a "
               "token leaves %lld bytes of keys and values at 16 bits\n",
               f->read_as[0] ? f->read_as : "no type", (long long)f->layers, f->attention_layers, (long long)f->hidden,
               (long long)f->heads, (long long)f->kv_heads, (long long)f->head_dim, (long long)f->vocab,
               (long long)(2 * f->kv_elements_per_token));
    }
}

static json_t *config_json(const struct hf_facts *f)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:I}", "model_type", f->type, "read_as",
                     f->read_as, "layers", (json_int_t)f->layers, "hidden", (json_int_t)f->hidden, "heads",
                     (json_int_t)f->heads, "kv_heads", (json_int_t)f->kv_heads, "head_dim", (json_int_t)f->head_dim,
                     "vocab", (json_int_t)f->vocab, "attention_layers", f->attention_layers, "kv_elements_per_token",
                     (json_int_t)f->kv_elements_per_token, "kv_bytes_per_token_fp16",
                     (json_int_t)(2 * f->kv_elements_per_token));
}

static json_t *operator_json(const struct network *net, const struct op *op)
{
    const struct activation *a = &net->act[op->output];
    return json_pack("{s:s, s:s, s:s, s:[I,I,I], s:I, s:I, s:I, s:I, s:b}", "name", op->name, "block",
                     net->block[op->block].name, "kind",
                     op->kind == OP_TENSOR ? "tensor"
                     : op->kind == OP_VIEW ? "view"
                                           : vector_kind_names[op->vector],
                     "output", (json_int_t)a->channels, (json_int_t)a->rows, (json_int_t)a->columns, "macs",
                     (json_int_t)(op->kind == OP_TENSOR ? einsum_macs(&op->einsum) : 0), "vector_ops",
                     (json_int_t)op->vector_ops, "weights", (json_int_t)op->weights, "biases", (json_int_t)op->biases,
                     "bits_fixed", op->fixed_bits);
}

/* Whole bytes as an integer. */
static void set_bytes(json_t *o, const char *key, int64_t bits)
{
    json_object_set_new(o, key, bits % 8 == 0 ? json_integer(bits / 8) : json_real((double)bits / 8));
}

static void set_activations(json_t *o, const struct network_totals *t)
{
    set_bytes(o, "activation_bytes", t->activation_bits);
    set_bytes(o, "peak_activation_bytes", t->peak_activation_bits);
    set_bytes(o, "peak_in_place_bytes", t->peak_in_place_bits);
}

static json_t *summary_json(const struct workload_opts *o, const struct loaded *l)
{
    const struct network *net = l->net;
    struct network_totals t;
    network_totals(net, &t);
    json_t *root = json_pack("{s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I}", "network", net->name, "batch",
                             (json_int_t)o->batch, "tensor_operators", t.tensor_ops, "distinct_operators",
                             distinct_operators(net), "vector_work", t.vector_work, "views", t.views, "blocks",
                             net->n_blocks, "macs", (json_int_t)t.macs, "vector_ops", (json_int_t)t.vector_ops,
                             "weights", (json_int_t)t.weights, "biases", (json_int_t)t.biases);
    set_bytes(root, "weight_bytes", t.weight_bits);
    set_activations(root, &t);
    if (l->onnx) {
        const struct onnx_facts *f = &l->facts;
        json_object_set_new(root, "onnx",
                            json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:I}", "nodes", f->nodes, "unknown", f->unknown,
                                      "macs", (json_int_t)f->macs, "macs_quantized", (json_int_t)f->macs_quantised,
                                      "macs_subgraphs", (json_int_t)f->macs_subgraphs, "initializer_elements",
                                      (json_int_t)f->initializer_elements, "constant_elements",
                                      (json_int_t)f->constant_elements));
    }
    if (l->hf) {
        json_object_set_new(root, "hugging_face", config_json(&l->config));
    }
    fused_totals(net, &t);
    json_t *fusion = json_pack("{s:i}", "fused", t.fused);
    set_activations(fusion, &t);
    json_object_set_new(root, "fusion", fusion);
    if (o->sqnr) {
        json_object_set_new(root, "sqnr", sqnr_json(net, l->weights));
    }
    if (o->operators) {
        json_t *list = json_array();
        for (int i = 0; i < net->n_ops; i++) {
            json_array_append_new(list, operator_json(net, &net->op[i]));
        }
        json_object_set_new(root, "operators", list);
    }
    return root;
}

static int run_with(struct cli *cli, const struct workload_opts *o, const char *model, const struct network_arg *args,
                    int n_args)
{
    struct diags d = DIAGS_INIT;
    struct loaded l = {.net = NULL};
    if (ends_in(model, ".onnx")) {
        load_onnx(model, o, args, n_args, &l, &d);
    } else {
        l.net = network_load(model, args, n_args, o->batch, &d);
    }
    if (l.net != NULL && ends_in(model, ".json")) {
        read_config(model, &l);
    }
    if (l.net != NULL && o->sqnr) {
        l.weights = weights_load(model, l.net, args, n_args, o->batch, &d);
    }
    int status = cli_diags(cli, &d);
    if (l.net == NULL) {
        status = status ? status : ERR_DATA;
    } else if (status == 0 && cli->json) {
        status = cli_json(summary_json(o, &l));
    } else if (status == 0) {
        print_text(cli, o, &l);
    }
    weights_free(l.weights);
    network_free(l.net);
    diags_release(&d);
    return status;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    (void)n_args;
    const struct workload_opts *o = values;
    struct network_arg *set = mem_calloc((size_t)o->set.n + 1, sizeof *set);
    char **names = mem_calloc((size_t)o->set.n + 1, sizeof *names);
    int status = read_args(cli, &o->set, set, names);
    if (status == 0) {
        status = run_with(cli, o, args[0], set, o->set.n);
    }
    for (int i = 0; i < o->set.n; i++) {
        mem_free(names[i]);
    }
    mem_free(names);
    mem_free(set);
    return status;
}

const struct verb verb_workload = {
    .name = "workload",
    .args = "MODEL",
    .help = "what a network holds: operators, MACs, parameters, bytes",
    .details = "MODEL is one that comes with Dovetail (`dovetail templates` lists them), or a file: .yaml "
               "(docs/workloads.md), "
               ".onnx, .json (Hugging Face config), .csv (SCALE-Sim topology), a Timeloop problem or a folder of them "
               "(docs/timeloop.md).",
    .example = "dovetail workload resnet50\n"
               "dovetail workload gpt2 --set tokens=1 --set context=1024\n"
               "dovetail workload model.onnx --set seq_len=128 --operators\n"
               "dovetail workload model.onnx --sqnr",
    .options = options,
    .options_size = sizeof(struct workload_opts),
    .defaults = &defaults,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
