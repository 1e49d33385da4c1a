/* The technology tables of hw/technology/ in memory: every constant of the component models, each with its source.
 *
 * One table a kind of component, so that no technology can mix two sources for one component. Rows are sorted as the files are.
 * Loaded once, then read by many threads. */
#ifndef HW_TABLES_H
#define HW_TABLES_H

#include "base/err.h"

#define TABLE_SRAM_SIZES 32
#define TABLE_SRAM_WIDTHS 8

struct node_row {
    const char *name; /* "22nm" */
    double nm;
    double nominal_v, min_v, max_v; /* legal supply voltages: min_v..max_v */
    double area;                    /* of the same logic, relative to 45 nm */
    double energy[3];               /* energy factor a V^2 + b V + c, as energy[0] V^2 + ... */
    double delay[4];                /* published FO4-like delay factor, cubic in V, [0] V^3 + ... */
    double alpha, vth_v, fo4_k;     /* alpha-power law: FO4[ps] = fo4_k V / (V - vth)^alpha */
    double law_rms_percent;         /* of the law against the cubic */
    const char *kind;               /* "table", "interpolated", "extrapolated" */
    const char *source;
};

enum arith { ARITH_INT_ADD, ARITH_INT_MUL, ARITH_FP_ADD, ARITH_FP_MUL, ARITH_FLIP_FLOP, ARITH_COUNT };
extern const char *const arith_names[]; /* as in arithmetic.csv */

struct arith_row {
    enum arith kind;
    double bits, nm, voltage_v;
    double energy_pj, area_um2, leak_uw; /* leak_uw 0: not given */
    const char *source;
};

struct sram_row {
    double nm, size_bytes, width_bits, voltage_v;
    double read_pj, write_pj, leak_mw, area_mm2, access_ns, cycle_ns;
    const char *source;
};

struct dram_row {
    const char *kind;
    double pj_per_bit;
    const char *source;
};

struct wire_row {
    double nm, pf_per_mm;
    const char *source;
};

struct rule_row {
    const char *name;
    double value;
    const char *unit, *source;
};

struct tables {
    int n_nodes, n_arith, n_sram, n_dram, n_wire, n_rules;
    struct node_row *node;   /* falling nm */
    struct arith_row *arith; /* by kind, then rising bits */
    struct sram_row *sram;   /* rising nm, width, size */
    struct dram_row *dram;
    struct wire_row *wire; /* falling nm */
    struct rule_row *rule;
    struct csv *files; /* owned text behind the strings */
    int n_files;
};

/* NULL and err when an embedded table is broken (ERR_BUG: they are ours). Free with tables_free(). */
struct tables *tables_load(struct err *err);
void tables_free(struct tables *t);

/* NULL when absent. */
const struct node_row *tables_node(const struct tables *t, const char *name);
const struct dram_row *tables_dram(const struct tables *t, const char *kind);
/* A scalar of rules.csv; asserts that it exists, since the names are in our code. */
const struct rule_row *tables_rule(const struct tables *t, const char *name);
double tables_value(const struct tables *t, const char *name);

#endif
