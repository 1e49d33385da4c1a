/* Internal to study*.c: families and the parts of a study that refer to the template's parameters. */
#ifndef EXPERIMENTS_STUDY_SPACE_H
#define EXPERIMENTS_STUDY_SPACE_H

#include "experiments/domain.h"
#include "experiments/study.h"

/* Reads `space:` into families and variables; conditions are parsed by study_bind_conditions() once all symbols exist. */
int study_read_space(struct study *s, const struct node *space, struct diags *d);
/* Fills s->symbol with parameters, software variables and metrics, then parses the `when`s and sets the space's callback. */
int study_bind_conditions(struct study *s, const struct node *space, struct diags *d);

/* The template's parameter i as a domain type. */
void study_param_type(const struct study *s, int i, struct domain_type *type);
/* Member i of a family that holds per block or layer: its name. */
const char *study_member_name(const struct study *s, const struct study_family *f, int i);
/* Value of member i at x: base units, or label index. */
double study_level(const struct study *s, const struct study_family *f, const double *x, int i);
/* Labels of a choice family, NULL for a number. */
const char *const *study_labels(const struct study *s, const struct study_family *f, int *n);

#endif
