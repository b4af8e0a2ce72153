// The hidden units of GRUs of UNITS units along the trials of many sessions, and the gradient.
//
// Units lie along the lanes, and a thread takes a group of up to 8 sessions through all trials, so
// a product with the weights is: for every unit, its row of weights times that unit's value in each
// session. A weight gradient is the same with sessions and units exchanged.
//
//   (reset, keep) = sigmoid(x + W h);  new = tanh(x' + reset (W' h + b));  h' = (1 - keep) new + keep h
#include <algorithm>

#include "lanes.h"
#include "xla.h"

constexpr int ROW = up(UNITS, N_LANES);             // vectors in a row of units
constexpr int PADDED = ROW * N_LANES;               // units, padded
constexpr int TAIL = UNITS - (ROW - 1) * N_LANES;   // units in a row's last vector
constexpr int GROUP = 8;                            // sessions whose sums stay in registers
enum { RESET, KEEP, NEW, RECALLED };                // RECALLED: W' h + b

using Row = Vec[ROW];

INLINE void get(const float* from, Vec* row) {
  for (int v = 0; v < ROW - 1; ++v) row[v] = load(from + v * N_LANES);
  Vec last = {};
  std::memcpy(&last, from + (ROW - 1) * N_LANES, TAIL * sizeof(float));
  row[ROW - 1] = last;
}
INLINE void put(float* to, const Vec* row) { std::memcpy(to, row, UNITS * sizeof(float)); }

// One model's weights, zero in the padding.
struct Weights {
  Row from[UNITS][3];  // from each unit to those of each gate
  Row to[3][UNITS];    // to each unit of each gate from all units
  Row b_new;

  void pack(const float* w, const float* b) {
    for (int g = 0; g < 3; ++g)
      for (int h = 0; h < UNITS; ++h)
        for (int i = 0; i < UNITS; ++i) {
          const float x = w[(g * UNITS + h) * UNITS + i];
          ((float*)from[i][g])[h] = x;
          ((float*)to[g][h])[i] = x;
        }
    std::memcpy(b_new, b, UNITS * sizeof(float));
  }
};

struct Gradient {
  Row w[3][UNITS], b_new;
};

struct Shape {
  int64_t models, trials, sessions, tiles, size;  // size: sessions of a tile

  // Even numbers of nearly full groups while there are few, since most machines have even cores.
  void divide() {
    tiles = (sessions + GROUP - 1) / GROUP;
    if (tiles < 15) tiles += tiles % 2;
    size = (sessions + tiles - 1) / tiles;
    tiles = (sessions + size - 1) / size;
  }
};

struct Inputs {
  const float *w_hidden, *b_new, *initial, *from_input;
  const bool* valid;
};

// Sessions first .. first + n of one model.
struct Tile {
  int64_t model, first, trials, sessions;
  int n;
  Tile(const Shape& shape, int64_t index)
      : model(index / shape.tiles), first(index % shape.tiles * shape.size), trials(shape.trials),
        sessions(shape.sessions), n(int(std::min(shape.size, shape.sessions - first))) {}
  // Where session s has its row on trial t; and where, without trials.
  int64_t at(int64_t t, int s) const { return (model * trials + t) * sessions + first + s; }
  int64_t at(int s) const { return model * sessions + first + s; }
  bool any_valid(const bool* valid, int64_t t) const {
    bool any = false;
    for (int s = 0; s < n; ++s) any |= valid[at(t, s)];
    return any;
  }
};

