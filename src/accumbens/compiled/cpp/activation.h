// The activation that is named by ACTIVATION when a kernel is compiled.
#pragma once

#include "lanes.h"

enum { LEAKY_RELU, RELU, TANH, SOFTPLUS };

// f(x), and f'(x) in *slope unless null.
INLINE Vec activate(Vec x, Vec* slope) {
  const Vec zero = {};
  if constexpr (ACTIVATION == LEAKY_RELU) {
    if (slope) *slope = x >= 0.0f ? zero + 1.0f : zero + 0.01f;
    return larger(x, x * 0.01f);
  } else if constexpr (ACTIVATION == RELU) {
    if (slope) *slope = x > 0.0f ? zero + 1.0f : zero;
    return x < 0.0f ? zero : x;
  } else if constexpr (ACTIVATION == TANH) {
    const Vec y = tanh(x);
    if (slope) *slope = 1.0f - y * y;
    return y;
  } else {
    return softplus(x, slope);
  }
}
