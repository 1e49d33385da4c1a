/* A metric of your own, from a shared library: the interface, version 1. Installed as <dovetail_evaluator.h>; needs nothing else of Dovetail.
 *
 *     cc -shared -fPIC -O2 my_model.c -o my_model.so
 *     evaluator: {library: ./my_model.so, metrics: [accuracy]}          # in the study; docs/evaluators.md
 *
 * The library exports dovetail_evaluator_v1(), which returns a table that stays valid for ever. Dovetail loads it into processes of its own, one
 * for each of its threads: a library need not be thread-safe, and one that crashes or hangs costs one evaluation. */
#ifndef EXPERIMENTS_DOVETAIL_EVALUATOR_H
#define EXPERIMENTS_DOVETAIL_EVALUATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DOVETAIL_EVALUATOR_ABI 1

struct dovetail_value {
    const char *name; /* with its unit: "glb_bytes", "clock_hz", "energy_j"; one of several: "bits[layer1.0]" */
    double number;    /* NaN for a text */
    const char *text; /* NULL for a number */
};

struct dovetail_layer {   /* an operator that the array runs */
    const char *name;     /* "layer1.0.conv1" */
    int w_bits, a_bits;   /* of its weights and of the activations that it reads */
    const char *w_format; /* "int", "nf4", ...; NULL: it has no weights */
    const char *w_per;    /* "tensor", "channel", "group": what shares a scale */
    int w_group;          /* numbers of a group; 0 without groups */
};

struct dovetail_request {
    const char *id;    /* of the design, 32 hexadecimal digits */
    const char *study; /* its name */
    const char *model; /* of the workload, as the study names it */
    int64_t batch;
    const struct dovetail_value
        *design; /* [n_design] what varies, then what is fixed; what a condition leaves out is absent */
    size_t n_design;
    const struct dovetail_value *known; /* [n_known] metrics of Dovetail's own model, in the units of their columns */
    size_t n_known;
    const struct dovetail_layer *layer; /* [n_layers] */
    size_t n_layers;
};

enum dovetail_result { DOVETAIL_OK, DOVETAIL_INFEASIBLE, DOVETAIL_FAILED };

struct dovetail_evaluator {
    uint32_t abi;               /* DOVETAIL_EVALUATOR_ABI */
    const char *name, *version; /* both are part of the cache key: another version when results change */
    const char *const *metrics; /* NULL-terminated: what evaluate() fills, in this order: "accuracy_pct" */
    /* Once for each process; *state is handed to the others. 0, or -1 with a sentence in why. May be NULL. */
    int (*open)(void **state, char *why, size_t size);
    /* Fills metric[], in the units of the names. For anything but DOVETAIL_OK a sentence in why. */
    enum dovetail_result (*evaluate)(void *state, const struct dovetail_request *request, double *metric, char *why,
                                     size_t size);
    void (*close)(void *state); /* may be NULL */
};

const struct dovetail_evaluator *dovetail_evaluator_v1(void);

#ifdef __cplusplus
}
#endif

#endif
