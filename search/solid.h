/* A solid: the union of the boxes from its points to one corner, which grows point by point. The inner loop of the hypervolume of four and
 * more objectives. */
#ifndef SEARCH_SOLID_H
#define SEARCH_SOLID_H

#define SOLID_DIMS 16

struct solid;

/* Room for n points of m dimensions, 3 <= m <= SOLID_DIMS. Caller frees. */
struct solid *solid_new(int n, int m);
void solid_free(struct solid *s); /* NULL is fine */

/* Empties it; r[m] is the corner. */
void solid_begin(struct solid *s, const double *r);

/* Puts p[m], strictly below the corner, in; returns the volume that it adds, 0 when others cover it. Three dimensions: O(points), a nanosecond
 * each; a dimension more: that for each point that reaches into p's own part. */
double solid_add(struct solid *s, const double *p);

#endif
