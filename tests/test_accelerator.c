/* Accelerator invariants, canonical text, MAC lanes. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "hw/accelerator.h"
#include "hw/template.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct accelerator edge_npu(const char *mac)
{
    struct diags d = DIAGS_INIT;
    struct template *t = template_load("edge_npu", &d);
    ck_assert(t != NULL);
    diags_release(&d);
    double v[64];
    template_defaults(t, v);
    v[template_param(t, "clock")] = 100e6; /* at the lowest voltage, whatever the MAC's depth */
    for (int k = 0; mac_kind_names[k] != NULL; k++) {
        if (strcmp(mac_kind_names[k], mac) == 0) {
            v[template_param(t, "mac")] = k; /* the template lists the kinds in this order */
        }
    }
    struct accelerator a;
    struct err err = ERR_INIT;
    ck_assert_msg(template_build(t, v, &a, &err) == 0, "%s", err.text);
    template_free(t);
    return a;
}

START_TEST(test_lanes_fixed)
{
    struct accelerator a = edge_npu("fixed");
    int64_t lanes;
    double pj, wide;
    struct err err = ERR_INIT;
    ck_assert_int_eq(mac_lanes(&a.mac, 8, 8, &lanes, &wide, &err), 0);
    ck_assert_int_eq(lanes, 1);
    ck_assert_int_eq(mac_lanes(&a.mac, 2, 3, &lanes, &pj, &err), 0);
    ck_assert_int_eq(lanes, 1);
    ck_assert_double_eq(pj, wide);
    ck_assert_int_eq(mac_lanes(&a.mac, 9, 8, &lanes, &pj, &err), -1);
    ck_assert_int_eq(err.code, ERR_DATA);
    ck_assert_str_eq(err.text, "operands of 9 x 8 bits do not fit MAC units of 8 x 8 bits");
}
END_TEST

START_TEST(test_lanes_decomposable)
{
    static const struct {
        int w, a;
        int64_t lanes;
    } want[] = {{8, 8, 1}, {5, 8, 1}, {4, 8, 2}, {4, 4, 4}, {3, 4, 4}, {2, 8, 4}, {2, 2, 16}, {1, 1, 16}, {8, 2, 4}};
    struct accelerator a = edge_npu("decomposable");
    double whole;
    int64_t lanes;
    ck_assert_int_eq(mac_lanes(&a.mac, 8, 8, &lanes, &whole, NULL), 0);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        double pj;
        ck_assert_int_eq(mac_lanes(&a.mac, want[i].w, want[i].a, &lanes, &pj, NULL), 0);
        ck_assert_int_eq(lanes, want[i].lanes);
        ck_assert_double_eq_tol(pj * (double)lanes, whole, 1e-12); /* a cycle costs the same, its lanes share it */
    }
}
END_TEST

START_TEST(test_lanes_bit_serial)
{
    struct accelerator a = edge_npu("bit_serial");
    int64_t lanes;
    double one, four, eight;
    ck_assert_int_eq(mac_lanes(&a.mac, 1, 8, &lanes, &one, NULL), 0);
    ck_assert_int_eq(lanes, 8);
    ck_assert_int_eq(mac_lanes(&a.mac, 4, 8, &lanes, &four, NULL), 0);
    ck_assert_int_eq(lanes, 2);
    ck_assert_int_eq(mac_lanes(&a.mac, 3, 8, &lanes, &four, NULL), 0);
    ck_assert_int_eq(lanes, 2);
    ck_assert_int_eq(mac_lanes(&a.mac, 8, 8, &lanes, &eight, NULL), 0);
    ck_assert_int_eq(lanes, 1);
    ck_assert(one < four && four < eight);
}
END_TEST

/* More bits never cost less, for every kind and pair of widths. */
START_TEST(test_energy_rises_with_bits)
{
    int n = 0;
    for (int k = 0; k < MAC_KIND_COUNT; k++) {
        struct accelerator a = edge_npu(mac_kind_names[k]);
        for (int w = 1; w < a.mac.w_bits; w++) {
            for (int x = 1; x < a.mac.a_bits; x++) {
                int64_t lanes, fewer;
                double pj, more;
                ck_assert_int_eq(mac_lanes(&a.mac, w, x, &lanes, &pj, NULL), 0);
                ck_assert_int_eq(mac_lanes(&a.mac, w + 1, x, &fewer, &more, NULL), 0);
                ck_assert(more >= pj && fewer <= lanes);
                ck_assert_int_eq(mac_lanes(&a.mac, w, x + 1, &fewer, &more, NULL), 0);
                ck_assert(more >= pj && fewer <= lanes);
                n += 2;
            }
        }
    }
    printf("checked %d pairs of operand widths\n", n);
}
END_TEST

