// A tile: up to a few vectors of neighbouring sessions, which one thread takes through all trials.
#pragma once

#include <algorithm>
#include <vector>

#include "network.h"

struct Shape {
  int64_t models, trials, sessions, tiles;
  int64_t size(int64_t rows) const { return models * trials * rows * sessions; }
};

// Sessions first .. first + TILE of one model, of which the first `shared` belong to another tile.
struct Tile {
  int64_t model, first, shared, sessions, trials;
  int64_t n_moved;  // trials up to the last valid one

  Tile(const Shape& shape, int64_t index, const bool* all_valid)
      : model(index / shape.tiles), sessions(shape.sessions), trials(shape.trials) {
    const int64_t start = index % shape.tiles * TILE;
    first = start + TILE <= sessions ? start : sessions - TILE;
    shared = start - first;
    n_moved = trials;
    while (n_moved > 0 && !any_valid(all_valid, n_moved - 1)) --n_moved;
  }

  bool any_valid(const bool* valid, int64_t t) const {
    const bool* at = valid + (model * trials + t) * sessions + first;
    bool any = false;
    for (int s = 0; s < TILE; ++s) any |= at[s];
    return any;
  }
  // -1 in the lanes of valid trials, 0 elsewhere and beyond the tile.
  void masks(const bool* valid, int64_t t, Int* mask) const {
    const bool* at = valid + (model * trials + t) * sessions + first;
    int8_t bytes[SESSIONS] = {};
    std::memcpy(bytes, at, TILE);
    for (int b = 0; b < BLOCKS; ++b) {
      Lanes<N_LANES>::Bytes some;
      std::memcpy(&some, bytes + b * N_LANES, N_LANES);
      mask[b] = -__builtin_convertvector(some, Int);
    }
  }
  // Offset of row `row` of an array [model, trial, rows, session] at this tile's first session.
  int64_t offset(int64_t t, int64_t rows, int64_t row) const {
    return ((model * trials + t) * rows + row) * sessions + first;
  }
  // This tile's part of a row of an array of `size` floats; what lies beyond the tile is undefined.
  static void get(const float* all, int64_t size, int64_t at, Vec* x) {
    for (int b = 0; b < BLOCKS; ++b, at += N_LANES) x[b] = get(all, size, at);
  }
  static INLINE Vec get(const float* all, int64_t size, int64_t at) {
    if (at + N_LANES <= size) return load(all + at);
    Vec x = {};
    if (at < size) std::memcpy(&x, all + at, (size - at) * sizeof(float));
    return x;
  }
  // The same, but 0 in sessions that belong to another tile.
  void get_own(const float* all, int64_t size, int64_t at, Vec* x) const {
    get(all, size, at, x);
    if (shared > 0)
      for (int s = 0; s < shared; ++s) ((float*)x)[s] = 0.0f;
  }
  // 0 beyond the tile, where another model's numbers may lie.
  static void clear_beyond(Vec* x) {
    for (int s = TILE; s < SESSIONS; ++s) ((float*)x)[s] = 0.0f;
  }
  void put(float* row, const Vec* x) const {
    if (shared == 0)
      std::memcpy(row, x, TILE * sizeof(float));
    else
      for (int64_t s = shared; s < TILE; ++s) row[s] = ((const float*)x)[s];
  }
};

// Tiles in the order in which threads take them: most trials first, for balance; else alternating
// between both halves, since neighbours share cache lines.
static std::vector<int64_t> taking_order(const Shape& shape, const bool* valid) {
  const int64_t n = shape.models * shape.tiles, half = (n + 1) / 2;
  std::vector<int64_t> order(n), trials(n);
  for (int64_t i = 0; i < n; ++i) {
    order[i] = i % 2 * half + i / 2;
    trials[i] = Tile(shape, i, valid).n_moved;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return trials[a] > trials[b]; });
  return order;
}
