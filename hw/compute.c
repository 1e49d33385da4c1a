/* MAC and vector units out of adders, multipliers and registers. What is composed how, and compared with what: docs/components.md. */
#include "hw/compute.h"

#include "hw/component.h"

#include <math.h>
#include <stdio.h>

/* Prefix adder: set-up and sum, and one level for each doubling. */
static double adder_fo4(const struct tables *t, double bits)
{
    return tables_value(t, "gate_fo4") * (1 + fmax(log2(bits), 0));
}

/* Levels of full adders that bring `operands` numbers down to two (Dadda). */
static int carry_save_levels(int operands)
{
    int levels = 0;
    for (int most = 2; most < operands; most += most / 2) {
        levels++;
    }
    return levels;
}

/* Recombining one w x a product from 2 x 2 ones: of both halves of both operands, or of one operand. */
static double recombine_fo4(const struct tables *t, int w, int a)
{
    if (w <= 2 && a <= 2) {
        return 0;
    }
    int operands = w > 2 && a > 2 ? 4 : 2;
    double here = tables_value(t, "gate_fo4") + carry_save_levels(operands) * tables_value(t, "full_adder_fo4") +
                  adder_fo4(t, 0.75 * (w + a));
    return here + recombine_fo4(t, w > 2 ? w / 2 : w, a > 2 ? a / 2 : a);
}

/* Of a float of so many bits, the leading one included: FP8 (E4M3), FP16, FP32. */
static int fraction_bits(int bits)
{
    return bits <= 8 ? 4 : bits <= 16 ? 11 : 24;
}

/* Product and addition in a stage each: the product of significands; shifting one operand into place, adding, shifting the result back. */
static double float_fo4(const struct tables *t, int operand, int acc)
{
    double gate = tables_value(t, "gate_fo4"), full_adder = tables_value(t, "full_adder_fo4");
    int product = fraction_bits(operand), sum = fraction_bits(acc);
    double multiply = gate + carry_save_levels(product) * full_adder + adder_fo4(t, 2 * product);
    return fmax(multiply, 2 * gate * ceil(log2(sum)) + adder_fo4(t, sum));
}

double compute_mac_depth_fo4(const struct tables *t, enum mac_kind kind, int w, int a, int acc)
{
    double gate = tables_value(t, "gate_fo4"), full_adder = tables_value(t, "full_adder_fo4");
    int rows = w < a ? w : a;
    switch (kind) {
    case MAC_DECOMPOSABLE:
        return gate + adder_fo4(t, 4) + recombine_fo4(t, w, a) + full_adder + adder_fo4(t, acc);
    case MAC_BIT_SERIAL:
        return gate + full_adder + adder_fo4(t, w + a);
    case MAC_FLOAT:
        return float_fo4(t, w > a ? w : a, acc);
    default:
        return gate + (carry_save_levels(rows) + 1) * full_adder + adder_fo4(t, acc);
    }
}

/* Adder bits that recombine one product of w x a bits from products of 2 x 2: halving both operands takes three additions of 3/4 of the
 * product's width, halving one takes one. */
static double recombine_bits(int w, int a)
{
    double width = 0.75 * (w + a);
    if (w > 2 && a > 2) {
        return 3 * width + 4 * recombine_bits(w / 2, a / 2);
    }
    if (w > 2 || a > 2) {
        return width + 2 * recombine_bits(w > 2 ? w / 2 : w, a > 2 ? a / 2 : a);
    }
    return 0;
}

static void add_part(struct mac *m, const struct component *c, double n)
{
    m->leak_w += n * c->leak_w;
    m->area_mm2 += n * c->area_mm2;
}

void compute_mac(const struct technology *t, enum mac_kind kind, int w, int a, int acc, struct mac *out)
{
    struct component mul, add, part;
    if (kind == MAC_FLOAT) {
        component_fp_multiplier(t, w > a ? w : a, &mul);
        component_fp_adder(t, acc, &add);
    } else {
        component_multiplier(t, w, a, &mul);
        component_adder(t, acc, &add);
    }
    *out = (struct mac){.kind = kind, .w_bits = w, .a_bits = a, .acc_bits = acc, .add_pj = add.read_pj};
    out->max_hz =
        technology_max_hz(t->tables, t->node, t->voltage_v, compute_mac_depth_fo4(t->tables, kind, w, a, acc));
    add_part(out, &add, 1);
    if (kind == MAC_BIT_SERIAL) {
        struct component reg;
        component_adder(t, a + 1, &part); /* the shifted-out half of the product is left alone */
        component_register(t, w + a, &reg);
        out->mul_pj = w * (part.read_pj + reg.write_pj);
        add_part(out, &part, w);
        add_part(out, &reg, w);
    } else {
        out->mul_pj = mul.read_pj;
        add_part(out, &mul, 1);
    }
    double bits = kind == MAC_DECOMPOSABLE ? 2 * recombine_bits(w, a) : 0;
    if (bits > 0) {
        component_adder(t, bits, &part);
        out->shift_add_pj = part.read_pj;
        add_part(out, &part, 1);
    }
    snprintf(out->source, sizeof out->source, "%s MAC %dx%d+%d, %s %.3gV; %.100s", mac_kind_names[kind], w, a, acc,
             t->node->name, t->voltage_v, kind == MAC_BIT_SERIAL ? part.source : mul.source);
}

void compute_vector(const struct technology *t, int64_t lanes, int acc, struct vector_unit *out)
{
    struct component mul, add, reg;
    component_multiplier(t, 16, 16, &mul);
    component_adder(t, acc, &add);
    component_register(t, 3.0 * acc, &reg);
    *out = (struct vector_unit){.lanes = lanes,
                                .op_pj = mul.read_pj + add.read_pj + reg.write_pj / 3,
                                .leak_w = (double)lanes * (mul.leak_w + add.leak_w + reg.leak_w),
                                .area_mm2 = (double)lanes * (mul.area_mm2 + add.area_mm2 + reg.area_mm2)};
    snprintf(out->source, sizeof out->source, "lane of mul 16x16, add %d, 3 registers; %.90s", acc, mul.source);
}
