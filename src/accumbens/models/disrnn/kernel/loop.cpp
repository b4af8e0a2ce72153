// The disRNN's time loop and its gradient, as two XLA custom calls.
//
// Compiled for LATENTS, UNITS, LAYERS, ACTIVATION and TILE sessions at a time. Work is shared as
// tiles of sessions (of every model, when arrays have a leading axis); a tile runs through all its
// trials on one thread, and weight gradients are summed over tiles in their order, so results do
// not depend on the number of threads. The gradient recomputes each trial's network from the
// stored latents. Layout of all arrays: row-major, sessions last.
#include <cstdlib>

#include "network.h"
#include "tile.h"
#include "xla.h"

constexpr float BOUND = 2.0f;  // core.LATENT_BOUND

// The inputs that both passes share, all models one after another.
struct Inputs {
  const float *w_latent, *w_hidden, *b_hidden, *w_out, *b_out, *drive;
  const bool* valid;
};

template <class T> struct Aligned {
  T* data;
  explicit Aligned(int64_t n) {
    const size_t bytes = (sizeof(T) * size_t(n ? n : 1) + 63) / 64 * 64;
    data = static_cast<T*>(std::aligned_alloc(64, bytes));
    if (data) std::memset(static_cast<void*>(data), 0, bytes);
  }
  ~Aligned() { std::free(data); }
  Aligned(const Aligned&) = delete;
};

