// The disRNN's time loop and its gradient, as two XLA custom calls.
//
// Compiled for LATENTS, INPUTS, UNITS, LAYERS, ACTIVATION and TILE sessions at a time. Work is shared as
// tiles of sessions (of every model, when arrays have a leading axis); a tile runs through all its
// trials on one thread, and weight gradients are summed over tiles in their order, so results do
// not depend on the number of threads. The gradient computes each trial again from the stored latents,
// noise included, so nothing else is kept. Layout of all arrays: row-major, sessions last.
#include <cstdlib>

#include "network.h"
#include "noise.h"
#include "tile.h"
#include "xla.h"

constexpr float BOUND = 2.0f;  // core.LATENT_BOUND
constexpr int OUTSIDE = INPUTS - LATENTS;  // observations and subject
constexpr int PAIRS = (INPUTS + 2) / 2;    // of deviates a trial and network: inputs, and the latent

// The inputs that both passes share, all models one after another. sigma: null without noise.
struct Inputs {
  const float *w_in, *b_in, *w_hidden, *b_hidden, *w_out, *b_out, *multiplier, *seen;
  const bool* valid;
  const float *z_initial, *sigma, *latent_sigma;
  const uint32_t* address;  // ADDRESS words of each model
};

static void pack(const Inputs& in, int64_t model, Network* nets) {
  constexpr int64_t K = LATENTS, H = UNITS, L = LAYERS;
  for (int64_t k = 0; k < K; ++k) {
    Network& net = nets[k];
    for (int64_t h = 0; h < H; ++h) {
      const int64_t at = (model * K + k) * H + h;
      ((float*)net.b_in)[h] = in.b_in[at];
      for (int64_t i = 0; i < INPUTS; ++i) ((float*)net.w_in[i])[h] = in.w_in[at * INPUTS + i];
    }
    for (int64_t l = 0; l < L; ++l) {
      const int64_t at = (model * L + l) * K + k;
      for (int64_t h = 0; h < H; ++h) {
        ((float*)net.b[l])[h] = in.b_hidden[at * H + h];
        for (int64_t i = 0; i < H; ++i) {
          const float x = in.w_hidden[(at * H + h) * H + i];
          ((float*)net.w[l][i])[h] = x;
          ((float*)net.w_back[l][h])[i] = x;
        }
      }
    }
    for (int64_t o = 0; o < 2; ++o) {
      const int64_t at = (model * K + k) * 2 + o;
      std::memcpy(net.w_out[o], in.w_out + at * H, H * sizeof(float));
      net.b_out[o] = in.b_out[at];
    }
  }
}

// One network's bottlenecks at one trial: x = multiplier u + sigma eps, u = latents and what is
// seen. eps: INPUTS of the network's inputs, then the latent's own; 0 without noise.
struct Bottlenecks {
  Vec x[INPUTS][BLOCKS], eps[2 * PAIRS][BLOCKS];

  INLINE void pass(const Inputs& in, const Tile& tile, int64_t t, int64_t k,
                   const Vec u[INPUTS][BLOCKS]) {
    const float* multiplier = in.multiplier + (tile.model * LATENTS + k) * INPUTS;
    for (int i = 0; i < INPUTS; ++i)
      for (int b = 0; b < BLOCKS; ++b) x[i][b] = multiplier[i] * u[i][b];
    if (!in.sigma) return;
    const uint32_t* address = in.address + ADDRESS * tile.model;
    const uint32_t place = uint32_t((t * LATENTS + k) * PAIRS);
    // Noise is drawn in the machine's longest vectors, also where a layer's own are shorter.
    constexpr int WIDE = SESSIONS % MAX_LANES == 0 ? MAX_LANES : N_LANES;
    using Drawn = Deviates<WIDE>;
    for (int from = 0; from < SESSIONS; from += WIDE) {
      typename Drawn::Word session = {};
      for (int s = 0; s < WIDE; ++s) session[s] = address[2] + address[3] * uint32_t(tile.first + from + s);
#pragma GCC unroll 4
      for (int p = 0; p < PAIRS; ++p) {
        typename Drawn::Vec first, second;
        Drawn::pair(address, session, typename Drawn::Word{} + (place + p), &first, &second);
        std::memcpy((float*)eps[2 * p] + from, &first, sizeof first);
        std::memcpy((float*)eps[2 * p + 1] + from, &second, sizeof second);
      }
    }
    const float* sigma = in.sigma + (tile.model * LATENTS + k) * INPUTS;
    for (int i = 0; i < INPUTS; ++i)
      for (int b = 0; b < BLOCKS; ++b) x[i][b] += sigma[i] * eps[i][b];
  }
};