/* Floating-point units: one lane whatever the format, dearer and larger than integer ones of the width. */
START_TEST(test_float)
{
    struct accelerator fixed = edge_npu("fixed"), real = edge_npu("float");
    int64_t lanes;
    double narrow, wide;
    ck_assert_int_eq(mac_lanes(&real.mac, 4, 4, &lanes, &narrow, NULL), 0);
    ck_assert_int_eq(lanes, 1);
    ck_assert_int_eq(mac_lanes(&real.mac, 8, 8, &lanes, &wide, NULL), 0);
    ck_assert(narrow == wide && wide > fixed.mac.mul_pj + fixed.mac.add_pj);
    ck_assert(real.mac.area_mm2 > fixed.mac.area_mm2 && real.mac.max_hz > 0);
}
END_TEST

/* Bit Fusion's fusion unit of 16 bricks in 45 nm: multipliers 369 um2, shifts and adders 934, registers 91 (Sharma et al., ISCA 2018, recalled). */
START_TEST(test_decomposable_area_is_that_of_bit_fusion)
{
    struct accelerator fixed = edge_npu("fixed"), split = edge_npu("decomposable");
    double at_45nm = 1 / 0.2462; /* 22 nm to 45 nm, nodes.csv; layout factor 0.7, overhead 6 */
    double um2 = (split.mac.area_mm2 - fixed.mac.area_mm2) * 1e6 * at_45nm * 0.7 / 6;
    printf("shifts and adders of a decomposable 8x8 unit: %.0f um2 at 45 nm (Bit "
           "Fusion: 934)\n",
           um2);
    ck_assert(um2 > 700 && um2 < 1200);
    ck_assert(split.mac.mul_pj == fixed.mac.mul_pj && split.mac.shift_add_pj > 0 && fixed.mac.shift_add_pj == 0);
}
END_TEST

/* A decomposable unit has the longer path, so the same chip clocks lower. */
START_TEST(test_depth_limits_clock)
{
    struct accelerator fixed = edge_npu("fixed"), split = edge_npu("decomposable"), serial = edge_npu("bit_serial");
    printf("highest clock at %.3g V: fixed %.0f, decomposable %.0f, bit-serial %.0f MHz\n", fixed.voltage_v,
           fixed.mac.max_hz / 1e6, split.mac.max_hz / 1e6, serial.mac.max_hz / 1e6);
    ck_assert(fixed.voltage_v == split.voltage_v && split.mac.max_hz < fixed.mac.max_hz &&
              serial.mac.max_hz >= fixed.mac.max_hz);
}
END_TEST

static void refused(struct accelerator *a, const char *why)
{
    struct err err = ERR_INIT;
    ck_assert_msg(accelerator_check(a, &err) == -1, "%s", why);
    ck_assert_int_eq(err.code, ERR_DATA);
    ck_assert_msg(strstr(err.text, why) != NULL, "'%s' says '%s'", why, err.text);
}

START_TEST(test_broken_ones_are_refused)
{
    const struct accelerator good = edge_npu("fixed");
    struct accelerator a = good;
    ck_assert_int_eq(accelerator_check(&a, NULL), 0);
    a.n_levels = 0;
    refused(&a, "0 levels");
    a = good;
    a.level[0].instances++;
    refused(&a, "instances");
    a = good;
    a.level[0].fanout_x = 0;
    refused(&a, "fan-out");
    a = good;
    a.level[1].read_pj = NAN;
    refused(&a, "energy");
    a = good;
    a.level[1].leak_w = -1;
    refused(&a, "energy, leakage");
    a = good;
    a.level[1].capacity_bits = 8;
    refused(&a, "holds 8 bits");
    a = good;
    a.level[1].buffering = 3;
    refused(&a, "buffering");
    a = good;
    a.level[2].shared_bits_per_cycle = 0;
    refused(&a, "bandwidth");
    a = good;
    a.mac.instances = 1;
    refused(&a, "MAC units");
    a = good;
    a.mac.mul_pj = INFINITY;
    refused(&a, "MAC unit");
    a = good;
    a.mac.kind = MAC_DECOMPOSABLE;
    a.mac.w_bits = 6;
    refused(&a, "powers of two");
    a = good;
    a.cores = 3;
    refused(&a, "cores");
    a = good;
    a.clock_hz = 0;
    refused(&a, "clock");
    a = good;
    a.vector.op_pj = -1;
    refused(&a, "vector");
}
END_TEST

