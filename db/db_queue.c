/* Records in one growing piece of memory: a put is a copy, a group is handed to the
 * writer by swapping two queues, nothing is allocated once they have grown. A record is
 * a head, its cells, and a tail with the bytes of texts and blobs. */
#include "base/mem.h"
#include "db/db_private.h"

#include <assert.h>
#include <string.h>

/* While a record is open, `used` is its start, and its `size` counts what it has. */
static struct record *open_record(struct queue *q)
{
    return (struct record *)(void *)(q->bytes + q->used);
}

static void reserve(struct queue *q, size_t more)
{
    size_t need = q->used + more;
    if (need > q->cap) {
        q->cap = need < 2 * q->cap ? 2 * q->cap : need + 4096;
        q->bytes = mem_realloc(q->bytes, q->cap, 1);
    }
}

void queue_begin(struct queue *q, enum record_kind kind, int n_cells)
{
    size_t size = sizeof(struct record) + (size_t)n_cells * sizeof(struct cell);
    assert(n_cells >= 0 && n_cells < UINT16_MAX);
    reserve(q, size);
    struct record *r = open_record(q);
    r->size = (uint32_t)size;
    r->kind = (uint16_t)kind;
    r->n_cells = 0;
}

static struct cell *next_cell(struct queue *q)
{
    struct record *r = open_record(q);
    return &r->cell[r->n_cells++];
}

void queue_integer(struct queue *q, int64_t i)
{
    *next_cell(q) = (struct cell){.type = CELL_INTEGER, .u.i = i};
}

void queue_real(struct queue *q, double d)
{
    *next_cell(q) = (struct cell){.type = CELL_REAL, .u.d = d};
}

void queue_null(struct queue *q)
{
    *next_cell(q) = (struct cell){.type = CELL_NULL, .u.i = 0};
}

static void put_bytes(struct queue *q, enum cell_type type, const void *p, size_t n)
{
    assert(n < UINT32_MAX / 2);
    reserve(q, open_record(q)->size + n);
    struct record *r = open_record(q);
    if (n) {
        memcpy((char *)r + r->size, p, n);
    }
    *next_cell(q) = (struct cell){.type = (uint32_t)type, .n = (uint32_t)n, .u.at = r->size};
    r->size += (uint32_t)n;
}

void queue_text(struct queue *q, const char *s)
{
    if (s) {
        put_bytes(q, CELL_TEXT, s, strlen(s) + 1);
    } else {
        queue_null(q);
    }
}

void queue_blob(struct queue *q, const void *p, size_t n)
{
    put_bytes(q, CELL_BLOB, p, n);
}

void queue_end(struct queue *q)
{
    struct record *r = open_record(q);
    uint32_t pad = (8 - r->size % 8) % 8;
    reserve(q, r->size + pad);
    r = open_record(q);
    r->size += pad;
    q->used += r->size;
    q->rows++;
    q->trials += r->kind == RECORD_TRIAL;
}

void queue_clear(struct queue *q)
{
    q->used = 0;
    q->rows = q->trials = 0;
}

void queue_release(struct queue *q)
{
    mem_free(q->bytes);
    *q = (struct queue){0};
}

int record_bind(sqlite3_stmt *stmt, int parameter, const struct record *r, int cell)
{
    const struct cell *c = &r->cell[cell];
    switch ((enum cell_type)c->type) {
    case CELL_INTEGER:
        return sqlite3_bind_int64(stmt, parameter, c->u.i);
    case CELL_REAL:
        return sqlite3_bind_double(stmt, parameter, c->u.d);
    case CELL_TEXT:
        return sqlite3_bind_text(stmt, parameter, record_bytes(r, cell), (int)c->n - 1, SQLITE_STATIC);
    case CELL_BLOB:
        return sqlite3_bind_blob(stmt, parameter, record_bytes(r, cell), (int)c->n, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(stmt, parameter);
    }
}
