// Standard normal deviates by address, as in threefry.py: the same numbers as the scan's.
#pragma once

#include <cmath>

#include "lanes.h"

// Words of an address, see noise.py: two of the key; of the sessions of a step that are here, the
// first, every which one, and how many the step has.
constexpr int ADDRESS = 5;

// The same in vectors of any length N: narrow layers have narrower vectors than the machine.
template <int N> struct Deviates {
  using Vec = typename Lanes<N>::Float;
  using Int = typename Lanes<N>::Int;
  using Word = typename Lanes<N>::Word;

  // ln(x) of x in (0, 1): x = 2^n m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1) / (m + 1)).
  static INLINE Vec logarithm(Vec x) {
    const Int bits = (Int)x - 0x3f3504f3;  // of sqrt(1/2), so that bits of n are those above 23
    const Vec n = __builtin_convertvector(bits >> 23, Vec);
    const Vec m = (Vec)((bits & 0x007fffff) + 0x3f3504f3);
    const Vec s = (m - 1.0f) / (m + 1.0f), q = s * s;
    Vec series = q * (1.0f / 11) + 1.0f / 9;
    series = series * q + 1.0f / 7;
    series = series * q + 1.0f / 5;
    series = series * q + 1.0f / 3;
    series = series * q + 1.0f;
    return n * 0.693147181f + 2.0f * s * series;
  }

  static INLINE Vec square_root(Vec x) {
    Vec y;
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) y[i] = std::sqrt(x[i]);
    return y;
  }

  template <int R> static INLINE Word rotate(Word x) { return (x << R) | (x >> (32 - R)); }

  template <int A, int B, int C, int D> static INLINE void four_rounds(Word& x, Word& y) {
    x += y, y = rotate<A>(y) ^ x;
    x += y, y = rotate<B>(y) ^ x;
    x += y, y = rotate<C>(y) ^ x;
    x += y, y = rotate<D>(y) ^ x;
  }

  // Threefry-2x32 with 20 rounds: two words from a key and a counter, in place.
  static INLINE void threefry(const uint32_t* key, Word& x, Word& y) {
    const uint32_t k[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA};
    x += k[0], y += k[1];
    four_rounds<13, 15, 26, 6>(x, y), x += k[1], y += k[2] + 1;
    four_rounds<17, 29, 16, 24>(x, y), x += k[2], y += k[0] + 2;
    four_rounds<13, 15, 26, 6>(x, y), x += k[0], y += k[1] + 3;
    four_rounds<17, 29, 16, 24>(x, y), x += k[1], y += k[2] + 4;
    four_rounds<13, 15, 26, 6>(x, y), x += k[2], y += k[0] + 5;
  }

  // The two deviates at a counter (Box and Muller 1958).
  static INLINE void pair(const uint32_t* key, Word x, Word y, Vec* first, Vec* second) {
    threefry(key, x, y);
    const Vec uniform = (Vec)((x >> 9) | 0x3f800000u) - (1.0f - 5.9604645e-8f);
    const Vec radius = square_root(-2.0f * logarithm(uniform));
    const Word quarter = (y + (1u << 29)) >> 30;
    const Vec a = 1.46291808e-9f * __builtin_convertvector((Int)(y - (quarter << 30)), Vec);
    const Vec b = a * a;
    const Vec c = 1.0f - b * 0.5f *
        (1.0f - b * (1.0f / 12) * (1.0f - b * (1.0f / 30) * (1.0f - b * (1.0f / 56))));
    const Vec s = a * (1.0f - b * (1.0f / 6) *
        (1.0f - b * (1.0f / 20) * (1.0f - b * (1.0f / 42) * (1.0f - b * (1.0f / 72)))));
    const auto odd = (quarter & 1) == 1;
    const Word minus_cos = ((quarter + 1) & 2) << 30, minus_sin = (quarter & 2) << 30;
    *first = radius * (Vec)((Word)(odd ? s : c) ^ minus_cos);
    *second = radius * (Vec)((Word)(odd ? c : s) ^ minus_sin);
  }
};