static char *text_of(const struct accelerator *a)
{
    struct strbuf sb = STRBUF_INIT;
    accelerator_canonical(a, &sb);
    return strbuf_detach(&sb);
}

START_TEST(test_canonical_text_sees_what_costs)
{
    const struct accelerator good = edge_npu("decomposable");
    char *text = text_of(&good);
    struct accelerator changed[64];
    int n = 0;
#define CHANGE(field, value)                                                                                           \
    do {                                                                                                               \
        changed[n] = good;                                                                                             \
        changed[n++].field = (value);                                                                                  \
    } while (0)
    CHANGE(clock_hz, good.clock_hz * (1 + 1e-15));
    CHANGE(voltage_v, 0.9);
    CHANGE(cores, 7);
    CHANGE(core_level, 0);
    CHANGE(area_mm2, good.area_mm2 + 1e-9);
    CHANGE(leak_w, good.leak_w * 2);
    CHANGE(n_levels, 2);
    CHANGE(level[0].capacity_bits, 77);
    CHANGE(level[0].buffering, 2);
    CHANGE(level[0].kind, LEVEL_SRAM);
    CHANGE(level[0].keep[TENSOR_INPUTS], KEEP_NEVER);
    CHANGE(level[0].instances, 3);
    CHANGE(level[1].fanout_x, 3);
    CHANGE(level[1].fanout_y, 3);
    CHANGE(level[1].word_bits, 3);
    CHANGE(level[1].read_pj, 3);
    CHANGE(level[1].write_pj, 3);
    CHANGE(level[1].read_bits_per_cycle, 3);
    CHANGE(level[1].write_bits_per_cycle, 3);
    CHANGE(level[1].shared_bits_per_cycle, 3);
    CHANGE(level[1].hop_pj_per_bit, 3);
    CHANGE(level[1].hops_x, 33);
    CHANGE(level[1].hops_y, 33);
    CHANGE(level[1].add_pj_per_bit, 3);
    CHANGE(level[1].leak_w, 3);
    CHANGE(level[1].area_mm2, 3);
    CHANGE(mac.kind, MAC_FIXED);
    CHANGE(mac.instances, 3);
    CHANGE(mac.w_bits, 4);
    CHANGE(mac.a_bits, 4);
    CHANGE(mac.acc_bits, 4);
    CHANGE(mac.mul_pj, 4);
    CHANGE(mac.add_pj, 4);
    CHANGE(mac.shift_add_pj, 4);
    CHANGE(mac.leak_w, 4);
    CHANGE(mac.area_mm2, 4);
    CHANGE(vector.lanes, 3);
    CHANGE(vector.op_pj, 3);
    CHANGE(vector.leak_w, 3);
    CHANGE(vector.area_mm2, 3);
    CHANGE(dataflow.stationary, TENSOR_OUTPUTS);
    CHANGE(dataflow.spatial[1].n_x, -1);
    CHANGE(dataflow.spatial[1].y[0][0], 'Z');
#undef CHANGE
    for (int i = 0; i < n; i++) {
        char *other = text_of(&changed[i]);
        ck_assert_msg(strcmp(text, other) != 0, "change %d is not seen", i);
        mem_free(other);
    }
    struct accelerator same = good;
    memset(same.name, 'x', 4);
    memset(same.level[0].source, 'x', 4);
    memset(same.level[0].name, 'x', 1);
    char *other = text_of(&same);
    ck_assert_str_eq(text, other);
    mem_free(other);
    mem_free(text);
    printf("checked %d changes of canonical text\n", n);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accelerator");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60); /* a loaded machine is slow */
    tcase_add_test(tc, test_lanes_fixed);
    tcase_add_test(tc, test_lanes_decomposable);
    tcase_add_test(tc, test_lanes_bit_serial);
    tcase_add_test(tc, test_float);
    tcase_add_test(tc, test_energy_rises_with_bits);
    tcase_add_test(tc, test_decomposable_area_is_that_of_bit_fusion);
    tcase_add_test(tc, test_depth_limits_clock);
    tcase_add_test(tc, test_broken_ones_are_refused);
    tcase_add_test(tc, test_canonical_text_sees_what_costs);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
