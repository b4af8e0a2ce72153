// Networks that read latents on every trial, and their gradient, as two XLA custom calls.
//
// Nothing feeds back, so samples (sessions of a trial) lie along the lanes, and 4 vectors of them go
// through a network together. Compiled for INPUTS, UNITS, LAYERS, OUTPUTS and ACTIVATION. Vectors
// are shared out as pieces whose number depends on shapes alone, and weight gradients are summed over
// them in their order, so results do not depend on the number of threads. The gradient computes each
// sample again, noise included. Layout of all arrays: row-major, sessions last.
#define SAMPLES_ALONG_LANES
#include <algorithm>
#include <cmath>

#include "activation.h"
#include "noise.h"
#include "xla.h"

constexpr int DEPTH = LAYERS > 0 ? LAYERS : 1;  // no arrays of size 0
constexpr int TOGETHER = 4;                     // vectors
constexpr int MAX_PIECES = 16, LEAST_VECTORS = 64;

using Vecs = Vec[TOGETHER];

// All models one after another. sigma, address: null without noise.
struct Inputs {
  const float *w_in, *b_in, *w_hidden, *b_hidden, *w_out, *b_out, *multiplier, *before, *outside;
  const float* sigma;
  const uint32_t* address;  // ADDRESS words of each model
};

struct Shape {
  int64_t models, nets, latents, outside, trials, sessions, row, vectors, pieces;
  // row: vectors of a trial; vectors: of all trials.
  void divide() {
    row = (sessions + N_LANES - 1) / N_LANES;
    vectors = row * trials;
    pieces = std::min<int64_t>(std::max<int64_t>(vectors / LEAST_VECTORS, 1), MAX_PIECES);
  }
};

// One network's weights, and where they are in JAX's arrays [model, (layer,) network, ...].
struct Network {
  float w_in[UNITS][INPUTS], b_in[UNITS], w[DEPTH][UNITS][UNITS], b[DEPTH][UNITS];
  float w_out[OUTPUTS][UNITS], b_out[OUTPUTS], multiplier[INPUTS], sigma[INPUTS];

  // f(ours, theirs, n) for every run of n numbers. P: pointers as in Inputs.
  template <class N, class P, class F>
  static void each(const Shape& shape, N& net, const P& in, int64_t model, int64_t k, F&& f) {
    const int64_t at = model * shape.nets + k;
    f(&net.w_in[0][0], in.w_in + at * UNITS * INPUTS, UNITS * INPUTS);
    f(&net.b_in[0], in.b_in + at * UNITS, UNITS);
    for (int64_t l = 0; l < LAYERS; ++l) {
      const int64_t layer = (model * LAYERS + l) * shape.nets + k;
      f(&net.w[l][0][0], in.w_hidden + layer * UNITS * UNITS, UNITS * UNITS);
      f(&net.b[l][0], in.b_hidden + layer * UNITS, UNITS);
    }
    f(&net.w_out[0][0], in.w_out + at * OUTPUTS * UNITS, OUTPUTS * UNITS);
    f(&net.b_out[0], in.b_out + at * OUTPUTS, OUTPUTS);
    f(&net.multiplier[0], in.multiplier + at * INPUTS, INPUTS);
    if (in.sigma) f(&net.sigma[0], in.sigma + at * INPUTS, INPUTS);
  }
};

// Gradients of the same, samples still along the lanes.
struct Gradient {
  Vec w_in[UNITS][INPUTS], b_in[UNITS], w[DEPTH][UNITS][UNITS], b[DEPTH][UNITS];
  Vec w_out[OUTPUTS][UNITS], b_out[OUTPUTS], multiplier[INPUTS], sigma[INPUTS];
};

struct Gradients {
  float *w_in, *b_in, *w_hidden, *b_hidden, *w_out, *b_out, *multiplier, *before, *outside, *sigma;
};

// Up to TOGETHER neighbouring vectors, where each one's samples are.
struct Samples {
  int64_t model, trial[TOGETHER], session[TOGETHER];
  int n[TOGETHER];  // samples; 0 beyond the end