// What is seen on a trial, after the latents in u.
INLINE void see(const Shape& shape, const Inputs& in, const Tile& tile, int64_t t,
                Vec u[INPUTS][BLOCKS]) {
  for (int64_t e = 0; e < OUTSIDE; ++e)
    tile.get(in.seen, shape.size(OUTSIDE), tile.offset(t, OUTSIDE, e), u[LATENTS + e]);
}

struct ForwardWork {
  Vec u[INPUTS][BLOCKS], next[LATENTS][BLOCKS];
  Bottlenecks bottlenecks;
  Activity activity;
};

static void forward_tile(const Shape& shape, const Inputs& in, float* before, float* mean,
                         const Network* nets, int64_t index) {
  constexpr int64_t K = LATENTS;
  const Tile tile(shape, index, in.valid);
  Aligned<ForwardWork> memory(1);
  ForwardWork& work = *memory.data;
  Vec(*z)[BLOCKS] = work.u;
  for (int64_t k = 0; k < K; ++k)
    tile.get(in.z_initial, shape.models * K * shape.sessions,
             (tile.model * K + k) * shape.sessions + tile.first, z[k]);
  for (int64_t t = 0; t < shape.trials; ++t) {
    for (int64_t k = 0; k < K; ++k) tile.put(before + tile.offset(t, K, k), z[k]);
    if (t >= tile.n_moved || !tile.any_valid(in.valid, t)) {
      for (int64_t k = 0; k < K; ++k) tile.put(mean + tile.offset(t, K, k), z[k]);
      continue;
    }
    Int moves[BLOCKS];
    tile.masks(in.valid, t, moves);
    see(shape, in, tile, t, work.u);
    for (int64_t k = 0; k < K; ++k) {
      Vec out[2][BLOCKS], m[BLOCKS];
      work.bottlenecks.pass(in, tile, t, k, work.u);
      forward<false>(nets[tile.model * K + k], (const float*)work.bottlenecks.x, work.activity, out);
      const float sigma = in.sigma ? in.latent_sigma[tile.model * K + k] : 0.0f;
      for (int b = 0; b < BLOCKS; ++b) {
        const Vec target = BOUND * tanh(out[1][b] * (1.0f / BOUND));
        m[b] = z[k][b] + sigmoid(out[0][b]) * (target - z[k][b]);
        const Vec after = m[b] + sigma * work.bottlenecks.eps[INPUTS][b];
        work.next[k][b] = moves[b] ? after : z[k][b];
        m[b] = moves[b] ? m[b] : z[k][b];
      }
      tile.put(mean + tile.offset(t, K, k), m);
    }
    std::memcpy(z, work.next, sizeof work.next);
  }
}

struct BackwardWork {
  Vec u[INPUTS][BLOCKS], du[INPUTS][BLOCKS], dx[INPUTS][BLOCKS], dz[LATENTS][BLOCKS];
  Vec delta[SESSIONS][ROW];
  Bottlenecks bottlenecks;
  Activity activity;
};

struct Gradients {
  float *seen, *z_initial;
};

