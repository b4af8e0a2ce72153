// One latent's update network for one tile of TILE sessions: forward, and its gradient.
//
// Units lie along the lanes, so a layer is: for every input unit i, the row of its weights times
// that unit's value, broadcast, added to every session's accumulator. A weight gradient is the
// same with sessions and units exchanged: no transposes, no padding of sessions.
#pragma once

#include <cmath>

#include "activation.h"
#include "lanes.h"

constexpr int ROW = up(UNITS, N_LANES);            // vectors in a row of units
constexpr int PADDED = ROW * N_LANES;              // units, padded
constexpr int BLOCKS = up(TILE, N_LANES);          // vectors in a row of sessions
constexpr int SESSIONS = BLOCKS * N_LANES;         // sessions, padded
constexpr int DEPTH = LAYERS > 0 ? LAYERS : 1;     // no arrays of size 0

// One network's weights with units along the lanes, zero in the padding.
struct Network {
  Vec w_in[INPUTS][ROW], b_in[ROW];                    // from each input
  Vec w[DEPTH][UNITS][ROW], w_back[DEPTH][UNITS][ROW]; // from each input unit; to each output unit
  Vec b[DEPTH][ROW];
  Vec w_out[2][ROW];
  float b_out[2];
};

// Gradients of the same, and of the network's bottlenecks; w as w_back; from b_out on, sessions are
// still along the lanes.
struct NetworkGradient {
  Vec w_in[INPUTS][ROW], b_in[ROW];
  Vec w[DEPTH][UNITS][ROW];
  Vec b[DEPTH][ROW];
  Vec w_out[2][ROW];
  Vec b_out[2];
  Vec multiplier[INPUTS], sigma[INPUTS], latent_sigma;
};

// What the forward pass leaves for the backward pass: each layer's input, each activation's slope.
struct Activity {
  Vec h[DEPTH + 1][SESSIONS][ROW];
  Vec slope[DEPTH][SESSIONS][ROW];
};

// sum[s] += sum_i x[s][i] rows[i] for N sessions; x's rows lie `stride` floats apart.
template <int N, int TERMS, class V>
INLINE void add_products(V* sum, const float* x, int stride, const V* rows, int row_stride) {
#pragma GCC unroll 4
  for (int i = 0; i < TERMS; ++i) {
    const V row = rows[i * row_stride];
#pragma GCC unroll 32
    for (int s = 0; s < N; ++s) sum[s] += x[s * stride + i] * row;
  }
}

// gradient[i] += sum_s x(s, i) y[s] for TERMS rows i over all sessions of the tile, where x(s, i)
// lies at x[s * S + i * I].
template <int TERMS, int S, int I>
INLINE void add_outer(Vec* gradient, const float* x, const Vec* y) {
  in_pieces<TERMS>([&](auto from, auto n) {
    Vec sum[n.value];
#pragma GCC unroll 32
    for (int i = 0; i < n.value; ++i) sum[i] = gradient[(from.value + i) * ROW];
#pragma GCC unroll 1
    for (int s = 0; s < TILE; ++s) {
      const Vec row = y[s * ROW];
#pragma GCC unroll 32
      for (int i = 0; i < n.value; ++i) sum[i] += x[s * S + (from.value + i) * I] * row;
    }
#pragma GCC unroll 32
    for (int i = 0; i < n.value; ++i) gradient[(from.value + i) * ROW] = sum[i];
  });
}

// out[o][b] for both outputs, sessions along the lanes; x: what the bottlenecks let through,
// [input][SESSIONS]. KEEP: what the backward pass needs is left in `activity`.
template <bool KEEP>
INLINE void forward(const Network& net, const float* x, Activity& activity, Vec out[2][BLOCKS]) {
  const float scale = LAYERS > 0 ? 1.0f / std::sqrt(float(DEPTH)) : 1.0f;
  auto& first = activity.h[0];
  for (int v = 0; v < ROW; ++v)
    in_pieces<TILE>([&](auto from, auto n) {
      Vec sum[n.value];
#pragma GCC unroll 32
      for (int s = 0; s < n.value; ++s) sum[s] = net.b_in[v];
#pragma GCC unroll 1
      for (int i = 0; i < INPUTS; ++i) {
        const Vec row = net.w_in[i][v];
#pragma GCC unroll 32
        for (int s = 0; s < n.value; ++s) sum[s] += x[i * SESSIONS + from.value + s] * row;
      }
#pragma GCC unroll 32
      for (int s = 0; s < n.value; ++s) first[from.value + s][v] = sum[s];
    });
#pragma GCC unroll 1
  for (int l = 0; l < LAYERS; ++l) {
    const auto& before = activity.h[KEEP ? l : l & 1];
    auto& after = activity.h[KEEP ? l + 1 : (l + 1) & 1];
    for (int v = 0; v < ROW; ++v)
      in_pieces<TILE>([&](auto from, auto n) {
        Vec sum[n.value];
#pragma GCC unroll 32
        for (int s = 0; s < n.value; ++s) sum[s] = net.b[l][v];
        add_products<n.value, UNITS>(sum, (const float*)before[from.value], PADDED, &net.w[l][0][v],
                                     ROW);
#pragma GCC unroll 32
        for (int s = 0; s < n.value; ++s) {
          Vec slope;
          const Vec y = activate(sum[s], KEEP ? &slope : nullptr);
          after[from.value + s][v] = before[from.value + s][v] + scale * y;
          if (KEEP) activity.slope[l][from.value + s][v] = scale * slope;
        }
      });
  }
  const auto& last = activity.h[KEEP ? LAYERS : LAYERS & 1];
  for (int o = 0; o < 2; ++o)
    for (int b = 0; b < BLOCKS; ++b) {
      Vec rows[N_LANES];
#pragma GCC unroll 16
      for (int s = 0; s < N_LANES; ++s) {
        rows[s] = last[b * N_LANES + s][0] * net.w_out[o][0];
        for (int v = 1; v < ROW; ++v) rows[s] += last[b * N_LANES + s][v] * net.w_out[o][v];
      }
      out[o][b] = sums(rows) + net.b_out[o];
    }
}

