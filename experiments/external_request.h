/* What an external evaluator is told of a design, as JSON (docs/evaluators.md). */
#ifndef EXPERIMENTS_EXTERNAL_REQUEST_H
#define EXPERIMENTS_EXTERNAL_REQUEST_H

#include "base/strbuf.h"
#include "experiments/study.h"

/* Everything but the design's name and the study's: '"model":...,"layers":[...]}'. The same for the same design of any study, so it can be a cache key.
 * x is canonical, slots are its slots, net has its bit widths; known: metrics in base units, NaN for what is not known, or NULL. */
void external_request_body(const struct study *s, const double *x, const double *slots, const struct network *net,
                           const double *known, struct strbuf *out);
/* The whole line: '{"id":...,"study":...,' and the body. */
void external_request_line(const char *id, const char *study, const char *body, struct strbuf *out);

#endif
