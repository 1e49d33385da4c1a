/* SMS-EMOA: fronts, then hypervolume contribution (Beume, Naujoks, Emmerich, EJOR 181(3), 2007,
 * doi:10.1016/j.ejor.2006.08.008): the best front per evaluation of two and three objectives. */
#include "search/evolution.h"

#include <stddef.h>

static void *create(struct search *s, struct err *err)
{
    (void)err;
    return evolution_create(s, SURVIVE_VOLUME);
}

const struct search_ops search_sms_emoa_ops = {
    create, evolution_destroy, evolution_needs, evolution_propose, evolution_result, NULL, evolution_immigrate};