static void backward_tile(const Shape& shape, const Inputs& in, const float* before,
                          const float* d_before, const float* d_mean, const Gradients& out,
                          const Network* nets, NetworkGradient* partial, int64_t index) {
  constexpr int64_t K = LATENTS;
  const Tile tile(shape, index, in.valid);
  const int64_t size = shape.size(K);
  Aligned<BackwardWork> memory(1);
  BackwardWork& work = *memory.data;
  const Vec nothing[BLOCKS] = {};
  for (int64_t t = shape.trials - 1; t >= 0; --t) {
    if (t >= tile.n_moved || !tile.any_valid(in.valid, t)) {
      for (int64_t k = 0; k < K; ++k) {
        const int64_t at = tile.offset(t, K, k);
        Vec g_before[BLOCKS], g_mean[BLOCKS];
        tile.get_own(d_before, size, at, g_before);
        tile.get_own(d_mean, size, at, g_mean);
        for (int b = 0; b < BLOCKS; ++b) work.dz[k][b] += g_before[b] + g_mean[b];
      }
      for (int64_t e = 0; e < OUTSIDE; ++e)
        tile.put(out.seen + tile.offset(t, OUTSIDE, e), nothing);
      continue;
    }
    Int moves[BLOCKS];
    tile.masks(in.valid, t, moves);
    for (int64_t k = 0; k < K; ++k) tile.get(before, size, tile.offset(t, K, k), work.u[k]);
    see(shape, in, tile, t, work.u);
    for (int i = 0; i < INPUTS; ++i) tile.clear_beyond(work.u[i]);
    std::memset(work.du, 0, sizeof work.du);
    for (int64_t k = 0; k < K; ++k) {
      const int64_t net = tile.model * K + k, at = tile.offset(t, K, k);
      NetworkGradient& gradient = partial[index * K + k];
      Vec o[2][BLOCKS], d_out[2][BLOCKS], g_before[BLOCKS], g_mean[BLOCKS];
      const float* x = (const float*)work.bottlenecks.x;
      work.bottlenecks.pass(in, tile, t, k, work.u);
      forward<true>(nets[net], x, work.activity, o);
      tile.get_own(d_before, size, at, g_before);
      tile.get_own(d_mean, size, at, g_mean);
      for (int b = 0; b < BLOCKS; ++b) {
        const Vec gate = sigmoid(o[0][b]), y = tanh(o[1][b] * (1.0f / BOUND));
        const Vec z = work.u[k][b], dz = work.dz[k][b], dm = dz + g_mean[b];
        d_out[0][b] = moves[b] ? dm * (BOUND * y - z) * gate * (1.0f - gate) : Vec{};
        d_out[1][b] = moves[b] ? dm * gate * (1.0f - y * y) : Vec{};
        gradient.latent_sigma += moves[b] ? dz * work.bottlenecks.eps[INPUTS][b] : Vec{};
        work.dz[k][b] = g_before[b] + (moves[b] ? dm * (1.0f - gate) : dm);
      }
      backward(nets[net], x, work.activity, d_out, gradient, work.delta, work.dx);
      for (int i = 0; i < INPUTS; ++i)
        for (int b = 0; b < BLOCKS; ++b) {
          gradient.multiplier[i] += work.dx[i][b] * work.u[i][b];
          gradient.sigma[i] += work.dx[i][b] * work.bottlenecks.eps[i][b];
          work.du[i][b] += in.multiplier[net * INPUTS + i] * work.dx[i][b];
        }
    }
    for (int k = 0; k < K; ++k)
      for (int b = 0; b < BLOCKS; ++b) work.dz[k][b] += work.du[k][b];
    for (int64_t e = 0; e < OUTSIDE; ++e)
      tile.put(out.seen + tile.offset(t, OUTSIDE, e), work.du[K + e]);
  }
  for (int64_t k = 0; k < K; ++k)
    tile.put(out.z_initial + (tile.model * K + k) * shape.sessions + tile.first, work.dz[k]);
}