  Samples(const Shape& shape, int64_t model, int64_t first, int64_t end) : model(model) {
    for (int b = 0; b < TOGETHER; ++b) {
      const int64_t at = std::min(first + b, end - 1);
      trial[b] = at / shape.row, session[b] = at % shape.row * N_LANES;
      n[b] = first + b < end ? int(std::min<int64_t>(N_LANES, shape.sessions - session[b])) : 0;
    }
  }
  // Of row `row` of an array [..., row, session].
  INLINE void get(const Shape& shape, const float* all, int64_t rows_before, int b, Vec& x) const {
    const float* at = all + rows_before * shape.sessions + session[b];
    if (n[b] == N_LANES) {
      x = load(at);
    } else {
      x = Vec{};
      for (int s = 0; s < n[b]; ++s) ((float*)&x)[s] = at[s];
    }
  }
  INLINE void put(const Shape& shape, float* all, int64_t rows_before, int b, const Vec& x) const {
    float* at = all + rows_before * shape.sessions + session[b];
    if (n[b] == N_LANES)
      store(at, x);
    else
      for (int s = 0; s < n[b]; ++s) at[s] = ((const float*)&x)[s];
  }
  // Rows of input i, of [model, trial, latents or outside, session].
  INLINE int64_t row(const Shape& shape, int i, int b) const {
    const int64_t t = model * shape.trials + trial[b];
    return i < shape.latents ? t * shape.latents + i : t * shape.outside + i - shape.latents;
  }
  INLINE int64_t out_row(const Shape& shape, int64_t k, int o, int b) const {
    return ((model * shape.nets + k) * OUTPUTS + o) * shape.trials + trial[b];
  }
};

// Deviates of network k's input i: those at the places of a row-major [network, input, trial,
// session] of all sessions of the step, two of which share a counter, see threefry.normals.
INLINE Vec deviates(const Shape& shape, const uint32_t* all, const Samples& at, int64_t k, int i,
                    int b) {
  const uint32_t* address = all + ADDRESS * at.model;
  const uint32_t row = uint32_t((k * INPUTS + i) * shape.trials + at.trial[b]);
  const uint32_t first = row * address[4] + address[2];
  Word place;
  for (int s = 0; s < N_LANES; ++s) place[s] = first + address[3] * uint32_t(at.session[b] + s);
  Vec even, odd;
  Deviates<N_LANES>::pair(address, place >> 1, Word{}, &even, &odd);
  return (place & 1u) == 1u ? odd : even;
}

struct Work {
  Vecs x[INPUTS], y[INPUTS], eps[INPUTS], h[DEPTH + 1][UNITS], slope[DEPTH][UNITS], out[OUTPUTS];
  Vecs dx[INPUTS], d[UNITS], inner[UNITS];
};

#define FOR_TOGETHER _Pragma("GCC unroll 4") for (int b = 0; b < TOGETHER; ++b)

INLINE void read(const Shape& shape, const Inputs& in, const Samples& at, Work& work) {
  for (int i = 0; i < INPUTS; ++i)
    FOR_TOGETHER at.get(shape, i < shape.latents ? in.before : in.outside, at.row(shape, i, b), b,
                        work.x[i][b]);
}

