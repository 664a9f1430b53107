/* Stored integers as decimal text, without floating point and without printf: the number that was
 * counted is the number that is shown, digit for digit. And as the double that such a text means.
 */
#ifndef WEIR_EXPORTERS_DECIMAL_H
#define WEIR_EXPORTERS_DECIMAL_H

#include "base/metric.h"

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_MAX 24 /* bytes: a sign, the 20 digits of 2^64-1, a point, and two spare */

/* Writes `magnitude` divided by 10^`places` (0 to 9): 1500000000 with nine places is 1.5. Zeros at
 * the end of the fraction are cut. Returns the bytes written, at most DECIMAL_MAX less one; no NUL.
 */
size_t decimal_write(char *out, uint64_t magnitude, unsigned places);

/* Writes a stored value as it is exposed: the unit says the decimal places, the type whether `bits`
 * are those of an int64_t. */
size_t decimal_write_value(char *out, const struct metric *metric, uint64_t bits);

/* The double nearest to `magnitude` divided by 10^`places` (0 to 9), ties to even: what a parser
 * makes of decimal_write's text. */
double decimal_nearest(uint64_t magnitude, unsigned places);

/* The same of a stored value: what a parser makes of decimal_write_value's text. */
double decimal_nearest_value(const struct metric *metric, uint64_t bits);

#endif
