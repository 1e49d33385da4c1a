/* Compute in memory, charge domain. A driver swings its row's wire, a cell charges its capacitor, a column is converted, shifted, added.
 * Fewer converter bits than cim_lossless_bits() cost accuracy, which is not priced here. */
#include "hw/cim.h"

#include "hw/component.h"

#include <math.h>

int cim_lossless_bits(const struct cim_macro *m)
{
    return (int)ceil(log2((double)m->rows_on * (exp2(m->cell_bits) - 1) * (exp2(m->dac_bits) - 1) + 1));
}

static int check(const struct cim_macro *m, int w_bits, int a_bits, struct err *err)
{
    if (m->rows < 1 || m->cols < 1 || m->rows_on < 1 || m->rows_on > m->rows || m->cell_bits < 1 || m->dac_bits < 1 ||
        m->columns_per_adc < 1 || m->columns_per_adc > m->cols || m->acc_bits < 1 || w_bits < 1 || a_bits < 1) {
        return err_set(err, ERR_DATA, "a macro of %d x %d cells, %d rows at once, %d columns a converter", m->rows,
                       m->cols, m->rows_on, m->columns_per_adc);
    }
    return 0;
}

int cim_price(const struct technology *t, const struct cim_macro *m, int w_bits, int a_bits, struct cim_cost *out,
              struct err *err)
{
    if (check(m, w_bits, a_bits, err) < 0) {
        return -1;
    }
    int slices_w = (w_bits + m->cell_bits - 1) / m->cell_bits, slices_a = (a_bits + m->dac_bits - 1) / m->dac_bits;
    int groups = (m->rows + m->rows_on - 1) / m->rows_on, weights = m->cols / slices_w;
    if (weights < 1) {
        return err_set(err, ERR_NO, "a weight of %d bits takes %d columns, the macro has %d", w_bits, slices_w,
                       m->cols);
    }
    struct component adc, adder, reg;
    if (component_adc(t, m->adc_bits, m->adc_hz, &adc, err) < 0) {
        return -1;
    }
    component_adder(t, m->acc_bits, &adder);
    component_register(t, m->acc_bits, &reg);
    double f2_mm2 = t->node->nm * t->node->nm * 1e-12, cell_mm2 = tables_value(t->tables, "cim_cell_area_f2") * f2_mm2;
    double v2 = t->voltage_v * t->voltage_v, conversions = (double)slices_a * groups * m->cols;
    double row_mm = m->cols * sqrt(cell_mm2);
    *out = (struct cim_cost){
        .macs = (int64_t)m->rows * weights,
        .dac_pj = (double)slices_a * m->rows * m->dac_bits * row_mm * component_wire_pj_per_bit_mm(t),
        .cell_pj = (double)slices_a * m->rows * m->cols * tables_value(t->tables, "cim_cell_activity") *
                   tables_value(t->tables, "cim_cell_ff") * 1e-3 * v2,
        .adc_pj = conversions * adc.read_pj,
        .shift_add_pj = conversions * (adder.read_pj + reg.write_pj),
        .time_s = (double)slices_a * groups * m->columns_per_adc / m->adc_hz,
        .area_mm2 = m->rows * m->cols * cell_mm2 + ceil((double)m->cols / m->columns_per_adc) * adc.area_mm2 +
                    m->cols * (adder.area_mm2 + reg.area_mm2),
        .leak_w = m->cols * (adder.leak_w + reg.leak_w)};
    out->energy_pj = out->dac_pj + out->cell_pj + out->adc_pj + out->shift_add_pj;
    return 0;
}
