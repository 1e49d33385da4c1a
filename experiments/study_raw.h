/* Internal to study*.c: what a study file says, as its schema tables read it. */
#ifndef EXPERIMENTS_STUDY_RAW_H
#define EXPERIMENTS_STUDY_RAW_H

#include "experiments/study.h"

struct raw_accuracy {
    char *proxy;
};

struct raw_workload {
    char *model;
    int64_t batch;
    struct raw_accuracy accuracy;
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
};

struct raw_evaluator {
    const struct node *command, *metrics;
    char *library, *name, *version;
    double timeout, startup;
    int64_t retries, workers;
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
void study_evaluator_free(struct study_evaluator *e); /* NULL is fine */
/* Does something give this metric? With `evaluator: {model: false}` only what the evaluator gives. */
bool study_has_metric(const struct study *s, enum metric_id m);
/* Fills space_hash and model_hash. */
void study_hash(struct study *s);

#endif