// kept: of each session and trial reset, keep, new and recalled, for the gradient; null: not wanted.
static void forward_tile(const Shape& shape, const Inputs& in, const Weights& net, float* before,
                         float* last, float* kept, int64_t index) {
  const Tile tile(shape, index);
  Vec h[GROUP][ROW] = {};
  for (int s = 0; s < tile.n; ++s) get(in.initial + tile.at(s) * UNITS, h[s]);
  for (int64_t t = 0; t < shape.trials; ++t) {
    for (int s = 0; s < tile.n; ++s) put(before + tile.at(t, s) * UNITS, h[s]);
    if (!tile.any_valid(in.valid, t)) continue;
    Vec sum[GROUP][3][ROW];
    for (int g = 0; g < 3; ++g)
      for (int v = 0; v < ROW; ++v) {
        Vec sums[GROUP];
#pragma GCC unroll 8
        for (int s = 0; s < GROUP; ++s) sums[s] = g == NEW ? net.b_new[v] : Vec{};
#pragma GCC unroll 4
        for (int i = 0; i < UNITS; ++i) {
          const Vec row = net.from[i][g][v];
#pragma GCC unroll 8
          for (int s = 0; s < GROUP; ++s) sums[s] += ((const float*)h[s])[i] * row;
        }
#pragma GCC unroll 8
        for (int s = 0; s < GROUP; ++s) sum[s][g][v] = sums[s];
      }
    for (int s = 0; s < tile.n; ++s) {
      const int64_t at = tile.at(t, s);
      if (!in.valid[at]) continue;
      Vec x[3][ROW], gates[4][ROW];
      for (int g = 0; g < 3; ++g) get(in.from_input + (at * 3 + g) * UNITS, x[g]);
      for (int v = 0; v < ROW; ++v) {
        gates[RESET][v] = sigmoid(x[RESET][v] + sum[s][RESET][v]);
        gates[KEEP][v] = sigmoid(x[KEEP][v] + sum[s][KEEP][v]);
        gates[RECALLED][v] = sum[s][NEW][v];
        gates[NEW][v] = tanh(x[NEW][v] + gates[RESET][v] * sum[s][NEW][v]);
        h[s][v] = (1.0f - gates[KEEP][v]) * gates[NEW][v] + gates[KEEP][v] * h[s][v];
      }
      if (kept)
        for (int g = 0; g < 4; ++g) put(kept + (at * 4 + g) * UNITS, gates[g]);
    }
  }
  for (int s = 0; s < tile.n; ++s) put(last + tile.at(s) * UNITS, h[s]);
}

struct Outside {
  const float *before, *kept, *of_before, *of_last;
  float *of_initial, *of_input;
};

static void backward_tile(const Shape& shape, const Inputs& in, const Weights& net,
                          const Outside& out, Gradient& gradient, int64_t index) {
  const Tile tile(shape, index);
  const Row none = {};
  Vec dh[GROUP][ROW] = {};
  for (int s = 0; s < tile.n; ++s) get(out.of_last + tile.at(s) * UNITS, dh[s]);
  for (int64_t t = shape.trials - 1; t >= 0; --t) {
    Vec d[GROUP][3][ROW] = {}, h[GROUP][ROW] = {};
    bool any = false;
    for (int s = 0; s < tile.n; ++s) {
      const int64_t at = tile.at(t, s);
      float* of_input = out.of_input + at * 3 * UNITS;
      if (!in.valid[at]) {
        for (int g = 0; g < 3; ++g) put(of_input + g * UNITS, none);
        continue;
      }
      any = true;
      Vec gates[4][ROW], of_new[ROW];
      for (int g = 0; g < 4; ++g) get(out.kept + (at * 4 + g) * UNITS, gates[g]);
      get(out.before + at * UNITS, h[s]);
      for (int v = 0; v < ROW; ++v) {
        const Vec reset = gates[RESET][v], keep = gates[KEEP][v], made = gates[NEW][v];
        of_new[v] = dh[s][v] * (1.0f - keep) * (1.0f - made * made);
        d[s][RESET][v] = of_new[v] * gates[RECALLED][v] * reset * (1.0f - reset);
        d[s][KEEP][v] = dh[s][v] * (h[s][v] - made) * keep * (1.0f - keep);
        d[s][NEW][v] = of_new[v] * reset;
        gradient.b_new[v] += d[s][NEW][v];
        dh[s][v] *= keep;
      }
      put(of_input, d[s][RESET]);
      put(of_input + UNITS, d[s][KEEP]);
      put(of_input + 2 * UNITS, of_new);
    }
    for (int v = 0; any && v < ROW; ++v) {
      Vec sums[GROUP];
#pragma GCC unroll 8
      for (int s = 0; s < GROUP; ++s) sums[s] = dh[s][v];
      for (int g = 0; g < 3; ++g) {
#pragma GCC unroll 4
        for (int u = 0; u < UNITS; ++u) {
          const Vec row = net.to[g][u][v];
#pragma GCC unroll 8
          for (int s = 0; s < GROUP; ++s) sums[s] += ((const float*)d[s][g])[u] * row;
        }
        for (int u = 0; u < UNITS; ++u) {
          Vec two[2] = {gradient.w[g][u][v]};
#pragma GCC unroll 8
          for (int s = 0; s < GROUP; ++s) two[s % 2] += ((const float*)d[s][g])[u] * h[s][v];
          gradient.w[g][u][v] = two[0] + two[1];
        }
      }
#pragma GCC unroll 8
      for (int s = 0; s < GROUP; ++s) dh[s][v] = sums[s];
    }
    for (int s = 0; s < tile.n; ++s) {
      Vec more[ROW];
      get(out.of_before + tile.at(t, s) * UNITS, more);
      for (int v = 0; v < ROW; ++v) dh[s][v] += more[v];
    }
  }
  for (int s = 0; s < tile.n; ++s) put(out.of_initial + tile.at(s) * UNITS, dh[s]);
}

