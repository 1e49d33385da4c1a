/* Internal to study*.c: what a study file says, as its schema tables read it. */
#ifndef EXPERIMENTS_STUDY_RAW_H
#define EXPERIMENTS_STUDY_RAW_H

#include "experiments/study.h"

struct raw_accuracy {
    int kind; /* enum accuracy_kind; -1: not said */
    char *proxy, *table;
    int clip;
};

struct raw_quantization {
    int format, per;
    int64_t group, scale_bits, zero_bits, kv_bits, kv_group, acc_bits;
};

struct raw_workload {
    char *model;
    int64_t batch;
    struct raw_accuracy accuracy;
    struct raw_quantization quantization;
    int fusion;
    int64_t bits;
    const struct node *shapes, *density;
};

struct raw_mapping {
    int goal;
    int64_t budget;
};

struct raw_budget {
    int64_t evaluations, stall;
    double time;
};

struct raw_search {
    char *algorithm;
    struct raw_budget budget;
    int64_t population, lag, seed;
    const struct node *epsilon, *fidelity, *start;
};

struct raw_evaluator {
    const struct node *command, *metrics;
    char *library, *name, *version;
    double timeout, startup;
    int64_t retries, max_failures, workers;
    bool model;
};

struct raw_study {
    int64_t format;
    char *name, *extends;
    struct raw_workload workload;
    const struct node *hardware, *space, *objectives, *constraints;
    struct raw_mapping mapping;
    struct raw_search search;
    struct raw_evaluator evaluator;
};

/* Resolves every name: model, proxy, template, parameters, variables, objectives, constraints, algorithm. -1 after errors in d. */
int study_bind(struct study *s, struct raw_study *raw, const struct node *root, struct diags *d);
/* `evaluator:`, if there is one. Texts are taken out of raw. Before objectives and constraints, which may need its metrics. */
int study_read_evaluator(struct study *s, struct raw_evaluator *raw, const struct node *node, struct diags *d);
void study_evaluator_forget(struct raw_evaluator *raw); /* frees the texts that nobody took */
void study_evaluator_free(struct study_evaluator *e);   /* NULL is fine */
/* Does something give this metric? With `evaluator: {model: false}` only what the evaluator gives. */
bool study_has_metric(const struct study *s, enum metric_id m);
/* What `search:` says beyond numbers: algorithm, epsilon, fidelity; once the objectives are known. */
int study_read_search(struct study *s, const struct raw_search *raw, const struct node *search, struct diags *d);
/* `accuracy:` of the workload, once the network is there. */
int study_read_accuracy(struct study *s, const struct raw_workload *raw, const struct network_arg *args, int n_args,
                        const struct node *workload, struct diags *d);
/* `quantization:` of the workload; after hardware and space are read, whether what varies fits model, hardware and accuracy. */
int study_read_quantization(struct study *s, const struct raw_quantization *raw, const struct node *node,
                            struct diags *d);
int study_check_quantization(const struct study *s, const struct node *workload, const struct node *space,
                             struct diags *d);
/* Fills space_hash and model_hash. */
void study_hash(struct study *s);

#endif
