/* One operator as an extended einsum: dimensions with bounds, tensors whose ranks are sums of coefficient * dimension (a stride or a
 * dilation is a coefficient). Convolution, depthwise, matmul, batched matmul and anything of Timeloop's problem format have this one
 * form. Plain data, copied with '='.
 *
 * Networks use the field's letters: N batch, G groups (or heads), K output channels, C input channels, P Q output rows and columns,
 * R S kernel rows and columns. A matmul M x N x K of the literature is P x K x C here, a batched one has its batch in G. Dimensions of
 * bound 1 are left out, except that each network operator keeps N K C P Q R S so that dataflows can name them. */
#ifndef SW_EINSUM_H
#define SW_EINSUM_H

#include "base/err.h"
#include "base/tensor_role.h"

#include <stdbool.h>
#include <stdint.h>

struct strbuf;

#define EINSUM_DIMS 10
#define EINSUM_TENSORS 6
#define EINSUM_RANKS 8
#define EINSUM_TERMS 4
#define EINSUM_NAME 24

struct einsum_rank { /* extent = 1 + sum coef * (bound[dim] - 1) */
    int n_terms;
    struct {
        int dim;
        int64_t coef; /* >= 1 */
    } term[EINSUM_TERMS];
};

struct einsum_tensor {
    char name[EINSUM_NAME];
    enum tensor_role role; /* which of a level's keep/bypass rules holds */
    bool output;           /* read-modify-write */
    int bits;              /* of one element; of a finished one for the output, 1..64 */
    int operand_bits;      /* inputs: as the MACs see it, unpacked; 0: as it is stored */
    int partial_bits;      /* output: of a partial sum (accumulator width); else equal to bits */
    double density;        /* expected share of non-zero elements, (0, 1] */
    int n_ranks;
    struct einsum_rank rank[EINSUM_RANKS];
};

struct einsum {
    char name[64];
    int n_dims;
    char dim[EINSUM_DIMS][EINSUM_NAME];
    int64_t bound[EINSUM_DIMS]; /* >= 1 */
    int n_tensors;              /* exactly one is the output */
    struct einsum_tensor tensor[EINSUM_TENSORS];
};

int einsum_dim(const struct einsum *e, const char *name); /* index or -1 */
int einsum_output(const struct einsum *e);                /* index of the output tensor */
bool einsum_relevant(const struct einsum *e, int tensor, int dim);
bool einsum_reduction(const struct einsum *e, int dim); /* irrelevant to the output */
int64_t einsum_macs(const struct einsum *e);
/* Elements of the box that a tensor spans for the extents ext[n_dims] (coefficients > kernel count the holes, as Timeloop does). */
int64_t einsum_volume(const struct einsum *e, int tensor, const int64_t *ext);
/* Bounds >= 1, products within int64 (MACs and every volume), terms in range, one output, bits legal. ERR_DATA with the reason. */
int einsum_check(const struct einsum *e, struct err *err);
/* Canonical text: everything that can change the cost, nothing else (no names of operators). */
void einsum_canonical(const struct einsum *e, struct strbuf *out);

/* The operators of networks. All bounds 1 or more. */
struct conv_shape {
    int64_t n, g, k, c, p, q, r, s; /* k, c per group */
    int64_t stride_h, stride_w, dilation_h, dilation_w;
};
extern const struct conv_shape conv_shape_unit; /* all 1 */
void einsum_conv(struct einsum *e, const char *name, const struct conv_shape *shape, int w_bits, int a_bits,
                 int acc_bits);
/* out[b][m][n] += a[b][m][k] * w[b or none][k][n]; `shared_weights`: w has no batch rank, the batch then is N, not G. */
void einsum_matmul(struct einsum *e, const char *name, int64_t batch, int64_t m, int64_t n, int64_t k,
                   bool shared_weights, int w_bits, int a_bits, int acc_bits);

#endif
