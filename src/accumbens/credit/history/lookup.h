// Short vectors of floats, numbers of a table looked up by a vector of places, and the sigmoid.
#pragma once

#include <cstdint>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int LANES = 16;
#else
constexpr int LANES = 8;
#endif
typedef float Vec __attribute__((vector_size(4 * LANES)));
typedef int32_t Int __attribute__((vector_size(4 * LANES)));
typedef float Loose __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t LooseInt __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

inline Vec load(const float* p) { return *reinterpret_cast<const Loose*>(p); }
inline Int load(const int32_t* p) { return *reinterpret_cast<const LooseInt*>(p); }
inline void store(float* p, Vec x) { *reinterpret_cast<Loose*>(p) = x; }
inline void add(float* p, Vec x) { *reinterpret_cast<Loose*>(p) += x; }

// Numbers of a table by their places in it, and the same where it fits into one or two registers.
struct InMemory {
  const float* table;
  explicit InMemory(const float* table) : table(table) {}
  Vec operator[](Int at) const {
    Vec found;
    for (int l = 0; l < LANES; ++l) found[l] = table[at[l]];
    return found;
  }
};
#if defined(__AVX2__)
struct OneRegister {
  Vec first;
  explicit OneRegister(const float* table) : first(load(table)) {}
  Vec operator[](Int at) const {
#if defined(__AVX512F__)
    return (Vec)_mm512_permutexvar_ps((__m512i)at, (__m512)first);
#else
    return (Vec)_mm256_permutevar8x32_ps((__m256)first, (__m256i)at);
#endif
  }
};
struct TwoRegisters {
  OneRegister first, second;
  explicit TwoRegisters(const float* table) : first(table), second(table + LANES) {}
  Vec operator[](Int at) const {
    const Int place = at & (LANES - 1);
    return at < LANES ? first[place] : second[place];
  }
};
#else
using OneRegister = InMemory;
using TwoRegisters = InMemory;
#endif

inline Vec sigmoid(Vec x) {  // 1 / (1 + exp(-x)); exp within 2e-7, relative
  const Vec zero = {};
  x = x > 80.0f ? zero + 80.0f : x;
  x = x < -80.0f ? zero - 80.0f : x;
  const Vec shifted = x * -1.44269504f + 12582912.0f;  // rounds to an integer n, in the low bits
  const Vec n = shifted - 12582912.0f;
  const Vec r = (-x - n * 0.693145752f) - n * 1.42860677e-6f;
  Vec s = r * (1.0f / 5040) + 1.0f / 720;
  s = s * r + 1.0f / 120;
  s = s * r + 1.0f / 24;
  s = s * r + 1.0f / 6;
  s = s * r + 0.5f;
  s = s * (r * r) + r + 1.0f;
  return 1.0f / (1.0f + s * (Vec)(((Int)shifted << 23) + 0x3f800000));
}

}  // namespace