static void pack(const Inputs& in, int64_t model, Network* nets) {
  constexpr int64_t K = LATENTS, H = UNITS, L = LAYERS;
  for (int64_t k = 0; k < K; ++k) {
    Network& net = nets[k];
    const float* w = in.w_latent + (model * K + k) * H * K;
    for (int64_t h = 0; h < H; ++h)
      for (int64_t j = 0; j < K; ++j) {
        ((float*)net.w_latent[j])[h] = w[h * K + j];
        ((float*)net.w_latent_back[h])[j] = w[h * K + j];
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

struct ForwardWork {
  Vec z[LATENTS][BLOCKS], next[LATENTS][BLOCKS];
  Activity activity;
};

static void forward_tile(const Shape& shape, const Inputs& in, const float* jitter,
                         const float* z_initial, float* before, float* mean, const Network* nets,
                         int64_t index) {
  constexpr int64_t K = LATENTS, H = UNITS;
  const Tile tile(shape, index, in.valid);
  const int64_t size = shape.size(K), drive_size = shape.size(K * H);
  Aligned<ForwardWork> memory(1);
  ForwardWork& work = *memory.data;
  for (int64_t k = 0; k < K; ++k)
    tile.get(z_initial, shape.models * K * shape.sessions,
             (tile.model * K + k) * shape.sessions + tile.first, work.z[k]);
  for (int64_t t = 0; t < shape.trials; ++t) {
    for (int64_t k = 0; k < K; ++k) tile.put(before + tile.offset(t, K, k), work.z[k]);
    if (t >= tile.n_moved || !tile.any_valid(in.valid, t)) {
      for (int64_t k = 0; k < K; ++k) tile.put(mean + tile.offset(t, K, k), work.z[k]);
      continue;
    }
    Int moves[BLOCKS];
    tile.masks(in.valid, t, moves);
    for (int64_t k = 0; k < K; ++k) {
      tile.get_units(in.drive, drive_size, tile.offset(t, K * H, k * H), work.activity.h[0]);
      Vec out[2][BLOCKS], m[BLOCKS], noise[BLOCKS] = {};
      if (t + 1 < tile.n_moved)
        Tile::prefetch<0>(in.drive + tile.offset(t + 1, K * H, k * H), shape.sessions);
      forward<false>(nets[tile.model * K + k], (const float*)work.z, work.activity, out);
      if (jitter) tile.get(jitter, size, tile.offset(t, K, k), noise);
      for (int b = 0; b < BLOCKS; ++b) {
        const Vec z = work.z[k][b], target = BOUND * tanh(out[1][b] * (1.0f / BOUND));
        m[b] = z + sigmoid(out[0][b]) * (target - z);
        work.next[k][b] = moves[b] ? m[b] + noise[b] : z;
        m[b] = moves[b] ? m[b] : z;
      }
      tile.put(mean + tile.offset(t, K, k), m);
    }
    std::memcpy(work.z, work.next, sizeof work.z);
  }
}

struct BackwardWork {
  Vec z[LATENTS][BLOCKS], dz[LATENTS][BLOCKS];
  LatentVec dz_inside[TILE][LATENT_ROW];
  Vec delta[SESSIONS][ROW];
  Activity activity;
};

struct Gradients {
  float *drive, *jitter, *z_initial;
};

static void backward_tile(const Shape& shape, const Inputs& in, const float* before,
                          const float* d_before, const float* d_mean, const Gradients& out,
                          const Network* nets, NetworkGradient* partial, int64_t index) {
  constexpr int64_t K = LATENTS, H = UNITS;
  const Tile tile(shape, index, in.valid);
  const int64_t size = shape.size(K), drive_size = shape.size(K * H);
  Aligned<BackwardWork> memory(1);
  BackwardWork& work = *memory.data;
  NetworkGradient* gradients = partial + index * K;
  const Vec nothing[BLOCKS] = {};
  for (int64_t t = shape.trials - 1; t >= 0; --t) {
    if (t >= tile.n_moved || !tile.any_valid(in.valid, t)) {
      for (int64_t k = 0; k < K; ++k) {
        const int64_t at = tile.offset(t, K, k);
        Vec g_before[BLOCKS], g_mean[BLOCKS];
        tile.get_own(d_before, size, at, g_before);
        tile.get_own(d_mean, size, at, g_mean);
        for (int b = 0; b < BLOCKS; ++b) work.dz[k][b] += g_before[b] + g_mean[b];
        if (out.jitter) tile.put(out.jitter + at, nothing);
        for (int64_t h = 0; h < H; ++h)
          tile.put(out.drive + tile.offset(t, K * H, k * H + h), nothing);
      }
      continue;
    }
    Int moves[BLOCKS];
    tile.masks(in.valid, t, moves);
    for (int64_t k = 0; k < K; ++k) tile.get(before, size, tile.offset(t, K, k), work.z[k]);
    std::memset(work.dz_inside, 0, sizeof work.dz_inside);
    for (int64_t k = 0; k < K; ++k) {
      const Network& net = nets[tile.model * K + k];
      const int64_t at = tile.offset(t, K, k);
      tile.get_units(in.drive, drive_size, tile.offset(t, K * H, k * H), work.activity.h[0]);
      Vec o[2][BLOCKS], d_out[2][BLOCKS], d_jitter[BLOCKS];
      Vec g_before[BLOCKS], g_mean[BLOCKS];
      if (t > 0) {
        Tile::prefetch<0>(in.drive + tile.offset(t - 1, K * H, k * H), shape.sessions);
        Tile::prefetch<1>(out.drive + tile.offset(t - 1, K * H, k * H), shape.sessions);
      }
      forward<true>(net, (const float*)work.z, work.activity, o);
      tile.get_own(d_before, size, at, g_before);
      tile.get_own(d_mean, size, at, g_mean);
      for (int b = 0; b < BLOCKS; ++b) {
        const Vec gate = sigmoid(o[0][b]), y = tanh(o[1][b] * (1.0f / BOUND));
        const Vec z = work.z[k][b], dz = work.dz[k][b], dm = dz + g_mean[b];
        d_out[0][b] = moves[b] ? dm * (BOUND * y - z) * gate * (1.0f - gate) : Vec{};
        d_out[1][b] = moves[b] ? dm * gate * (1.0f - y * y) : Vec{};
        d_jitter[b] = moves[b] ? dz : Vec{};
        work.dz[k][b] = g_before[b] + (moves[b] ? dm * (1.0f - gate) : dm);
      }
      if (out.jitter) tile.put(out.jitter + at, d_jitter);
      backward(net, (const float*)work.z, work.activity, d_out, gradients[k], work.dz_inside,
               work.delta);
      tile.put_units(out.drive + tile.offset(t, K * H, k * H), work.delta);
    }
    for (int k = 0; k < K; ++k)
      for (int s = 0; s < TILE; ++s)
        ((float*)work.dz[k])[s] += ((const float*)work.dz_inside[s])[k];
  }
  for (int64_t k = 0; k < K; ++k)
    tile.put(out.z_initial + (tile.model * K + k) * shape.sessions + tile.first, work.dz[k]);
}

// The tiles' weight gradients of one model, summed in their order, in JAX's layout.
static void unpack(const Shape& shape, int64_t model, const NetworkGradient* partial,
                   float* w_latent, float* w_hidden, float* b_hidden, float* w_out, float* b_out) {
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
    for (int64_t h = 0; h < H; ++h)
      for (int64_t j = 0; j < K; ++j)
        w_latent[((model * K + k) * H + h) * K + j] = ((const float*)sum.w_latent[j])[h];
    for (int64_t l = 0; l < L; ++l) {
      const int64_t at = (model * L + l) * K + k;
      std::memcpy(b_hidden + at * H, sum.b[l], H * sizeof(float));
      for (int64_t h = 0; h < H; ++h)
        std::memcpy(w_hidden + (at * H + h) * H, sum.w[l][h], H * sizeof(float));
    }
    for (int64_t o = 0; o < 2; ++o) {
      const int64_t at = (model * K + k) * 2 + o;
      std::memcpy(w_out + at * H, sum.w_out[o], H * sizeof(float));
      b_out[at] = 0.0f;
      for (int s = 0; s < N_LANES; ++s) b_out[at] += sum.b_out[o][s];
    }
  }
}

struct Call {
  XLA_FFI_CallFrame* frame;
  const XLA_FFI_Buffer& in(int i) const {
    return *static_cast<XLA_FFI_Buffer*>(frame->args.args[i]);
  }
  template <class T> T* data(int i) const { return static_cast<T*>(in(i).data); }
  float* result(int i) const {
    return static_cast<float*>(static_cast<XLA_FFI_Buffer*>(frame->rets.rets[i])->data);
  }
  Inputs inputs() const {
    return {data<float>(0), data<float>(1), data<float>(2), data<float>(3),
            data<float>(4), data<float>(5), data<bool>(6)};
  }
  // From w_latent [..., K, H, K], w_hidden [..., L, K, H, H] and drive [..., T, K, H, S].
  bool shape(Shape* shape) const {
    const auto &w = in(0), &hidden = in(1), &drive = in(5);
    if (w.rank < 3 || hidden.rank < 4 || drive.rank < 4) return false;
    const int64_t *a = w.dims + w.rank - 3, *b = hidden.dims + hidden.rank - 4,
                  *c = drive.dims + drive.rank - 4;
    shape->models = 1;
    for (int64_t i = 0; i < drive.rank - 4; ++i) shape->models *= drive.dims[i];
    shape->trials = c[0];
    shape->sessions = c[3];
    shape->tiles = (c[3] + TILE - 1) / TILE;
    return a[0] == LATENTS && a[1] == UNITS && b[0] == LAYERS && c[1] == LATENTS &&
           c[2] == UNITS && c[3] >= TILE;
  }
};

// (w_latent, w_hidden, b_hidden, w_out, b_out, drive, valid, jitter or nothing, z_initial)
// -> (before, mean)
extern "C" XLA_FFI_Error* accumbens_loop_forward(XLA_FFI_CallFrame* frame) {
  if (only_asks_version(frame)) return nullptr;
  const Call call{frame};
  Shape shape;
  const bool has_jitter = frame->args.size == 9;
  if (frame->args.size < 8 || frame->rets.size != 2 || !call.shape(&shape))
    return fail(frame, "the loop was compiled for other shapes");
  const Inputs in = call.inputs();
  Aligned<Network> nets(shape.models * LATENTS);
  if (!nets.data) return fail(frame, "out of memory");
  for (int64_t m = 0; m < shape.models; ++m) pack(in, m, nets.data + m * LATENTS);
  const auto order = taking_order(shape, in.valid);
  in_parallel(frame, shape.models * shape.tiles, [&](int64_t i) {
    forward_tile(shape, in, has_jitter ? call.data<float>(7) : nullptr,
                 call.data<float>(has_jitter ? 8 : 7), call.result(0), call.result(1), nets.data,
                 order[i]);
  });
  return nullptr;
}

// (w_latent, w_hidden, b_hidden, w_out, b_out, drive, valid, before, and the gradients of before
// and mean) -> gradients of (w_latent, w_hidden, b_hidden, w_out, b_out, drive, z_initial, and
// jitter if there is any)
extern "C" XLA_FFI_Error* accumbens_loop_backward(XLA_FFI_CallFrame* frame) {
  if (only_asks_version(frame)) return nullptr;
  const Call call{frame};
  Shape shape;
  if (frame->args.size != 10 || frame->rets.size < 7 || !call.shape(&shape))
    return fail(frame, "the loop was compiled for other shapes");
  const Inputs in = call.inputs();
  const Gradients out{call.result(5), frame->rets.size == 8 ? call.result(7) : nullptr,
                      call.result(6)};
  Aligned<Network> nets(shape.models * LATENTS);
  Aligned<NetworkGradient> partial(shape.models * shape.tiles * LATENTS);
  if (!nets.data || !partial.data) return fail(frame, "out of memory");
  for (int64_t m = 0; m < shape.models; ++m) pack(in, m, nets.data + m * LATENTS);
  const auto order = taking_order(shape, in.valid);
  in_parallel(frame, shape.models * shape.tiles, [&](int64_t i) {
    backward_tile(shape, in, call.data<float>(7), call.data<float>(8), call.data<float>(9), out,
                  nets.data, partial.data, order[i]);
  });
  in_parallel(frame, shape.models, [&](int64_t m) {
    unpack(shape, m, partial.data, call.result(0), call.result(1), call.result(2), call.result(3),
           call.result(4));
  });
  return nullptr;
}