// The tiles' gradients of one model, summed in their order.
static void unpack(const Shape& shape, const Gradient* tiles, float* w, float* b) {
  const auto row_of = [](const Gradient& g, int row) {
    return (const float*)(row < 3 * UNITS ? g.w[row / UNITS][row % UNITS] : g.b_new);
  };
  for (int row = 0; row <= 3 * UNITS; ++row)
    for (int i = 0; i < UNITS; ++i) {
      float sum = 0.0f;
      for (int64_t tile = 0; tile < shape.tiles; ++tile) sum += row_of(tiles[tile], row)[i];
      (row < 3 * UNITS ? w + row * UNITS : b)[i] = sum;
    }
}

struct Call {
  XLA_FFI_CallFrame* frame;

  const XLA_FFI_Buffer& in(int i) const {
    return *static_cast<XLA_FFI_Buffer*>(frame->args.args[i]);
  }
  template <class T = float> T* data(int i) const { return static_cast<T*>(in(i).data); }
  float* result(int i) const {
    return static_cast<float*>(static_cast<XLA_FFI_Buffer*>(frame->rets.rets[i])->data);
  }
  Inputs inputs() const { return {data(0), data(1), data(2), data(3), data<bool>(4)}; }
  // From w_hidden [..., 3 H, H] and valid [..., T, S].
  bool shape(Shape* shape, int n_arguments, int least_results, int most_results) const {
    if (frame->args.size != n_arguments || frame->rets.size < least_results ||
        frame->rets.size > most_results || in(0).rank < 2 || in(4).rank < 2)
      return false;
    const auto &w = in(0), &valid = in(4);
    const int64_t *a = w.dims + w.rank - 2, *b = valid.dims + valid.rank - 2;
    shape->models = 1;
    for (int64_t i = 0; i < valid.rank - 2; ++i) shape->models *= valid.dims[i];
    shape->trials = b[0];
    shape->sessions = b[1];
    if (a[0] != 3 * UNITS || a[1] != UNITS || b[1] < 1) return false;
    shape->divide();
    return true;
  }
};

// (w_hidden, b_new, initial, from_input, valid) -> (before, last) or (before, last, kept)
extern "C" XLA_FFI_Error* accumbens_gru_forward(XLA_FFI_CallFrame* frame) {
  if (only_asks_version(frame)) return nullptr;
  const Call call{frame};
  Shape shape;
  if (!call.shape(&shape, 5, 2, 3)) return fail(frame, "the GRU was compiled for other shapes");
  const Inputs in = call.inputs();
  Aligned<Weights> nets(shape.models);
  if (!nets.data) return fail(frame, "out of memory");
  for (int64_t m = 0; m < shape.models; ++m)
    nets.data[m].pack(in.w_hidden + m * 3 * UNITS * UNITS, in.b_new + m * UNITS);
  float* kept = frame->rets.size == 3 ? call.result(2) : nullptr;
  in_parallel(frame, shape.models * shape.tiles, [&](int64_t i) {
    forward_tile(shape, in, nets.data[i / shape.tiles], call.result(0), call.result(1), kept, i);
  });
  return nullptr;
}

// (the same, before, kept, and the gradients of before and last)
// -> gradients of (w_hidden, b_new, initial, from_input)
extern "C" XLA_FFI_Error* accumbens_gru_backward(XLA_FFI_CallFrame* frame) {
  if (only_asks_version(frame)) return nullptr;
  const Call call{frame};
  Shape shape;
  if (!call.shape(&shape, 9, 4, 4)) return fail(frame, "the GRU was compiled for other shapes");
  const Inputs in = call.inputs();
  const Outside out{call.data(5), call.data(6),   call.data(7),
                    call.data(8), call.result(2), call.result(3)};
  Aligned<Weights> nets(shape.models);
  Aligned<Gradient> partial(shape.models * shape.tiles);
  if (!nets.data || !partial.data) return fail(frame, "out of memory");
  for (int64_t m = 0; m < shape.models; ++m)
    nets.data[m].pack(in.w_hidden + m * 3 * UNITS * UNITS, in.b_new + m * UNITS);
  in_parallel(frame, shape.models * shape.tiles, [&](int64_t i) {
    backward_tile(shape, in, nets.data[i / shape.tiles], out, partial.data[i], i);
  });
  for (int64_t m = 0; m < shape.models; ++m)
    unpack(shape, partial.data + m * shape.tiles, call.result(0) + m * 3 * UNITS * UNITS,
           call.result(1) + m * UNITS);
  return nullptr;
}