static float total(Vec x) {
  float sum = 0.0f;
  for (int s = 0; s < N_LANES; ++s) sum += x[s];
  return sum;
}

// Where the gradients of weights and bottlenecks go; sigma: null without noise.
struct Unpacked {
  float *w_in, *b_in, *w_hidden, *b_hidden, *w_out, *b_out, *multiplier, *sigma, *latent_sigma;
};

// The tiles' gradients of one model, summed in their order, in JAX's layout.
static void unpack(const Shape& shape, int64_t model, const NetworkGradient* partial,
                   const Unpacked& out) {
  constexpr int64_t K = LATENTS, H = UNITS, L = LAYERS;
  constexpr int64_t n_floats = sizeof(NetworkGradient) / sizeof(float);
  Aligned<NetworkGradient> memory(1);
  NetworkGradient& sum = *memory.data;
  for (int64_t k = 0; k < K; ++k) {
    std::memset(static_cast<void*>(&sum), 0, sizeof sum);
    for (int64_t i = 0; i < shape.tiles; ++i) {
      const float* part = (const float*)&partial[(model * shape.tiles + i) * K + k];
      for (int64_t n = 0; n < n_floats; ++n) ((float*)&sum)[n] += part[n];
    }
    const int64_t net = model * K + k;
    std::memcpy(out.b_in + net * H, sum.b_in, H * sizeof(float));
    for (int64_t i = 0; i < INPUTS; ++i) {
      for (int64_t h = 0; h < H; ++h)
        out.w_in[(net * H + h) * INPUTS + i] = ((const float*)sum.w_in[i])[h];
      out.multiplier[net * INPUTS + i] = total(sum.multiplier[i]);
      if (out.sigma) out.sigma[net * INPUTS + i] = total(sum.sigma[i]);
    }
    if (out.sigma) out.latent_sigma[net] = total(sum.latent_sigma);
    for (int64_t l = 0; l < L; ++l) {
      const int64_t at = (model * L + l) * K + k;
      std::memcpy(out.b_hidden + at * H, sum.b[l], H * sizeof(float));
      for (int64_t h = 0; h < H; ++h)
        std::memcpy(out.w_hidden + (at * H + h) * H, sum.w[l][h], H * sizeof(float));
    }
    for (int64_t o = 0; o < 2; ++o) {
      std::memcpy(out.w_out + (net * 2 + o) * H, sum.w_out[o], H * sizeof(float));
      out.b_out[net * 2 + o] = total(sum.b_out[o]);
    }
  }
}

constexpr int N_INPUTS = 10, N_NOISE = 3;  // arguments of both calls: always; with noise

struct Call {
  XLA_FFI_CallFrame* frame;
  bool noisy;  // by the number of arguments

  // `more`: arguments after the inputs.
  Call(XLA_FFI_CallFrame* frame, int more)
      : frame(frame), noisy(frame->args.size == N_INPUTS + N_NOISE + more) {}

