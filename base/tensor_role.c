#include "base/tensor_role.h"

#include <stddef.h>

const char *const tensor_role_names[] = {"weights", "inputs", "outputs", NULL};

_Static_assert(sizeof tensor_role_names / sizeof *tensor_role_names == TENSOR_ROLE_COUNT + 1, "a name for each role");
