/* A study: what a YAML file asks for, read, checked and bound to template, network and accuracy proxy.
 *
 *   study.yaml -> study_load() -> struct study -> space (for search), columns (for db), evaluator
 *
 * One flat list of *slots* carries every number that an expression may name: first the template's parameters, then the software variables that
 * hold for the whole network (for one that varies per block its mean, '<name>_mean'), then the metrics. study_slots() fills the parameter part
 * from a point of the space; the evaluator fills the metrics. */
#ifndef EXPERIMENTS_STUDY_H
#define EXPERIMENTS_STUDY_H

#include "base/diag.h"
#include "base/expr.h"
#include "base/hash.h"
#include "base/schema.h"
#include "costmodel/mapper.h"
#include "experiments/metrics.h"
#include "hw/template.h"
#include "search/search.h"
#include "sw/accuracy.h"
#include "sw/network.h"

/* Counts up with every change of the cost model that can change a number: databases made with another one are not continued. */
#define MODEL_VERSION "4"

#define STUDY_OBJECTIVES 6
#define STUDY_CONSTRAINTS 32
#define STUDY_SLOTS 256

/* What a variable of the space sets. Software variables are rows of a table in study_space.c. */
enum binding {
    BIND_PARAMETER,
    BIND_BITS,
    BIND_W_BITS,
    BIND_A_BITS,
    BIND_PARTITION,
    BIND_MAPPING_GOAL,
    BIND_ACC_BITS,
    BIND_KV_BITS,
    BIND_W_FORMAT,
    BIND_W_PER,
    BIND_W_GROUP,
    BIND_FUSION,
    BIND_COUNT
};

enum per { PER_NETWORK, PER_BLOCK, PER_LAYER };

/* How a block runs on the cores (PARTITION_CORE + c: alone on core c). */
enum partition { PARTITION_OUTPUT_CHANNELS, PARTITION_ROWS, PARTITION_BATCH, PARTITION_CORE };
#define STUDY_CORES 16                      /* most cores that a partition can name */
extern const char *const fusion_names[];    /* "none", "elementwise", NULL */
extern const char *const partition_names[]; /* "output_channels", "rows", "batch", "core0" .. "core15", NULL */

struct study_family { /* one key of `space:`; a column of the database */
    char *name;
    enum binding binding;
    enum per per;
    int parameter;    /* BIND_PARAMETER: index in the template */
    int first, count; /* variables first .. first + count - 1 of the space */
    int *member;      /* [count] block or operator that each sets; NULL for the whole network */
    enum value_kind kind;
    struct dim dim;    /* of its values */
    int64_t n_levels;  /* 0: real */
    double *level;     /* [n_levels] values in base units, or label indices */
    struct expr *when; /* condition over slots, or NULL */
    int slot;          /* its value, or the mean over its variables; -1: none */
    char *symbol_name; /* of that slot when it is software, owned */
};

struct study_objective {
    enum metric_id metric;
    bool maximise;
};

struct study_constraint {
    char *text;   /* canonical */
    char *source; /* as the user wrote it */
    struct expr *expr;
    bool known; /* over parameters only: checked before any evaluation */
};

/* `evaluator:`: a program of the user that gives metrics (docs/evaluators.md). */
struct study_evaluator {
    char **command; /* [n_command] words; NULL for a library */
    int n_command;
    char *library;             /* path of a shared library, or NULL */
    bool metric[METRIC_COUNT]; /* what the study takes from it */
    double timeout_s;          /* for one answer */
    double startup_s;          /* for its first line */
    int retries;               /* after a timeout or a crash */
    int max_failures;          /* failed trials in a row that end a run; 0: none do */
    int workers;               /* most processes at a time; 0: as many as threads */
    bool alone;                /* our own model is not asked */
    char *name, *version;      /* that it must say, or NULL: any */
};

