/* What a tensor is to an operator. hw (keep and bypass rules) and sw (operators) share the words and do not know each other. */
#ifndef BASE_TENSOR_ROLE_H
#define BASE_TENSOR_ROLE_H

enum tensor_role { TENSOR_WEIGHTS, TENSOR_INPUTS, TENSOR_OUTPUTS, TENSOR_ROLE_COUNT };

extern const char *const tensor_role_names[]; /* "weights", "inputs", "outputs", NULL */

#endif
