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

struct raw_study {
    int64_t format;
    char *name, *extends;
    struct raw_workload workload;
    const struct node *hardware, *space, *objectives, *constraints;
    struct raw_mapping mapping;
    struct raw_search search;
};

/* Resolves every name: model, proxy, template, parameters, variables, objectives, constraints, algorithm. -1 after errors in d. */
int study_bind(struct study *s, const struct raw_study *raw, const struct node *root, struct diags *d);
/* Fills space_hash and model_hash. */
void study_hash(struct study *s);

#endif