struct study {
    char *name;
    char *path;
    struct template *hardware;
    struct network *network;
    struct accuracy *accuracy;         /* NULL: no proxy given, accuracy metrics are NaN */
    bool has_proxy;                    /* one was asked for */
    struct study_evaluator *evaluator; /* NULL: none */
    double *fixed;                     /* [template parameters] values where the space says nothing */
    int n_params;                      /* of the template */
    int fixed_bits;                    /* uniform bit width where the space says nothing */
    bool quantized;                    /* the study says how weights are stored: their scales count */
    struct quantizer quantizer;        /* of weights, where the space says nothing */
    bool fusion;                       /* element-wise work rides on its producers */
    int kv_group;                      /* keys or values that share a scale; 0: none is counted */
    int kv_bits, acc_bits;             /* 0: as readers ask; the template's */
    enum goal goal;                    /* of the mapper, likewise */
    int64_t mapper_budget;             /* mappings priced an operator */

    struct study_family *family;
    int n_families;
    struct space space;

    struct symbol *symbol; /* [n_slots]: parameters, software, metrics */
    int n_slots;
    int first_metric; /* slot of METRIC 0 */
    int cores_slot;   /* the template's parameter 'cores', -1: it has none and one core */

    struct study_objective objective[STUDY_OBJECTIVES];
    int n_objectives;
    struct study_constraint *constraint;
    int n_constraints, n_known; /* n_known of them are known */

    char *algorithm;
    int64_t evaluations, stall, population;
    int64_t lag;  /* results that a proposal may do without, 0: the algorithm's own */
    char **start; /* [n_start] databases of earlier studies whose good designs are tried first */
    int n_start;
    bool guess; /* search.fidelity begins with roofline: the space is searched on its guesses first */
    bool cells; /* `epsilon` was given */
    double epsilon[STUDY_OBJECTIVES]; /* differences that do not matter, in units of the columns; 0: all do */
    double time_s;                    /* wall-clock budget, INFINITY: none */
    uint64_t seed;

    char *resolved;         /* canonical YAML text of everything above, verbatim into the database */
    struct hash space_hash; /* of what decides which designs are asked: space, objectives, constraints, search, seed */
    struct hash
        model_hash; /* of what decides their metrics: template, technology, network, proxy, mapper, model version */
};

/* One `--set path=value` or `--fix name=value`. */
struct study_override {
    const char *path, *value;
    const char *source; /* what messages call it; NULL: "--set" */
};

/* NULL and every error in d on failure. `path` is a file, or the name of an embedded study ("demo"). Caller frees. */
struct study *study_load(const char *path, const struct study_override *set, int n_set, struct diags *d);
/* The same from text (as stored in a database). */
struct study *study_parse(const char *name, const char *text, size_t len, const struct study_override *set, int n_set,
                          struct diags *d);
void study_free(struct study *s);

/* Name and version of the external evaluator become part of model_hash: another version is another model. Once, before the hash is used. */
void study_evaluator_is(struct study *s, const char *name, const char *version);

/* The tables of keys, for `dovetail schema` and the test that misspells each. */
const struct schema *study_schema(void);

/* Parameter slots of a canonical point: slots[n_slots]; inactive and metric slots are NaN. Allocates nothing. */
void study_slots(const struct study *s, const double *x, double *slots);
/* Sum of the violations of the constraints known before evaluation. For struct search_problem. */
double study_known_violation(const void *study, const double *x);

/* Canonical text of a point ("pe_rows=16\nbits=[8,4,4]\n"): names the design. */
void study_design_text(const struct study *s, const double *x, struct strbuf *out);
struct hash study_design_hash(const struct study *s, const double *x);
/* A family's value at x as a person reads it ("256KiB", "row_stationary", "6.0" for a mean). */
void study_show(const struct study *s, int family, const double *x, struct strbuf *out);
/* The inverse: sets family (or "bits[layer1.0]") from text, for `dovetail eval name=value`. */
int study_assign(const struct study *s, const char *name, const char *value, double *x, struct err *err);
/* The point where every variable has its default: the template's, 8 bits, split over output channels. */
void study_default(const struct study *s, double *x);

#endif
