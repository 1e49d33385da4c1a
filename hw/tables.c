/* Loads the embedded tables. Each file has a function that fills one row from the columns it names; a missing column, a bad number
 * or an empty source is an error, so that a constant without a source cannot get in. */
#include "hw/tables.h"

#include "base/csv.h"
#include "base/embed.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

const char *const arith_names[] = {"int_add", "int_mul", "fp_add", "fp_mul", "flip_flop", NULL};
_Static_assert(sizeof arith_names / sizeof *arith_names == ARITH_COUNT + 1, "a name for each");

struct number_field {
    const char *header;
    double *to;
};

static int fill(const struct csv *csv, int row, const struct number_field *fields, int n, const char **source,
                struct err *err)
{
    for (int i = 0; i < n; i++) {
        if (csv_number(csv, row, fields[i].header, fields[i].to, err) < 0) {
            return -1;
        }
    }
    if (csv_text(csv, row, "source", source, err) < 0) {
        return -1;
    }
    if (**source == '\0') {
        return err_set(err, ERR_BUG, "row %d of '%s' has no source", row, csv->name);
    }
    return 0;
}
#define FILL(csv, row, fields, source, err)                                                                            \
    fill(csv, row, fields, (int)(sizeof(fields) / sizeof *(fields)), source, err)

static int read_node(struct tables *t, int i, const struct csv *csv, struct err *err)
{
    struct node_row *r = &t->node[i];
    const struct number_field fields[] = {{"node_nm", &r->nm},         {"nominal_v", &r->nominal_v},
                                          {"min_v", &r->min_v},        {"max_v", &r->max_v},
                                          {"area_vs_45nm", &r->area},  {"energy_a", &r->energy[0]},
                                          {"energy_b", &r->energy[1]}, {"energy_c", &r->energy[2]},
                                          {"delay_3", &r->delay[0]},   {"delay_2", &r->delay[1]},
                                          {"delay_1", &r->delay[2]},   {"delay_0", &r->delay[3]},
                                          {"alpha", &r->alpha},        {"vth_v", &r->vth_v},
                                          {"fo4_k", &r->fo4_k},        {"law_rms_percent", &r->law_rms_percent}};
    if (csv_text(csv, i + 1, "name", &r->name, err) < 0 || csv_text(csv, i + 1, "kind", &r->kind, err) < 0) {
        return -1;
    }
    return FILL(csv, i + 1, fields, &r->source, err);
}

static int read_arith(struct tables *t, int i, const struct csv *csv, struct err *err)
{
    struct arith_row *r = &t->arith[i];
    const char *name;
    if (csv_text(csv, i + 1, "component", &name, err) < 0) {
        return -1;
    }
    int kind = 0;
    while (kind < ARITH_COUNT && strcmp(arith_names[kind], name) != 0) {
        kind++;
    }
    if (kind == ARITH_COUNT) {
        return err_set(err, ERR_BUG, "'%s' names an unknown component '%s'", csv->name, name);
    }
    r->kind = (enum arith)kind;
    const struct number_field fields[] = {{"bits", &r->bits},           {"node_nm", &r->nm},
                                          {"voltage_v", &r->voltage_v}, {"energy_pj", &r->energy_pj},
                                          {"area_um2", &r->area_um2},   {"leak_uw", &r->leak_uw}};
    return FILL(csv, i + 1, fields, &r->source, err);
}

static int read_sram(struct tables *t, int i, const struct csv *csv, struct err *err)
{
    struct sram_row *r = &t->sram[i];
    const struct number_field fields[] = {
        {"node_nm", &r->nm},          {"size_bytes", &r->size_bytes}, {"width_bits", &r->width_bits},
        {"voltage_v", &r->voltage_v}, {"read_pj", &r->read_pj},       {"write_pj", &r->write_pj},
        {"leak_mw", &r->leak_mw},     {"area_mm2", &r->area_mm2},     {"access_ns", &r->access_ns},
        {"cycle_ns", &r->cycle_ns}};
    return FILL(csv, i + 1, fields, &r->source, err);
}

static int read_dram(struct tables *t, int i, const struct csv *csv, struct err *err)
{
    struct dram_row *r = &t->dram[i];
    const struct number_field fields[] = {{"pj_per_bit", &r->pj_per_bit}};
    if (csv_text(csv, i + 1, "kind", &r->kind, err) < 0) {
        return -1;
    }
    return FILL(csv, i + 1, fields, &r->source, err);
}

static int read_wire(struct tables *t, int i, const struct csv *csv, struct err *err)
{
    struct wire_row *r = &t->wire[i];
    const struct number_field fields[] = {{"node_nm", &r->nm}, {"pf_per_mm", &r->pf_per_mm}};
    return FILL(csv, i + 1, fields, &r->source, err);
}