template <bool KEEP>
INLINE void forward(const Shape& shape, const Inputs& in, const Network& net, const Samples& at,
                    int64_t k, Work& work) {
  const float scale = LAYERS > 0 ? 1.0f / std::sqrt(float(DEPTH)) : 1.0f;
#pragma GCC unroll 1
  for (int i = 0; i < INPUTS; ++i) {
    FOR_TOGETHER work.y[i][b] = net.multiplier[i] * work.x[i][b];
    if (in.sigma) {
      FOR_TOGETHER {
        work.eps[i][b] = deviates(shape, in.address, at, k, i, b);
        work.y[i][b] += net.sigma[i] * work.eps[i][b];
      }
    }
  }
#pragma GCC unroll 1
  for (int u = 0; u < UNITS; ++u) {
    Vecs sum;
    FOR_TOGETHER sum[b] = Vec{} + net.b_in[u];
    for (int i = 0; i < INPUTS; ++i) FOR_TOGETHER sum[b] += net.w_in[u][i] * work.y[i][b];
    FOR_TOGETHER work.h[0][u][b] = sum[b];
  }
#pragma GCC unroll 1
  for (int l = 0; l < LAYERS; ++l)
#pragma GCC unroll 1
    for (int u = 0; u < UNITS; ++u) {
      Vecs sum;
      FOR_TOGETHER sum[b] = Vec{} + net.b[l][u];
#pragma GCC unroll 4
      for (int i = 0; i < UNITS; ++i) FOR_TOGETHER sum[b] += net.w[l][u][i] * work.h[l][i][b];
      FOR_TOGETHER {
        Vec slope;
        work.h[l + 1][u][b] =
            work.h[l][u][b] + scale * activate(sum[b], KEEP ? &slope : nullptr);
        if (KEEP) work.slope[l][u][b] = scale * slope;
      }
    }
  for (int o = 0; o < OUTPUTS; ++o) {
    Vecs sum;
    FOR_TOGETHER sum[b] = Vec{} + net.b_out[o];
    for (int u = 0; u < UNITS; ++u) FOR_TOGETHER sum[b] += net.w_out[o][u] * work.h[LAYERS][u][b];
    FOR_TOGETHER work.out[o][b] = sum[b];
  }
}

INLINE void add(Vec& gradient, const Vecs& a, const Vecs& c) {
  gradient += (a[0] * c[0] + a[1] * c[1]) + (a[2] * c[2] + a[3] * c[3]);
}
INLINE void add(Vec& gradient, const Vecs& a) { gradient += (a[0] + a[1]) + (a[2] + a[3]); }

// From the gradient of the outputs, in work.out: adds to `gradient` and to work.dx.
INLINE void backward(const Network& net, Work& work, Gradient& gradient) {
#pragma GCC unroll 1
  for (int u = 0; u < UNITS; ++u) FOR_TOGETHER work.d[u][b] = Vec{};
  for (int o = 0; o < OUTPUTS; ++o) {
    add(gradient.b_out[o], work.out[o]);
    for (int u = 0; u < UNITS; ++u) {
      add(gradient.w_out[o][u], work.out[o], work.h[LAYERS][u]);
      FOR_TOGETHER work.d[u][b] += net.w_out[o][u] * work.out[o][b];
    }
  }
#pragma GCC unroll 1
  for (int l = LAYERS - 1; l >= 0; --l) {
    for (int u = 0; u < UNITS; ++u) {
      FOR_TOGETHER work.inner[u][b] = work.d[u][b] * work.slope[l][u][b];
      add(gradient.b[l][u], work.inner[u]);
    }
#pragma GCC unroll 1
    for (int u = 0; u < UNITS; ++u)
#pragma GCC unroll 4
      for (int i = 0; i < UNITS; ++i) add(gradient.w[l][u][i], work.inner[u], work.h[l][i]);
#pragma GCC unroll 1
    for (int i = 0; i < UNITS; ++i) {
      Vecs sum;
      FOR_TOGETHER sum[b] = work.d[i][b];
#pragma GCC unroll 4
      for (int u = 0; u < UNITS; ++u) FOR_TOGETHER sum[b] += net.w[l][u][i] * work.inner[u][b];
      FOR_TOGETHER work.d[i][b] = sum[b];
    }
  }
  for (int u = 0; u < UNITS; ++u) {
    add(gradient.b_in[u], work.d[u]);
    for (int i = 0; i < INPUTS; ++i) add(gradient.w_in[u][i], work.d[u], work.y[i]);
  }
  for (int i = 0; i < INPUTS; ++i) {
    Vecs sum = {};
    for (int u = 0; u < UNITS; ++u) FOR_TOGETHER sum[b] += net.w_in[u][i] * work.d[u][b];
    add(gradient.multiplier[i], sum, work.x[i]);
    add(gradient.sigma[i], sum, work.eps[i]);
    FOR_TOGETHER work.dx[i][b] += net.multiplier[i] * sum[b];
  }
}

