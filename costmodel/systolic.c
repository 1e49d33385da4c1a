/* A fold streams for T steps what it needs past the tensor that stays; the first operand reaches the far corner of an array of R x Q after
 * R + Q - 2 steps, so a fold takes T + R + Q - 2. The lock-step count has folds * T of them. For a matrix product of M x N x K, outputs
 * staying, this is ceil(M/R) ceil(N/Q) (K + R + Q - 2), SCALE-Sim's table up to its counting from 0 (METHODS-system 3.3; Samajdar et al., "A
 * systematic methodology for characterizing scalability of DNN accelerators using SCALE-Sim", ISPASS 2020); weights or inputs staying, by
 * symmetry. The array is the fan-out with the most children, unused rows and columns included: the wave passes them too. */
#include "costmodel/systolic.h"

#include <math.h>

int systolic_skew(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                  const struct counts *one, const double *instances, double *cycles, struct err *err)
{
    int array = -1;
    int64_t most = 1;
    for (int l = 0; l < m->n_levels; l++) {
        int64_t children = a->level[l].fanout_x * a->level[l].fanout_y;
        if (children > most) {
            most = children;
            array = l;
        }
    }
    enum tensor_role stays = a->dataflow.stationary;
    double folds = (double)INFINITY;
    for (int t = 0; t < e->n_tensors; t++) {
        for (int l = 0; l < array; l++) {
            const struct tensor_count *c = &one->level[l].tensor[t];
            if ((m->level[l].keep >> t & 1) && (stays == TENSOR_ROLE_COUNT || stays == e->tensor[t].role)) {
                double taken = (double)(e->tensor[t].output ? c->drains : c->fills) / instances[l];
                folds = fmin(folds, fmax(1, taken / (double)c->tile));
            }
        }
    }
    if (!isfinite(folds)) {
        return err_set(err, ERR_DATA, "'%s' has no array in which '%s' keeps a tensor: it is not systolic", a->name,
                       e->name);
    }
    double rows = (double)a->level[array].fanout_y, columns = (double)a->level[array].fanout_x;
    *cycles = ceil(folds) * (rows + columns - 2);
    return 0;
}
