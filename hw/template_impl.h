/* Inside of struct template, shared by template*.c. */
#ifndef HW_TEMPLATE_IMPL_H
#define HW_TEMPLATE_IMPL_H

#include "base/doc.h"
#include "hw/tables.h"
#include "hw/template.h"

enum level_class { CLASS_DRAM, CLASS_SRAM, CLASS_REGFILE, CLASS_REGISTER, CLASS_COUNT };
enum network { NETWORK_TREE, NETWORK_MESH, NETWORK_BUS, NETWORK_COUNT };

/* A word that may be a choice parameter's name or stand for itself. */
struct label {
    int param;  /* -1: the text */
    char *text; /* owned */
};

/* Expressions are NULL where the file gives none. */
struct level_plan {
    char name[HW_NAME];
    enum level_class class;
    struct label kind; /* DRAM kind */
    struct expr *when;
    struct expr *size, *width, *banks, *buffering; /* bit, bit, 1, 1 */
    struct expr *read, *write, *shared;            /* bit/s, or bit: in a cycle */
    struct expr *fan_x, *fan_y;
    struct expr *link; /* bit */
    enum keep keep[TENSOR_ROLE_COUNT];
    struct sparse_plan {
        struct label format;
        struct expr *field; /* bit */
        bool expected;
        uint32_t gate, skip;
    } sparse[TENSOR_ROLE_COUNT];
    enum network network;
    bool links, cores;
};

struct dataflow_plan {
    char name[HW_NAME];
    enum tensor_role stationary;
    struct {
        int n_x, n_y; /* -1: any */
        char x[DATAFLOW_DIMS][8], y[DATAFLOW_DIMS][8];
    } spatial[HW_LEVELS * 2]; /* by level_plan */
};

#define PLAN_LEVELS (HW_LEVELS * 2) /* levels of a file; at most HW_LEVELS may be active */

struct template
{
    char *name, *summary;
    struct hash digest;
    struct tables *tables;
    struct template_param *param;
    int n_params, cap_params;
    struct symbol *symbol; /* [n_params] */
    struct scope scope;
    struct label technology;
    struct expr *clock, *voltage, *logic_overhead, *sram_overhead;
    struct level_plan level[PLAN_LEVELS]; /* outermost first */
    int n_levels;
    struct label mac_kind;
    struct expr *w_bits, *a_bits, *acc_bits;
    uint32_t mac_gate, mac_skip;
    struct expr *lanes;
    struct dataflow_plan *dataflow;
    int n_dataflows;
    struct label dataflow_choice; /* text NULL and param -1: the first */
};

/* What a file says, before parameters are known: nodes are borrowed from its document. */
struct template_file {
    char *template, *extends, *summary;
    const struct node *parameters, *technology, *clock, *voltage, *overhead, *levels, *mac, *vector, *dataflows,
        *dataflow;
};
extern const struct schema template_file_schema;
extern const struct schema param_schema, level_schema, bandwidth_schema, fanout_schema, overhead_schema, mac_schema,
    vector_schema, dataflow_schema, spatial_schema, sparse_schema;
extern const char *const level_class_names[], *const network_names[], *const stationary_names[],
                                                                          *const occupancy_names[];

struct param_file {
    int type;
    const struct node *def, *range, *values;
    char *help;
};
struct level_file {
    char *name;
    int class, network;
    bool links, cores;
    const struct node *kind, *when, *size, *width, *banks, *bandwidth, *buffering, *keep, *bypass, *fanout, *link,
        *sparse;
};
enum occupancy { OCCUPANCY_WORST, OCCUPANCY_EXPECTED, OCCUPANCY_COUNT };
struct sparse_file {
    const struct node *format, *field, *gate, *skip;
    int occupancy;
};
struct bandwidth_file {
    const struct node *read, *write, *shared;
};
struct fanout_file {
    const struct node *x, *y;
};
struct overhead_file {
    const struct node *logic, *sram;
};
struct mac_file {
    const struct node *kind, *w_bits, *a_bits, *acc_bits, *gate, *skip;
};
struct vector_file {
    const struct node *lanes;
};
struct dataflow_file {
    const struct node *spatial;
    int stationary;
};
struct spatial_file {
    const struct node *x, *y;
};

/* template_params.c: adds or overrides the parameters of one file. */
void template_read_params(struct template *t, const struct node *parameters, struct diags *d);
/* template_plan.c: the rest, when all parameters are known. */
void template_read_plan(struct template *t, const struct template_file *f, struct diags *d);

#endif
