/* ONNX files from a few lines of text:
 *   in  x N,3,8,8          an input; letters are dynamic dimensions
 *   out y 1,4              an output, its shape as the file states it
 *   w   k 4,3,3,3          an initializer without data
 *   i64 s 2 1,-1           an initializer with numbers: name, length (0: scalar), numbers
 *   opset 18               13 when there is no such line
 *   Conv x,k > y group=1 pads=1,1,1,1 auto_pad="SAME_UPPER"       (a comma makes a list: axes=1,)
 *   ms:Attention x,k > y num_heads=4      of com.microsoft
 * One line each. Values are the files' own names. */
#ifndef TESTS_ONNX_TEXT_H
#define TESTS_ONNX_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Packed bytes of the graph; caller frees with mem_free(). */
uint8_t *onnx_text(const char *text, size_t *len);

#endif
