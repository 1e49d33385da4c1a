/* How elements lie in physical words. One access moves floor(word_bits / bits) elements, at least one; an element wider than the word
 * takes ceil(bits / word_bits) accesses. So an element of 5 bits takes 64/12 bits of a memory of 64-bit words, in capacity and in bandwidth. */
#ifndef COSTMODEL_PACKING_H
#define COSTMODEL_PACKING_H

#include "hw/accelerator.h"

struct packing {
    int64_t per_word; /* elements of a word, when `words` is 1 */
    int64_t words;    /* words of an element, when `per_word` is 1 */
};

static inline struct packing packing_of(const struct level *l, int bits)
{
    struct packing p = {1, 1};
    if (bits <= l->word_bits) {
        p.per_word = l->word_bits / bits;
    } else {
        p.words = (bits + l->word_bits - 1) / l->word_bits;
    }
    return p;
}

/* Bits that `elements` occupy, rounded up to whole bits. */
static inline int64_t packing_bits(const struct level *l, int bits, int64_t elements)
{
    struct packing p = packing_of(l, bits);
    int64_t whole = elements / p.per_word * l->word_bits * p.words;
    int64_t rest = elements % p.per_word;
    return whole + (rest * l->word_bits + p.per_word - 1) / p.per_word;
}

#endif
