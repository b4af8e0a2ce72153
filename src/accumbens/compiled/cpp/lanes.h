// Short vectors of floats in the machine's registers, and the functions that the loop needs on them.
#pragma once

#include <cstdint>
#include <cstring>

#define INLINE inline __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr int MAX_LANES = 16;
#elif defined(__AVX__)
constexpr int MAX_LANES = 8;
#else
constexpr int MAX_LANES = 4;
#endif

constexpr int up(int n, int unit) { return (n + unit - 1) / unit; }

// The vector length on which rows of n numbers cost least.
constexpr int lanes_for(int n) {
  int best = 4, least = 1 << 30;
  for (int lanes = 4; lanes <= MAX_LANES; lanes *= 2) {
    const int cost = up(n, lanes) * (lanes == 16 ? 3 : 2);
    if (cost <= least) best = lanes, least = cost;
  }
  return best;
}

template <int N> struct Lanes;
#define DEFINE_LANES(N)                                                          \
  template <> struct Lanes<N> {                                                  \
    typedef float Float __attribute__((vector_size(4 * N)));                     \
    typedef int32_t Int __attribute__((vector_size(4 * N)));                     \
    typedef uint32_t Word __attribute__((vector_size(4 * N)));                   \
    typedef int8_t Bytes __attribute__((vector_size(N)));                        \
    typedef float Loose __attribute__((vector_size(4 * N), aligned(4), may_alias)); \
  }
DEFINE_LANES(4);
DEFINE_LANES(8);
DEFINE_LANES(16);
#undef DEFINE_LANES

#if defined(SAMPLES_ALONG_LANES)
constexpr int N_LANES = MAX_LANES;
#else
constexpr int N_LANES = lanes_for(UNITS);  // units lie along the lanes
#endif
using Vec = Lanes<N_LANES>::Float;
using Int = Lanes<N_LANES>::Int;
using Word = Lanes<N_LANES>::Word;

INLINE Vec load(const float* p) { return *reinterpret_cast<const Lanes<N_LANES>::Loose*>(p); }
INLINE void store(float* p, Vec x) { *reinterpret_cast<Lanes<N_LANES>::Loose*>(p) = x; }

// Two rows' blocks of W lanes exchanged: `even` holds both rows' even blocks, `odd` the odd ones.
template <int W, int... I> INLINE Vec even(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, (I & W ? N_LANES + I - W : I)...);
}
template <int W, int... I> INLINE Vec odd(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, (I & W ? N_LANES + I : I + W)...);
}
template <int... I> struct Exchange {
  template <int W> static INLINE void transpose(Vec* rows) {
    if constexpr (W > 0) {
#pragma GCC unroll 16
      for (int i = 0; i < N_LANES; ++i)
        if (!(i & W)) {
          const Vec a = rows[i], b = rows[i + W];
          rows[i] = even<W, I...>(a, b);
          rows[i + W] = odd<W, I...>(a, b);
        }
      transpose<W / 2>(rows);
    }
  }
  template <int W> static INLINE Vec sums(Vec* rows) {
    if constexpr (W > 0) {
#pragma GCC unroll 16
      for (int i = 0; i < W; ++i)
        rows[i] = even<W, I...>(rows[i], rows[i + W]) + odd<W, I...>(rows[i], rows[i + W]);
      return sums<W / 2>(rows);
    }
    return rows[0];
  }
};
template <int N, int... I> struct Counted : Counted<N - 1, N - 1, I...> {};
template <int... I> struct Counted<0, I...> : Exchange<I...> {};

// N_LANES rows of N_LANES become their columns, in place.
INLINE void transpose(Vec* rows) { Counted<N_LANES>::transpose<N_LANES / 2>(rows); }
// Lane i of the result is the sum over the lanes of rows[i], which are overwritten.
INLINE Vec sums(Vec* rows) { return Counted<N_LANES>::sums<N_LANES / 2>(rows); }

template <int N> struct Count {
  static constexpr int value = N;
};

// f(from, n) for pieces of 0..TOTAL, sizes known to the compiler: small enough for accumulators to
// stay in registers, and for one piece's activations to overlap with the next one's products.
template <int TOTAL, int FROM = 0, class F> INLINE void in_pieces(F&& f) {
  if constexpr (FROM < TOTAL) {
    constexpr int pieces = up(TOTAL - FROM, 8);
    constexpr int n = up(TOTAL - FROM, pieces);
    f(Count<FROM>{}, Count<n>{});
    in_pieces<TOTAL, FROM + n>(f);
  }
}

INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }
INLINE Vec magnitude(Vec x) { return (Vec)((Int)x & 0x7fffffff); }

// exp(x) = power (1 + series): x = n ln 2 + r, a Taylor series in r; NaN stays NaN.
struct Exponential {
  Vec power, series;
  INLINE explicit Exponential(Vec x) {
    const Vec zero = {};
    x = x > 88.0f ? zero + 88.0f : x;
    x = x < -87.0f ? zero - 87.0f : x;
    const Vec shifted = x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: rounds, n in the low bits
    const Vec n = shifted - 12582912.0f;
    const Vec r = x - n * 0.693145752f - n * 1.42860677e-6f;
    series = r * (1.0f / 5040) + 1.0f / 720;
    series = series * r + 1.0f / 120;
    series = series * r + 1.0f / 24;
    series = series * r + 1.0f / 6;
    series = series * r + 0.5f;
    series = series * (r * r) + r;
    power = (Vec)(((Int)shifted << 23) + 0x3f800000);
  }
  INLINE Vec value() const { return power * series + power; }
  INLINE Vec minus_one() const { return power * series + (power - 1.0f); }
};

INLINE Vec sigmoid(Vec x) { return 1.0f / (1.0f + Exponential(-x).value()); }

INLINE Vec tanh(Vec x) {
  const Vec e = Exponential(-2.0f * magnitude(x)).minus_one();
  return (Vec)((Int)(-e / (2.0f + e)) | ((Int)x & (int32_t)0x80000000));
}

template <int N> INLINE Vec polynomial(const float (&coefficients)[N], Vec x) {
  Vec sum = Vec{} + coefficients[N - 1];
#pragma GCC unroll 16
  for (int i = N - 2; i >= 0; --i) sum = sum * x + coefficients[i];
  return sum;
}

// ln(1 + u) / u and 1 / (1 + u) for u from 0 to 1, by Chebyshev interpolation: errors below 5e-8.
constexpr float LOG1P_OVER_U[] = {
    0.999999966f, -0.49999445f, 0.333181217f, -0.24835399f, 0.190768807f,
    -0.136022476f, 0.0775160866f, -0.0290740646f, 0.00512610212f};
constexpr float ONE_OVER_1PU[] = {
    0.999999956f, -0.999991114f, 0.999699331f, -0.995964506f, 0.971688147f,
    -0.881056407f, 0.67507518f, -0.385343343f, 0.139071282f, -0.023178547f};

// log(1 + exp(x)), and its derivative, sigmoid(x), in *slope unless null; no division.
INLINE Vec softplus(Vec x, Vec* slope) {
  const Vec zero = {}, u = Exponential(-magnitude(x)).value();
  if (slope) {
    const Vec of_magnitude = polynomial(ONE_OVER_1PU, u);
    *slope = x < 0.0f ? u * of_magnitude : of_magnitude;
  }
  return (x < 0.0f ? zero : x) + u * polynomial(LOG1P_OVER_U, u);
}
