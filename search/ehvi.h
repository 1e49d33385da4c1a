/* Expected hypervolume improvement of a point whose objectives are independent normals; exact for two and three objectives. */
#ifndef SEARCH_EHVI_H
#define SEARCH_EHVI_H

/* The part of objective space below the reference that the front does not dominate, as disjoint boxes. */
struct ehvi {
    int m, n;      /* objectives, 2 or 3; front members */
    double *axis;  /* [m][n + 1] the members' coordinates, then the reference's */
    int (*box)[6]; /* [n_boxes] for each axis the low (-1: minus infinity) and high position on it */
    int n_boxes;
    double *table; /* [m][n + 1] scratch */
};

/* f[n][m]: any rows; dominated ones and those not below the reference do no harm. O(n^2) worst, 2n + 1 boxes at most. */
void ehvi_init(struct ehvi *e, const double *f, int n, int m, const double *reference);
void ehvi_release(struct ehvi *e);
/* O(m n). Uses the scratch in e. */
double ehvi_value(struct ehvi *e, const double *mean, const double *sd);

#endif
