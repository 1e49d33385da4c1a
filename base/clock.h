/* Seconds for measuring, never for results: base, hw, sw, costmodel and search may not call them (make lint). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

double clock_wall_s(void);    /* since an arbitrary moment; never runs backwards */
double clock_process_s(void); /* processor time of all threads */
double clock_thread_s(void);  /* processor time of the calling thread */

#endif
