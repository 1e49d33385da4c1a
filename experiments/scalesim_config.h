/* SCALE-Sim's architecture files (.cfg): the systolic array and its three memories as a template of ours. */
#ifndef EXPERIMENTS_SCALESIM_CONFIG_H
#define EXPERIMENTS_SCALESIM_CONFIG_H

#include "base/diag.h"
#include "base/strbuf.h"

/* Text of a .cfg into the text of a template. 0; -1 and every error in d, each with its line. What is left out is a warning. */
int scalesim_config(const char *name, const char *text, size_t len, struct strbuf *out, struct diags *d);

#endif
