/* Fronts, then shift-based density (Li, Yang, Liu, IEEE TEC 18(3), 2014, doi:10.1109/TEVC.2013.2262178): for four objectives
 * and more, where hypervolume contributions cost much and crowding distance tells little. */
#include "search/evolution.h"

#include <stddef.h>

static void *create(struct search *s, struct err *err)
{
    (void)err;
    return evolution_create(s, SURVIVE_SHIFT);
}

const struct search_ops search_spea2_sde_ops = {
    create, evolution_destroy, evolution_needs, evolution_propose, evolution_result, NULL, evolution_immigrate};