// f(samples) for all vectors of a piece; index: of a piece of a model.
template <class F> INLINE void along(const Shape& shape, int64_t index, F&& f) {
  const int64_t model = index / shape.pieces, piece = index % shape.pieces;
  const int64_t from = shape.vectors * piece / shape.pieces;
  const int64_t end = shape.vectors * (piece + 1) / shape.pieces;
  for (int64_t at = from; at < end; at += TOGETHER) f(Samples(shape, model, at, end));
}

static void forward_piece(const Shape& shape, const Inputs& in, const Network* nets, float* out,
                          int64_t index) {
  Aligned<Work> memory(1);
  Work& work = *memory.data;
  along(shape, index, [&](const Samples& at) {
    read(shape, in, at, work);
    for (int64_t k = 0; k < shape.nets; ++k) {
      forward<false>(shape, in, nets[at.model * shape.nets + k], at, k, work);
      for (int o = 0; o < OUTPUTS; ++o)
        FOR_TOGETHER at.put(shape, out, at.out_row(shape, k, o, b), b, work.out[o][b]);
    }
  });
}

static void backward_piece(const Shape& shape, const Inputs& in, const Network* nets,
                           const float* d_out, const Gradients& made, Gradient* partial,
                           int64_t index) {
  Aligned<Work> memory(1);
  Work& work = *memory.data;
  along(shape, index, [&](const Samples& at) {
    read(shape, in, at, work);
    for (int i = 0; i < INPUTS; ++i) FOR_TOGETHER work.dx[i][b] = Vec{};
    for (int64_t k = 0; k < shape.nets; ++k) {
      const Network& net = nets[at.model * shape.nets + k];
      forward<true>(shape, in, net, at, k, work);
      for (int o = 0; o < OUTPUTS; ++o)
        FOR_TOGETHER at.get(shape, d_out, at.out_row(shape, k, o, b), b, work.out[o][b]);
      backward(net, work, partial[index * shape.nets + k]);
    }
    for (int i = 0; i < INPUTS; ++i)
      FOR_TOGETHER at.put(shape, i < shape.latents ? made.before : made.outside,
                          at.row(shape, i, b), b, work.dx[i][b]);
  });
}

// One network's gradient, summed over pieces in their order, in JAX's layout.
static void unpack(const Shape& shape, const Gradient* partial, const Gradients& made, int64_t at) {
  const int64_t model = at / shape.nets, k = at % shape.nets;
  Aligned<Gradient> memory(1);
  Gradient& sum = *memory.data;
  for (int64_t p = 0; p < shape.pieces; ++p) {
    const Gradient& part = partial[(model * shape.pieces + p) * shape.nets + k];
    for (size_t v = 0; v < sizeof(Gradient) / sizeof(Vec); ++v) ((Vec*)&sum)[v] += ((Vec*)&part)[v];
  }
  Network::each(shape, sum, made, model, k, [](const Vec* ours, float* theirs, int n) {
    for (int i = 0; i < n; ++i) {
      theirs[i] = 0.0f;
      for (int s = 0; s < N_LANES; ++s) theirs[i] += ours[i][s];
    }
  });
}

constexpr int N_INPUTS = 9, N_NOISE = 2;  // arguments of both calls: always; with noise

struct Call {
  XLA_FFI_CallFrame* frame;
  bool noisy;

