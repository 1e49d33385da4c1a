/* A template's parameter as a person reads it. */
#ifndef CLI_PARAM_TEXT_H
#define CLI_PARAM_TEXT_H

#include "hw/template.h"

/* "500MHz", "weight_stationary", "true". */
void param_text(const struct template_param *p, double value, struct strbuf *out);

#endif
