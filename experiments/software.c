/* Families of software variables into a network's widths, quantizers and places. */
#include "experiments/software.h"

#include "experiments/study_space.h"

/* A scale of mxfp4 is a power of two of 8 bits for each 32 numbers, whatever else is asked for. */
static const struct quantizer mxfp4 = {.format = FORMAT_MXFP4, .per = QUANTIZER_GROUP, .group = 32, .scale_bits = 8};

static enum bits_scope scope_of(const struct study_family *f)
{
    return f->per == PER_NETWORK ? BITS_ALL : f->per == PER_BLOCK ? BITS_BLOCK : BITS_OP;
}

static bool meant(const struct study_family *f, int member, const struct network *net, int op)
{
    return f->per == PER_NETWORK ||
           (f->per == PER_BLOCK ? net->op[op].block == f->member[member] : op == f->member[member]);
}

static int set_bits(const struct study *s, const struct study_family *f, const double *x, int accumulator,
                    struct network *net, struct err *err)
{
    for (int k = 0; k < f->count; k++) {
        int bits = (int)study_level(s, f, x, k);
        bool both = f->binding == BIND_BITS, acc = f->binding == BIND_ACC_BITS;
        if (acc && bits > accumulator) {
            return err_set(err, ERR_NO, "partial sums of %d bits do not fit accumulators of %d", bits, accumulator);
        }
        if (network_set_bits(net, scope_of(f), f->member != NULL ? f->member[k] : 0,
                             both || f->binding == BIND_W_BITS ? bits : 0, both || f->binding == BIND_A_BITS ? bits : 0,
                             acc ? bits : 0, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static struct op_place place_of(enum partition p)
{
    static const int splits[PARTITION_CORE] = {
        [PARTITION_OUTPUT_CHANNELS] = SPLIT_CHANNELS, [PARTITION_ROWS] = SPLIT_ROWS, [PARTITION_BATCH] = SPLIT_BATCH};
    if (p < PARTITION_CORE) {
        return (struct op_place){splits[p], 0};
    }
    return (struct op_place){PLACE_CORE, (int)(p - PARTITION_CORE)};
}

static void set_places(const struct study *s, const struct study_family *f, const double *x, struct op_place *place)
{
    for (int k = 0; k < f->count; k++) {
        struct op_place p = place_of((enum partition)study_level(s, f, x, k));
        for (int o = 0; o < s->network->n_ops; o++) {
            if (meant(f, k, s->network, o)) {
                place[o] = p;
            }
        }
    }
}

static void set_storage(const struct study *s, const struct study_family *f, const double *x, struct quantizer *q)
{
    for (int k = 0; k < f->count; k++) {
        int level = (int)study_level(s, f, x, k);
        for (int o = 0; o < s->network->n_ops; o++) {
            if (!meant(f, k, s->network, o)) {
                continue;
            }
            if (f->binding == BIND_W_FORMAT) {
                q[o].format = (enum number_format)level;
            } else if (f->binding == BIND_W_PER) {
                q[o].per = (enum quantizer_per)level;
            } else {
                q[o].group = level;
            }
        }
    }
}

/* What holds for the whole network and is set last. */
struct whole {
    int kv_bits;
    bool fusion;
};

static int set_family(const struct study *s, const struct study_family *f, const double *x, int accumulator,
                      const struct software *out, struct whole *whole, struct err *err)
{
    switch (f->binding) {
    case BIND_PARTITION:
        set_places(s, f, x, out->place);
        return 0;
    case BIND_MAPPING_GOAL:
        out->options->goal = (enum goal)study_level(s, f, x, 0);
        return 0;
    case BIND_KV_BITS:
        whole->kv_bits = (int)study_level(s, f, x, 0);
        return 0;
    case BIND_FUSION:
        whole->fusion = study_level(s, f, x, 0) > 0;
        return 0;
    case BIND_W_FORMAT:
    case BIND_W_PER:
    case BIND_W_GROUP:
        set_storage(s, f, x, out->quantizer);
        return 0;
    default:
        return set_bits(s, f, x, accumulator, out->network, err);
    }
}

int software_set(const struct study *s, const double *x, const double *slots, const struct mac *mac,
                 const struct software *out, struct err *err)
{
    int acc_bits = mac->acc_bits;
    struct whole whole = {s->kv_bits, s->fusion};
    int acc = s->acc_bits > 0 ? s->acc_bits : acc_bits;
    *out->options = (struct network_options){s->goal, s->mapper_budget};
    for (int o = 0; o < s->network->n_ops; o++) {
        out->place[o] = place_of(PARTITION_OUTPUT_CHANNELS);
        out->quantizer[o] = s->quantizer;
    }
    if (acc > acc_bits) {
        return err_set(err, ERR_NO, "partial sums of %d bits do not fit accumulators of %d", acc, acc_bits);
    }
    if (network_set_bits(out->network, BITS_ALL, 0, s->fixed_bits, s->fixed_bits, acc, err) < 0) {
        return -1;
    }
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        if (f->binding == BIND_PARAMETER || (f->when != NULL && expr_eval(f->when, slots) == 0)) {
            continue;
        }
        if (set_family(s, f, x, acc_bits, out, &whole, err) < 0) {
            return -1;
        }
    }
    for (int o = 0; o < s->network->n_ops; o++) {
        enum number_format format = out->quantizer[o].format;
        if ((format == FORMAT_FP8_E4M3 || format == FORMAT_FP8_E5M2) && mac->kind != MAC_FLOAT) {
            return err_set(err, ERR_NO, "products of %s need MACs of floating-point numbers, these are %s",
                           number_format_names[format], mac_kind_names[mac->kind]);
        }
        out->quantizer[o] = out->quantizer[o].format == FORMAT_MXFP4 ? mxfp4 : out->quantizer[o];
    }
    if (s->quantized && network_set_quantizers(out->network, out->quantizer, err) < 0) {
        return -1;
    }
    if (whole.fusion != out->network->fused && network_fuse(out->network, whole.fusion, err) < 0) {
        return -1;
    }
    if (s->kv_group != out->network->kv_group &&
        network_set_kv_group(out->network, s->kv_group, s->quantizer.scale_bits, err) < 0) {
        return -1;
    }
    return whole.kv_bits == out->network->kv_bits ? 0 : network_set_kv_bits(out->network, whole.kv_bits, err);
}
