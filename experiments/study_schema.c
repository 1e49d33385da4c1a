/* The tables of keys of a study file: reading, the help of `dovetail schema` and the test of misspelt keys come from them. */
#include "experiments/study_raw.h"

#include <stddef.h>

#define FIELDS(table) (table), (int)(sizeof(table) / sizeof *(table))

static const struct field accuracy_fields[] = {
    {.key = "proxy",
     .type = FIELD_NAME,
     .offset = offsetof(struct raw_accuracy, proxy),
     .required = true,
     .help = "table that prices bit widths in accuracy: hawqv3"},
};
static const struct schema accuracy_schema = {"accuracy", FIELDS(accuracy_fields)};

static const struct field workload_fields[] = {
    {.key = "model",
     .type = FIELD_STRING,
     .offset = offsetof(struct raw_workload, model),
     .required = true,
     .help = "a shipped model's name or the path of a model file"},
    {.key = "batch",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_workload, batch),
     .min = 1,
     .max = 65536,
     .help = "inferences at a time"},
    {.key = "shapes",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_workload, shapes),
     .help = "values of the model's own parameters or symbolic dimensions: {seq: 384}"},
    {.key = "bits",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_workload, bits),
     .min = 1,
     .max = 32,
     .help = "weight and activation bits of everything that the space leaves alone"},
    {.key = "density",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_workload, density),
     .help =
         "share of elements that are not zero, by tensor, in every operator: {weights: 0.4, inputs: 0.6}; the model's"},
    {.key = "accuracy",
     .type = FIELD_MAP,
     .offset = offsetof(struct raw_workload, accuracy),
     .sub = &accuracy_schema,
     .help = "what bits cost"},
};
static const struct schema workload_schema = {"workload", FIELDS(workload_fields)};

static const struct field mapping_fields[] = {
    {.key = "goal",
     .type = FIELD_CHOICE,
     .offset = offsetof(struct raw_mapping, goal),
     .choices = goal_names,
     .help = "what the mapper minimises for each operator"},
    {.key = "budget",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_mapping, budget),
     .min = 1,
     .max = 1e12,
     .help = "most mappings priced for one operator"},
};
static const struct schema mapping_schema = {"mapping", FIELDS(mapping_fields)};

static const struct field budget_fields[] = {
    {.key = "evaluations",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_budget, evaluations),
     .min = 1,
     .max = 1e12,
     .help = "total evaluations"},
    {.key = "stall",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_budget, stall),
     .min = 1,
     .max = 1e12,
     .help = "stop when the hypervolume gained nothing for so many evaluations"},
    {.key = "time",
     .type = FIELD_QUANTITY,
     .offset = offsetof(struct raw_budget, time),
     .dim = &DIM_TIME,
     .min = 0,
     .max = 1e9,
     .help = "wall-clock time; the study can be resumed"},
};
static const struct schema budget_schema = {"budget", FIELDS(budget_fields)};

static const struct field search_fields[] = {
    {.key = "algorithm",
     .type = FIELD_NAME,
     .offset = offsetof(struct raw_search, algorithm),
     .help = "auto, nsga2, random, exhaustive, ..."},
    {.key = "budget",
     .type = FIELD_MAP,
     .offset = offsetof(struct raw_search, budget),
     .sub = &budget_schema,
     .help = "when to stop"},
    {.key = "population",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_search, population),
     .min = 2,
     .max = 1e6,
     .help = "of an evolutionary algorithm"},
    {.key = "lag",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_search, lag),
     .min = 1,
     .max = 1e6,
     .help = "evaluations that may run at once; part of the study: another lag gives other trials"},
    {.key = "seed",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_search, seed),
     .min = 0,
     .max = 9e18,
     .help = "of all random numbers"},
};
static const struct schema search_schema = {"search", FIELDS(search_fields)};

static const struct field study_fields[] = {
    {.key = "dovetail",
     .type = FIELD_INT,
     .offset = offsetof(struct raw_study, format),
     .required = true,
     .min = 1,
     .max = 1,
     .help = "format version: 1"},
    {.key = "name",
     .type = FIELD_NAME,
     .offset = offsetof(struct raw_study, name),
     .required = true,
     .help = "names the database: <name>.db"},
    {.key = "extends",
     .type = FIELD_STRING,
     .offset = offsetof(struct raw_study, extends),
     .help = "a study whose keys this one takes over"},
    {.key = "workload",
     .type = FIELD_MAP,
     .offset = offsetof(struct raw_study, workload),
     .required = true,
     .sub = &workload_schema,
     .help = "what runs"},
    {.key = "hardware",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_study, hardware),
     .required = true,
     .help = "template: NAME, and parameter: value for what is fixed"},
    {.key = "space",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_study, space),
     .required = true,
     .help = "what varies: name: domain"},
    {.key = "objectives",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_study, objectives),
     .required = true,
     .help = "list of metrics; {metric: max} to maximise"},
    {.key = "constraints",
     .type = FIELD_NODE,
     .offset = offsetof(struct raw_study, constraints),
     .help = "list of expressions that must hold"},
    {.key = "mapping",
     .type = FIELD_MAP,
     .offset = offsetof(struct raw_study, mapping),
     .sub = &mapping_schema,
     .help = "the mapper"},
    {.key = "search",
     .type = FIELD_MAP,
     .offset = offsetof(struct raw_study, search),
     .sub = &search_schema,
     .help = "the optimizer"},
};
static const struct schema schema = {"study", FIELDS(study_fields)};

const struct schema *study_schema(void)
{
    return &schema;
}
