/* A database cell as JSON: numbers as they are stored, in the column's unit. */
#ifndef CLI_JSON_VALUES_H
#define CLI_JSON_VALUES_H

#include "db/db.h"

#include <jansson.h>
#include <math.h>

static inline json_t *json_value(struct db_value v)
{
    switch (v.type) {
    case DB_INTEGER:
        return json_integer(v.u.i);
    case DB_REAL:
        return isfinite(v.u.d) ? json_real(v.u.d) : json_null();
    case DB_TEXT:
        return json_string(v.u.s);
    case DB_NULL:
    case DB_TYPE_COUNT:
        break;
    }
    return json_null();
}

#endif