// From the gradient of both outputs, [output][SESSIONS]: adds to `gradient`; leaves that of the
// inputs in `dx`, sessions along the lanes (undefined beyond the tile).
INLINE void backward(const Network& net, const float* x, const Activity& activity,
                     const Vec d_out[2][BLOCKS], NetworkGradient& gradient,
                     Vec delta[SESSIONS][ROW], Vec dx[INPUTS][BLOCKS]) {
  const float *d0 = (const float*)d_out[0], *d1 = (const float*)d_out[1];
  for (int v = 0; v < ROW; ++v) {
    Vec g0 = gradient.w_out[0][v], g1 = gradient.w_out[1][v];
#pragma GCC unroll 4
    for (int s = 0; s < TILE; ++s) {
      delta[s][v] = d0[s] * net.w_out[0][v] + d1[s] * net.w_out[1][v];
      g0 += d0[s] * activity.h[LAYERS][s][v];
      g1 += d1[s] * activity.h[LAYERS][s][v];
    }
    gradient.w_out[0][v] = g0;
    gradient.w_out[1][v] = g1;
  }
  for (int o = 0; o < 2; ++o)
    for (int b = 0; b < BLOCKS; ++b) gradient.b_out[o] += d_out[o][b];
  Vec inner[TILE][ROW];
#pragma GCC unroll 1
  for (int l = LAYERS - 1; l >= 0; --l) {
    for (int v = 0; v < ROW; ++v) {
      Vec sum[4] = {gradient.b[l][v]};
#pragma GCC unroll 16
      for (int s = 0; s < TILE; ++s) {
        inner[s][v] = delta[s][v] * activity.slope[l][s][v];
        sum[s % 4] += inner[s][v];
      }
      gradient.b[l][v] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    for (int v = 0; v < ROW; ++v) {
      add_outer<UNITS, PADDED, 1>(&gradient.w[l][0][v], (const float*)inner, &activity.h[l][0][v]);
      in_pieces<TILE>([&](auto from, auto n) {
        Vec sum[n.value];
#pragma GCC unroll 32
        for (int s = 0; s < n.value; ++s) sum[s] = delta[from.value + s][v];
        add_products<n.value, UNITS>(sum, (const float*)inner[from.value], PADDED,
                                     &net.w_back[l][0][v], ROW);
#pragma GCC unroll 32
        for (int s = 0; s < n.value; ++s) delta[from.value + s][v] = sum[s];
      });
    }
  }
  for (int v = 0; v < ROW; ++v) {
    add_outer<INPUTS, 1, SESSIONS>(&gradient.w_in[0][v], x, &delta[0][v]);
    Vec sum[4] = {gradient.b_in[v]};
#pragma GCC unroll 16
    for (int s = 0; s < TILE; ++s) sum[s % 4] += delta[s][v];
    gradient.b_in[v] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  }
  for (int b = 0; b < BLOCKS; ++b) {
    for (int i = 0; i < INPUTS; ++i) dx[i][b] = Vec{};
    for (int v = 0; v < ROW; ++v) {
      Vec units[N_LANES];
#pragma GCC unroll 16
      for (int s = 0; s < N_LANES; ++s) units[s] = delta[b * N_LANES + s][v];
      transpose(units);
      in_pieces<INPUTS>([&](auto from, auto n) {
        Vec sum[n.value];
#pragma GCC unroll 32
        for (int i = 0; i < n.value; ++i) sum[i] = dx[from.value + i][b];
#pragma GCC unroll 16
        for (int h = 0; h < N_LANES; ++h) {
          if (v * N_LANES + h >= UNITS) continue;
#pragma GCC unroll 32
          for (int i = 0; i < n.value; ++i)
            sum[i] += ((const float*)&net.w_in[from.value + i][v])[h] * units[h];
        }
#pragma GCC unroll 32
        for (int i = 0; i < n.value; ++i) dx[from.value + i][b] = sum[i];
      });
    }
  }
}