  Call(XLA_FFI_CallFrame* frame, int more)
      : frame(frame), noisy(frame->args.size == N_INPUTS + N_NOISE + more) {}
  const XLA_FFI_Buffer& in(int i) const {
    return *static_cast<XLA_FFI_Buffer*>(frame->args.args[i]);
  }
  template <class T = float> T* data(int i) const { return static_cast<T*>(in(i).data); }
  float* result(int i) const {
    return static_cast<float*>(static_cast<XLA_FFI_Buffer*>(frame->rets.rets[i])->data);
  }
  Inputs inputs() const {
    return {data(0), data(1), data(2), data(3), data(4), data(5), data(6), data(7), data(8),
            noisy ? data(9) : nullptr, noisy ? data<uint32_t>(10) : nullptr};
  }
  // From w_in [..., N, H, I], w_out [..., N, O, H], before [..., T, K, S], outside [..., T, E, S].
  bool shape(Shape* shape, int more, int results) const {
    if (frame->args.size != N_INPUTS + (noisy ? N_NOISE : 0) + more ||
        frame->rets.size != results)
      return false;
    for (int i : {0, 4, 7, 8})
      if (in(i).rank < 3) return false;
    if (in(2).rank < 4) return false;
    const auto dims = [&](int i) { return in(i).dims + in(i).rank - 3; };
    const int64_t *w = dims(0), *out = dims(4), *before = dims(7), *outside = dims(8);
    shape->models = 1;
    for (int64_t i = 0; i < in(7).rank - 3; ++i) shape->models *= in(7).dims[i];
    shape->nets = w[0], shape->trials = before[0], shape->sessions = before[2];
    shape->latents = before[1], shape->outside = outside[1];
    if (w[1] != UNITS || w[2] != INPUTS || out[1] != OUTPUTS || in(2).dims[in(2).rank - 4] != LAYERS)
      return false;
    if (before[1] + outside[1] != INPUTS || shape->trials * shape->sessions < 1) return false;
    shape->divide();
    return true;
  }
};

static void pack(const Shape& shape, const Inputs& in, Network* nets) {
  for (int64_t at = 0; at < shape.models * shape.nets; ++at)
    Network::each(shape, nets[at], in, at / shape.nets, at % shape.nets,
                  [](float* ours, const float* theirs, int n) {
                    std::memcpy(ours, theirs, n * sizeof(float));
                  });
}

// (w_in, b_in, w_hidden, b_hidden, w_out, b_out, multiplier, before, outside, and with noise sigma,
// address) -> out [network, output, trial, session]
extern "C" XLA_FFI_Error* accumbens_networks_forward(XLA_FFI_CallFrame* frame) {
  if (only_asks_version(frame)) return nullptr;
  const Call call(frame, 0);
  Shape shape;
  if (!call.shape(&shape, 0, 1)) return fail(frame, "networks were compiled for other shapes");
  const Inputs in = call.inputs();
  Aligned<Network> nets(shape.models * shape.nets);
  if (!nets.data) return fail(frame, "out of memory");
  pack(shape, in, nets.data);
  in_parallel(frame, shape.models * shape.pieces,
              [&](int64_t i) { forward_piece(shape, in, nets.data, call.result(0), i); });
  return nullptr;
}

// (the same, and the gradient of out) -> gradients of (w_in, b_in, w_hidden, b_hidden, w_out, b_out,
// multiplier, before, outside, and with noise sigma)
extern "C" XLA_FFI_Error* accumbens_networks_backward(XLA_FFI_CallFrame* frame) {
  if (only_asks_version(frame)) return nullptr;
  const Call call(frame, 1);
  Shape shape;
  if (!call.shape(&shape, 1, call.noisy ? 10 : 9))
    return fail(frame, "networks were compiled for other shapes");
  const Inputs in = call.inputs();
  const float* d_out = call.data(N_INPUTS + (call.noisy ? N_NOISE : 0));
  const Gradients made{call.result(0), call.result(1), call.result(2), call.result(3),
                       call.result(4), call.result(5), call.result(6), call.result(7),
                       call.result(8), call.noisy ? call.result(9) : nullptr};
  Aligned<Network> nets(shape.models * shape.nets);
  Aligned<Gradient> partial(shape.models * shape.pieces * shape.nets);
  if (!nets.data || !partial.data) return fail(frame, "out of memory");
  pack(shape, in, nets.data);
  in_parallel(frame, shape.models * shape.pieces, [&](int64_t i) {
    backward_piece(shape, in, nets.data, d_out, made, partial.data, i);
  });
  in_parallel(frame, shape.models * shape.nets,
              [&](int64_t at) { unpack(shape, partial.data, made, at); });
  return nullptr;
}
