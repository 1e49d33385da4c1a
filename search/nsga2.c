/* NSGA-II: fronts, then crowding distance (Deb et al., IEEE TEC 6(2), 2002, doi:10.1109/4235.996017): the cheapest rule. */
#include "search/evolution.h"

#include <stddef.h>

static void *create(struct search *s, struct err *err)
{
    (void)err;
    return evolution_create(s, SURVIVE_CROWDING);
}

const struct search_ops search_nsga2_ops = {
    create, evolution_destroy, evolution_needs, evolution_propose, evolution_result, NULL, evolution_immigrate};
