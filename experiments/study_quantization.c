/* `accuracy:` and `quantization:` of a study's workload, and whether the variables of its space fit both. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/study_raw.h"
#include "experiments/study_space.h"

#include <string.h>

/* Which keys go with which kind. */
static int check_keys(const struct raw_accuracy *raw, enum accuracy_kind kind, const struct node *node, struct diags *d)
{
    static const struct {
        const char *key;
        enum accuracy_kind kind;
    } keys[] = {{"proxy", ACCURACY_SENSITIVITY}, {"table", ACCURACY_TABLE}, {"clip", ACCURACY_SQNR}};
    int bad = 0;
    if (raw->kind < 0 && raw->proxy == NULL) {
        return diags_error(d, node->mark, "write {proxy: hawqv3}, {kind: sqnr} or {kind: table}",
                           "'accuracy' does not say of what kind it is");
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct node *at = node_get(node, keys[i].key);
        if (at != NULL && keys[i].kind != kind) {
            bad = diags_error(d, at->key_mark, NULL, "'%s' belongs to accuracy of kind %s", keys[i].key,
                              accuracy_kind_names[keys[i].kind]);
        }
    }
    return bad;
}

int study_read_accuracy(struct study *s, const struct raw_workload *raw, const struct network_arg *args, int n_args,
                        const struct node *workload, struct diags *d)
{
    const struct raw_accuracy *a = &raw->accuracy;
    const struct node *node = node_get(workload, "accuracy");
    enum accuracy_kind kind = a->kind >= 0 ? (enum accuracy_kind)a->kind : ACCURACY_SENSITIVITY;
    if (node == NULL) {
        return 0;
    }
    if (check_keys(a, kind, node, d) < 0) {
        return -1;
    }
    const struct accuracy_request request = {.kind = kind,
                                             .proxy = a->proxy,
                                             .table = a->table,
                                             .clip = (enum clip)a->clip,
                                             .model = raw->model,
                                             .args = args,
                                             .n_args = n_args,
                                             .batch = raw->batch};
    const struct node *named = a->proxy != NULL   ? node_get(node, "proxy")
                               : a->table != NULL ? node_get(node, "table")
                                                  : node;
    int before = d->n;
    s->accuracy = accuracy_open(&request, s->network, d);
    for (int i = before; i < d->n; i++) { /* it knows no place in the study */
        if (d->list[i].mark.source == NULL) {
            d->list[i].mark = named->mark;
        }
    }
    return s->accuracy != NULL ? 0 : -1;
}

int study_read_quantization(struct study *s, const struct raw_quantization *raw, const struct node *node,
                            struct diags *d)
{
    struct err err = ERR_INIT;
    static const char *const storage[] = {"w_format", "w_per", "w_group", "scale_bits", "zero_bits"};
    for (size_t i = 0; node != NULL && i < sizeof storage / sizeof *storage; i++) {
        s->quantized |= node_get(node, storage[i]) != NULL;
    }
    s->kv_bits = (int)raw->kv_bits;
    s->kv_group = (int)raw->kv_group;
    s->acc_bits = (int)raw->acc_bits;
    s->quantizer = (struct quantizer){.format = (enum number_format)raw->format,
                                      .per = (enum quantizer_per)raw->per,
                                      .group = (int)raw->group,
                                      .scale_bits = (int)raw->scale_bits,
                                      .zero_bits = (int)raw->zero_bits};
    if (node == NULL || s->quantizer.format == FORMAT_MXFP4) { /* which has a group and scales of its own */
        return 0;
    }
    int own = number_format_bits(s->quantizer.format);
    return quantizer_check(&s->quantizer, own ? own : NETWORK_BITS, &err) < 0
               ? diags_error(d, node->mark, NULL, "%s", err.text)
               : 0;
}

/* ---- what varies ---- */

