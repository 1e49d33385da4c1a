/* For docs/validation.md: Gemmini's cycles, Timeloop's and the RTL's, against the model before and after calibration; the error on training
 * layers that a fit has not seen; and how far runs of one mapping lie apart. */
#include "base/mem.h"
#include "experiments/gemmini.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/fixtures/gemmini/"
#define FOLDS 8

static int load(const char *path, const char *cycles, enum accounting accounting, struct gemmini_rows *out,
                struct err *err)
{
    static char text[1 << 19];
    struct csv csv;
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        return err_set(err, ERR_NOINPUT, "cannot open %s: run this in the root", path);
    }
    size_t len = fread(text, 1, sizeof text, f);
    fclose(f);
    if (csv_parse(path, text, len, &csv, err) != 0) {
        return -1;
    }
    int rc = gemmini_load(&csv, cycles, accounting, out, err);
    csv_release(&csv);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    const struct gemmini_row *x = a, *y = b;
    int names = strcmp(x->name, y->name);
    return names != 0 ? names : (x->measured > y->measured) - (x->measured < y->measured);
}

/* The rows, sorted by layer, of every second layer from `first` on. */
static void half_of(const struct gemmini_rows *rows, int first, struct gemmini_rows *out)
{
    int layer = -1;
    out->n = 0;
    out->row = mem_calloc((size_t)rows->n + 1, sizeof *out->row);
    for (int i = 0; i < rows->n; i++) {
        layer += i == 0 || strcmp(rows->row[i].name, rows->row[i - 1].name) != 0;
        if (layer % 2 == first) {
            out->row[out->n++] = rows->row[i];
        }
    }
}

static void print_score(const char *what, const struct gemmini_rows *rows, const double *coef)
{
    struct gemmini_score s;
    gemmini_score(rows, coef, &s);
    printf("| %s | %d | %.3f | %.1f %% | %.1f %% |\n", what, rows->n, s.spearman, 100 * s.mean_error,
           100 * s.median_error);
}

/* Mean error on 16 x 16 rows of layers that the fit has not seen. */
static int print_folds(const struct gemmini_rows *train, struct err *err)
{
    double coef[GEMMINI_COEFFICIENTS];
    bool *skip = mem_calloc((size_t)train->n_layers + 1, sizeof *skip);
    struct gemmini_rows unseen = {.row = mem_calloc((size_t)train->n + 1, sizeof *train->row)};
    int rc = 0;
    for (int fold = 0; fold < FOLDS && rc == 0; fold++) {
        for (int l = 0; l < train->n_layers; l++) {
            skip[l] = l % FOLDS == fold;
        }
        rc = gemmini_fit(train, skip, coef, err);
        for (int i = 0; i < train->n; i++) {
            struct gemmini_row r = train->row[i];
            if (skip[r.layer] && !r.broken && r.work.array == 16) {
                r.modelled = gemmini_cycles(&r.work, coef);
                unseen.row[unseen.n++] = r;
            }
        }
    }
    print_score("training rows of 16 x 16 arrays, each by a fit to other layers (8 folds)", &unseen, NULL);
    mem_free(unseen.row);
    mem_free(skip);
    return rc;
}

/* Runs of equal programs in the test set. */
static void print_spread(const struct gemmini_rows *rows)
{
    int groups = 0, wide = 0;
    double sum = 0, most = 0;
    for (int i = 0; i < rows->n; i++) {
        double low = rows->row[i].measured, high = low;
        bool first = true;
        int n = 0;
        for (int j = 0; j < rows->n; j++) {
            bool same = strcmp(rows->row[i].name, rows->row[j].name) == 0 &&
                        memcmp(&rows->row[i].work, &rows->row[j].work, sizeof rows->row[i].work) == 0;
            first = first && !(same && j < i);
            n += same;
            low = same ? fmin(low, rows->row[j].measured) : low;
            high = same ? fmax(high, rows->row[j].measured) : high;
        }
        if (first && n > 1) {
            double spread = high / low - 1;
            groups++;
            wide += spread > 0.05;
            sum += spread;
            most = fmax(most, spread);
        }
    }
    printf("\nEqual programs that were run more than once (%d of them) lie %.1f %% apart in the mean, %d by more than "
           "5 %%, "
           "at most %.0f %%.\n",
           groups, 100 * sum / groups, wide, 100 * most);
}

int main(void)
{
    struct err err = ERR_INIT;
    struct gemmini_rows dosa, train, test, half;
    struct gemmini_score s;
    double coef[GEMMINI_COEFFICIENTS];
    if (load(FOLDER "dosa_gemmini_timeloop_sample.csv", "tl_cycle", ACCOUNTING_TIMELOOP, &dosa, &err) != 0 ||
        load(FOLDER "gemmini_rtl_train.csv", "rtl_cycle", ACCOUNTING_EXACT, &train, &err) != 0 ||
        load(FOLDER "gemmini_rtl_test.csv", "rtl_cycle", ACCOUNTING_EXACT, &test, &err) != 0 ||
        gemmini_fit(&train, NULL, coef, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    qsort(test.row, (size_t)test.n, sizeof *test.row, by_name);
    gemmini_score(&dosa, NULL, &s);
    printf("DOSA's sample of Timeloop's cycles, %d rows, timeloop accounting: %.1f %% within 2 %%, %.1f %% within 5 "
           "%%.\n\n",
           dosa.n, 100 * s.within[0], 100 * s.within[1]);
    printf("| cycles of Gemmini's RTL | rows | rank correlation | mean error | median error |\n| --- | --- | --- | --- "
           "| --- |\n");
    print_score("test rows, as modelled (bandwidth fidelity)", &test, NULL);
    print_score("test rows, calibrated on the training rows", &test, coef);
    half_of(&test, 0, &half);
    print_score("- of those, layers looked at while the model was made", &half, coef);
    gemmini_release(&half);
    half_of(&test, 1, &half);
    print_score("- the other layers", &half, coef);
    gemmini_release(&half);
    int rc = print_folds(&train, &err);
    print_spread(&test);
    gemmini_release(&dosa);
    gemmini_release(&train);
    gemmini_release(&test);
    return rc != 0;
}