static int read_rule(struct tables *t, int i, const struct csv *csv, struct err *err)
{
    struct rule_row *r = &t->rule[i];
    const struct number_field fields[] = {{"value", &r->value}};
    if (csv_text(csv, i + 1, "name", &r->name, err) < 0 || csv_text(csv, i + 1, "unit", &r->unit, err) < 0) {
        return -1;
    }
    return FILL(csv, i + 1, fields, &r->source, err);
}

enum table_file { FILE_NODES, FILE_ARITHMETIC, FILE_SRAM, FILE_DRAM, FILE_WIRE, FILE_RULES, FILE_COUNT };

static const struct {
    const char *path;
    int (*read)(struct tables *t, int i, const struct csv *csv, struct err *err); /* row i, from 0 */
} table_files[] = {
    [FILE_NODES] = {"hw/technology/nodes.csv", read_node},
    [FILE_ARITHMETIC] = {"hw/technology/arithmetic.csv", read_arith},
    [FILE_SRAM] = {"hw/technology/sram.csv", read_sram},
    [FILE_DRAM] = {"hw/technology/dram.csv", read_dram},
    [FILE_WIRE] = {"hw/technology/wire.csv", read_wire},
    [FILE_RULES] = {"hw/technology/rules.csv", read_rule},
};
_Static_assert(sizeof table_files / sizeof *table_files == FILE_COUNT, "a reader for each file");

static void reserve(struct tables *t, enum table_file f, int n)
{
    size_t rows = (size_t)n;
    switch (f) {
    case FILE_NODES:
        t->n_nodes = n;
        t->node = mem_calloc(rows, sizeof *t->node);
        break;
    case FILE_ARITHMETIC:
        t->n_arith = n;
        t->arith = mem_calloc(rows, sizeof *t->arith);
        break;
    case FILE_SRAM:
        t->n_sram = n;
        t->sram = mem_calloc(rows, sizeof *t->sram);
        break;
    case FILE_DRAM:
        t->n_dram = n;
        t->dram = mem_calloc(rows, sizeof *t->dram);
        break;
    case FILE_WIRE:
        t->n_wire = n;
        t->wire = mem_calloc(rows, sizeof *t->wire);
        break;
    default:
        t->n_rules = n;
        t->rule = mem_calloc(rows, sizeof *t->rule);
        break;
    }
}

static int load_file(struct tables *t, enum table_file f, struct err *err)
{
    const char *path = table_files[f].path;
    const struct embed *e = embed_find(path);
    if (e == NULL) {
        return err_set(err, ERR_BUG, "'%s' is missing from the program", path);
    }
    struct csv *csv = &t->files[f];
    if (csv_parse(path, e->data, e->len, csv, err) < 0) {
        return -1;
    }
    reserve(t, f, csv->rows - 1);
    for (int i = 0; i < csv->rows - 1; i++) {
        if (table_files[f].read(t, i, csv, err) < 0) {
            return -1;
        }
    }
    return 0;
}

struct tables *tables_load(struct err *err)
{
    struct tables *t = mem_alloc(sizeof *t);
    t->files = mem_calloc(FILE_COUNT, sizeof *t->files);
    t->n_files = FILE_COUNT;
    for (int f = 0; f < FILE_COUNT; f++) {
        if (load_file(t, (enum table_file)f, err) < 0) {
            tables_free(t);
            return NULL;
        }
    }
    return t;
}

void tables_free(struct tables *t)
{
    if (t == NULL) {
        return;
    }
    for (int i = 0; i < t->n_files; i++) {
        csv_release(&t->files[i]);
    }
    mem_free(t->files);
    mem_free(t->node);
    mem_free(t->arith);
    mem_free(t->sram);
    mem_free(t->dram);
    mem_free(t->wire);
    mem_free(t->rule);
    mem_free(t);
}

const struct node_row *tables_node(const struct tables *t, const char *name)
{
    for (int i = 0; i < t->n_nodes; i++) {
        if (strcmp(t->node[i].name, name) == 0) {
            return &t->node[i];
        }
    }
    return NULL;
}

const struct dram_row *tables_dram(const struct tables *t, const char *kind)
{
    for (int i = 0; i < t->n_dram; i++) {
        if (strcmp(t->dram[i].kind, kind) == 0) {
            return &t->dram[i];
        }
    }
    return NULL;
}

const struct rule_row *tables_rule(const struct tables *t, const char *name)
{
    for (int i = 0; i < t->n_rules; i++) {
        if (strcmp(t->rule[i].name, name) == 0) {
            return &t->rule[i];
        }
    }
    assert(!"no such rule");
    return NULL;
}

double tables_value(const struct tables *t, const char *name)
{
    return tables_rule(t, name)->value;
}
