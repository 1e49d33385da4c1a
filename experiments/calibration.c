#include "experiments/calibration.h"

#include "base/csv.h"
#include "base/embed.h"

#include <assert.h>
#include <string.h>

static int read_row(const struct csv *csv, const char *name, double *out, struct err *err)
{
    for (int row = 1; row < csv->rows; row++) {
        const char *text;
        if (csv_text(csv, row, "coefficient", &text, err) != 0) {
            return -1;
        }
        if (strcmp(text, name) != 0) {
            continue;
        }
        if (csv_number(csv, row, "value", out, err) != 0) {
            return -1;
        }
        return *out > 0 ? 0 : err_set(err, ERR_DATA, "%s: '%s' must be above 0", csv->name, name);
    }
    return err_set(err, ERR_DATA, "%s: no row '%s'", csv->name, name);
}

int calibration_load(struct calibration *out, struct err *err)
{
    const struct embed *file = embed_find(CALIBRATION_FILE);
    struct csv csv;
    assert(file != NULL);
    if (csv_parse(CALIBRATION_FILE, file->data, file->len, &csv, err) != 0) {
        return -1;
    }
    double form;
    int rc = read_row(&csv, "form", &form, err);
    out->form = rc == 0 ? (unsigned)form : 0;
    for (int i = 0; i < GEMMINI_COEFFICIENTS && rc == 0; i++) {
        rc = read_row(&csv, gemmini_coefficient_names[i], &out->coef[i], err);
    }
    csv_release(&csv);
    return rc;
}

int calibration_evaluate(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                         const struct cost_options *opt, struct cost *out, struct err *err)
{
    struct cost_options how = *opt;
    struct calibration k;
    if (opt->fidelity != FIDELITY_CALIBRATED) {
        return cost_evaluate(a, e, m, opt, out, err);
    }
    how.fidelity = FIDELITY_BANDWIDTH;
    if (calibration_load(&k, err) != 0 || cost_evaluate(a, e, m, &how, out, err) != 0) {
        return -1;
    }
    return cost_calibrate(&k, a, e, m, out, err);
}