  const XLA_FFI_Buffer& in(int i) const {
    return *static_cast<XLA_FFI_Buffer*>(frame->args.args[i]);
  }
  template <class T> T* data(int i) const { return static_cast<T*>(in(i).data); }
  float* more(int i) const { return data<float>(N_INPUTS + (noisy ? N_NOISE : 0) + i); }
  float* result(int i) const {
    return static_cast<float*>(static_cast<XLA_FFI_Buffer*>(frame->rets.rets[i])->data);
  }
  Inputs inputs() const {
    return {data<float>(0), data<float>(1), data<float>(2), data<float>(3), data<float>(4),
            data<float>(5), data<float>(6), data<float>(7), data<bool>(8), data<float>(9),
            noisy ? data<float>(10) : nullptr, noisy ? data<float>(11) : nullptr,
            noisy ? data<uint32_t>(12) : nullptr};
  }
  // From w_in [..., K, H, I], w_hidden [..., L, K, H, H] and seen [..., T, I - K, S].
  bool shape(Shape* shape, int n_more, int n_results) const {
    const int64_t expected = N_INPUTS + (noisy ? N_NOISE : 0) + n_more;
    if (frame->args.size != expected || frame->rets.size != n_results) return false;
    const auto &w = in(0), &hidden = in(2), &seen = in(7);
    if (w.rank < 3 || hidden.rank < 4 || seen.rank < 3) return false;
    const int64_t *a = w.dims + w.rank - 3, *b = hidden.dims + hidden.rank - 4,
                  *c = seen.dims + seen.rank - 3;
    shape->models = 1;
    for (int64_t i = 0; i < seen.rank - 3; ++i) shape->models *= seen.dims[i];
    shape->trials = c[0];
    shape->sessions = c[2];
    shape->tiles = (c[2] + TILE - 1) / TILE;
    return a[0] == LATENTS && a[1] == UNITS && a[2] == INPUTS && b[0] == LAYERS &&
           c[1] == OUTSIDE && c[2] >= TILE;
  }
};

// Inputs: w_in, b_in, w_hidden, b_hidden, w_out, b_out, multiplier, seen, valid, z_initial, and with
// noise sigma, latent_sigma, address.

// (inputs) -> (before, mean)
extern "C" XLA_FFI_Error* accumbens_loop_forward(XLA_FFI_CallFrame* frame) {
  if (only_asks_version(frame)) return nullptr;
  const Call call(frame, 0);
  Shape shape;
  if (!call.shape(&shape, 0, 2)) return fail(frame, "the loop was compiled for other shapes");
  const Inputs in = call.inputs();
  Aligned<Network> nets(shape.models * LATENTS);
  if (!nets.data) return fail(frame, "out of memory");
  for (int64_t m = 0; m < shape.models; ++m) pack(in, m, nets.data + m * LATENTS);
  const auto order = taking_order(shape, in.valid);
  in_parallel(frame, shape.models * shape.tiles, [&](int64_t i) {
    forward_tile(shape, in, call.result(0), call.result(1), nets.data, order[i]);
  });
  return nullptr;
}

// (inputs, before, and the gradients of before and mean) -> gradients of (w_in, b_in, w_hidden,
// b_hidden, w_out, b_out, multiplier, seen, z_initial, and with noise sigma and latent_sigma)
extern "C" XLA_FFI_Error* accumbens_loop_backward(XLA_FFI_CallFrame* frame) {
  if (only_asks_version(frame)) return nullptr;
  const Call call(frame, 3);
  Shape shape;
  if (!call.shape(&shape, 3, call.noisy ? 11 : 9))
    return fail(frame, "the loop was compiled for other shapes");
  const Inputs in = call.inputs();
  const Gradients out{call.result(7), call.result(8)};
  Aligned<Network> nets(shape.models * LATENTS);
  Aligned<NetworkGradient> partial(shape.models * shape.tiles * LATENTS);
  if (!nets.data || !partial.data) return fail(frame, "out of memory");
  for (int64_t m = 0; m < shape.models; ++m) pack(in, m, nets.data + m * LATENTS);
  const auto order = taking_order(shape, in.valid);
  in_parallel(frame, shape.models * shape.tiles, [&](int64_t i) {
    backward_tile(shape, in, call.more(0), call.more(1), call.more(2), out, nets.data, partial.data,
                  order[i]);
  });
  const Unpacked made{call.result(0), call.result(1), call.result(2), call.result(3),
                      call.result(4), call.result(5), call.result(6),
                      call.noisy ? call.result(9) : nullptr, call.noisy ? call.result(10) : nullptr};
  in_parallel(frame, shape.models, [&](int64_t m) { unpack(shape, m, partial.data, made); });
  return nullptr;
}