/* Can the MACs be of floating-point numbers, in any design? The parameter that says so has "float" among its choices. */
static bool may_float(const struct study *s)
{
    int n;
    const struct template_param *params = template_params(s->hardware, &n);
    for (int i = 0; i < n; i++) {
        int label = 0;
        while (label < params[i].n_labels && strcmp(params[i].labels[label], mac_kind_names[MAC_FLOAT]) != 0) {
            label++;
        }
        if (label == params[i].n_labels) {
            continue;
        }
        bool varies = false, may = (int)s->fixed[i] == label;
        for (int f = 0; f < s->n_families; f++) {
            const struct study_family *own = &s->family[f];
            bool this_one = own->binding == BIND_PARAMETER && own->parameter == i;
            for (int64_t k = 0; this_one && k < own->n_levels; k++) {
                may = varies ? may || (int)own->level[k] == label : (int)own->level[k] == label;
                varies = true;
            }
        }
        return may;
    }
    return false;
}

/* What is neither unpacked to an integer nor multiplied as it is has no price. */
static int check_format(const struct study *s, enum number_format format, struct mark at, struct diags *d)
{
    if ((format != FORMAT_FP8_E4M3 && format != FORMAT_FP8_E5M2) || may_float(s)) {
        return 0;
    }
    return diags_error(d, at, "mxfp4 and nf4 are unpacked to integers at the array; template edge_npu has 'mac: float'",
                       "products of %s need MACs of floating-point numbers, which no design of this study has",
                       number_format_names[format]);
}

static bool has_cache(const struct network *net)
{
    bool any = false;
    for (int a = 0; a < net->n_acts; a++) {
        any |= net->act[a].in_memory;
    }
    return any;
}

static int check_family(const struct study *s, const struct study_family *f, const struct node *key, struct diags *d)
{
    int bad = 0;
    for (int64_t k = 0; f->binding == BIND_W_FORMAT && k < f->n_levels; k++) {
        bad |= check_format(s, (enum number_format)f->level[k], key->mark, d);
    }
    if (f->binding == BIND_KV_BITS && s->network != NULL && !has_cache(s->network)) {
        bad |= diags_error(d, key->key_mark, "a decoder has one: a Hugging Face config.json, or gpt2",
                           "network '%s' has no KV cache", s->network->name);
    }
    return bad;
}

/* The proxy covers some widths only: every level that the space may ask for must be among them. */
static int check_widths(const struct study *s, const struct study_family *f, const struct node *key, struct diags *d)
{
    struct accuracy_info info;
    int bad = 0;
    accuracy_info(s->accuracy, &info);
    if (info.equal_widths && (f->binding == BIND_W_BITS || f->binding == BIND_A_BITS)) {
        bad |= diags_error(d, key->key_mark, "use 'bits', which sets both",
                           "proxy '%s' knows equal weight and activation bits only", info.proxy);
    }
    for (int64_t k = 0; f->binding == BIND_BITS && k < f->n_levels; k++) {
        struct err err = ERR_INIT;
        int bits = (int)f->level[k];
        if (accuracy_check_widths(s->accuracy, &bits, 1, &err) < 0) {
            bad |= diags_error(d, key->mark, NULL, "%s", err.text);
        }
    }
    return bad;
}

int study_check_quantization(const struct study *s, const struct node *workload, const struct node *space,
                             struct diags *d)
{
    const struct node *node = node_get(workload, "quantization");
    int bad = node != NULL ? check_format(s, s->quantizer.format, node->mark, d) : 0;
    const struct node *cache = node_get(node, s->kv_bits > 0 ? "kv_bits" : "kv_block");
    if ((s->kv_bits > 0 || s->kv_group > 0) && s->network != NULL && !has_cache(s->network)) {
        bad |= diags_error(d, cache->key_mark, NULL, "network '%s' has no KV cache", s->network->name);
    }
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        const struct node *key = node_get(space, f->name);
        bad |= check_family(s, f, key, d);
        bad |= s->accuracy != NULL ? check_widths(s, f, key, d) : 0;
    }
    return bad ? -1 : 0;
}
