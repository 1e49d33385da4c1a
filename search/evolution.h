/* The engine that the evolutionary algorithms share; each is a rule of survival. */
#ifndef SEARCH_EVOLUTION_H
#define SEARCH_EVOLUTION_H

#include "search/algorithm.h"
#include "search/survival.h"

void *evolution_create(struct search *s, enum survival rule);
void evolution_destroy(void *state);
int64_t evolution_needs(const void *state, int64_t k);
bool evolution_propose(void *state, int64_t k, double *x);
void evolution_result(void *state, int64_t k, const double *x, const double *f, const double *g, double violation);
void evolution_apart(void *state, bool apart); /* apart: no parents from the archive */
void evolution_immigrate(void *state, int n, const double *x, const double *f);

#endif
