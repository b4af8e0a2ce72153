// Many trial-history regressions of one sequence of choices, each with outcome types drawn anew (or
// with sessions weighted anew). The regressors are past choices, +1 or -1, split by outcome type, so
// each position is one of few symbols (a side and a type, or neither). X w is then a weight looked up
// for each lag, X' r a sum of short stretches of r for each symbol, and no design matrix is made.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lookup.h"

namespace {

constexpr int BLOCK = 64;  // positions that are handled together, along the vector lanes
constexpr int VECS = BLOCK / LANES;
constexpr int MAX_STEPS = 80;
constexpr double DECREMENT = 1e-6;  // twice the log likelihood left to gain, before the last step

uint64_t mixed(uint64_t z) {  // the finaliser of SplitMix64 (Steele, Lea & Flood 2014)
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}
constexpr uint64_t GOLDEN = 0x9E3779B97F4A7C15ull;

struct Problem {
  int64_t n;  // positions
  int types, lags, weights;
  std::vector<int32_t> symbol;  // [lags + n + BLOCK]: 0, or 1 + 2 type + (side 1), by position
  std::vector<int32_t> at;      // positions, those of one symbol after those of another
  std::vector<int64_t> begin;   // where those of each symbol begin in `at`, and where the last end
  std::vector<float> response, weight;
  double ridge;
  mutable std::vector<float> x;  // [type][lags + n + BLOCK]: signed choices followed by each type
  mutable std::vector<float> left;  // weight x (response - p), by position

  int symbols() const { return 1 + 2 * types; }
  int64_t row() const { return lags + n + BLOCK; }

  Problem(int64_t n, int types, int lags, double ridge)
      : n(n), types(types), lags(lags), weights(1 + types * lags), ridge(ridge) {
    symbol.assign(row(), 0);
    at.resize(n), begin.resize(symbols() + 1);
    response.assign(n + BLOCK, 0.0f), weight.assign(n + BLOCK, 0.0f);
    left.assign(n + BLOCK + lags + LANES, 0.0f);  // read as far as the lags of the last position
  }

  void sort_positions() {
    const int32_t* own = symbol.data() + lags;
    std::fill(begin.begin(), begin.end(), 0);
    for (int64_t t = 0; t < n; ++t) ++begin[own[t] + 1];
    for (int s = 0; s < symbols(); ++s) begin[s + 1] += begin[s];
    std::vector<int64_t> next(begin.begin(), begin.end());
    for (int64_t t = 0; t < n; ++t) at[next[own[t]]++] = t;
  }

  // For each lag the weight, signed by side, of each symbol: [lag][symbol, filled up to `width`].
  void tabulate(const std::vector<double>& beta, int width, std::vector<float>& tables) const {
    tables.assign((size_t)lags * width, 0.0f);
    for (int i = 0, k = 1; i < types; ++i)
      for (int lag = 0; lag < lags; ++lag, ++k) {
        tables[(size_t)lag * width + 1 + 2 * i] = -beta[k];
        tables[(size_t)lag * width + 2 + 2 * i] = beta[k];
      }
  }

  int table_width() const {
    return symbols() <= LANES ? LANES : symbols() <= 2 * LANES ? 2 * LANES : symbols();
  }

  template <class Table>
  void probabilities(float bias, const float* tables, int width, int64_t t, Vec* p) const {
    Vec e[VECS];
    for (int j = 0; j < VECS; ++j) e[j] = bias - Vec{};
    for (int lag = 1; lag <= lags; ++lag) {
      const Table table(tables + (size_t)(lag - 1) * width);
      const int32_t* from = symbol.data() + lags + t - lag;
      for (int j = 0; j < VECS; ++j) e[j] += table[load(from + j * LANES)];
    }
    for (int j = 0; j < VECS; ++j) p[j] = sigmoid(e[j]);
  }

  // `left`, and its sum.
  template <class Table> double residuals(float bias, const float* tables, int width) const {
    const int64_t span = 16 * BLOCK;  // summed in single precision, then added in double
    double total = 0;
    for (int64_t from = 0; from < n; from += span) {
      Vec sum = {};
      for (int64_t t = from; t < std::min(n, from + span); t += BLOCK) {
        Vec r[VECS];
        probabilities<Table>(bias, tables, width, t, r);
        for (int j = 0; j < VECS; ++j) {
          r[j] = load(&weight[t + j * LANES]) * (load(&response[t + j * LANES]) - r[j]);
          store(&left[t + j * LANES], r[j]);
          sum += r[j];
        }
      }
      for (int l = 0; l < LANES; ++l) total += sum[l];
    }
    return total;
  }

  // Gradient of the penalised log likelihood.
  void gradient(const std::vector<double>& beta, std::vector<double>& g) const {
    std::vector<float> tables;
    const int width = table_width();
    tabulate(beta, width, tables);
    g[0] = width == LANES ? residuals<OneRegister>(beta[0], tables.data(), width)
           : width == 2 * LANES ? residuals<TwoRegisters>(beta[0], tables.data(), width)
                                : residuals<InMemory>(beta[0], tables.data(), width);
    for (int k = 1; k < weights; ++k) g[k] = -ridge * beta[k];
    for (int s = 1; s < symbols(); ++s)
      for (int from = 0; from < lags; from += LANES) {
        const int upto = std::min(LANES, lags - from);
        double* to = &g[1 + (s - 1) / 2 * lags + from];
        following(s, 1 + from, s % 2 ? -1.0 : 1.0, upto, to);
      }
  }

  // Adds to to[k] the sum of left[t + lag + k] over the positions t of a symbol, times `sign`.
  void following(int s, int lag, double sign, int upto, double* to) const {
    const int64_t span = 256;  // as in `residuals`
    for (int64_t i = begin[s]; i < begin[s + 1]; i += span) {
      const int32_t *own = &at[i], *end = &at[0] + std::min(begin[s + 1], i + span);
      const float* r = left.data() + lag;
      Vec a = {}, b = {}, c = {}, d = {};
      for (; own + 4 <= end; own += 4) {
        a += load(r + own[0]), b += load(r + own[1]);
        c += load(r + own[2]), d += load(r + own[3]);
      }
      for (; own < end; ++own) a += load(r + *own);
      a = (a + b) + (c + d);
      for (int l = 0; l < upto; ++l) to[l] += sign * a[l];
    }
  }

  const float* followed(int type, int lag, int64_t t) const {
    return x.data() + type * row() + lags + t - lag;
  }

  void write_out() const {
    x.assign((size_t)types * row(), 0.0f);
    for (int64_t t = 0; t < n; ++t)
      if (const int32_t s = symbol[lags + t]; s)
        x[(s - 1) / 2 * row() + lags + t] = s % 2 ? -1.0f : 1.0f;
  }

  // Inverse Hessian of the penalised negative log likelihood; false if it has none.
  bool inverse_hessian(const std::vector<double>& beta, std::vector<double>& inverse) const {
    const int m = weights;
    std::vector<float> tables, lanes((size_t)m * m * LANES);
    std::vector<double> h((size_t)m * m, 0.0);
    tabulate(beta, symbols(), tables);
    write_out();
    std::vector<float> ones(BLOCK, 1.0f);
    const int64_t span = 64 * BLOCK;
    for (int64_t from = 0; from < n; from += span) {
      std::fill(lanes.begin(), lanes.end(), 0.0f);
      for (int64_t t = from; t < std::min(n, from + span); t += BLOCK) {
        Vec v[VECS], u[VECS];
        probabilities<InMemory>(beta[0], tables.data(), symbols(), t, v);
        for (int j = 0; j < VECS; ++j) v[j] = load(&weight[t + j * LANES]) * v[j] * (1.0f - v[j]);
        for (int a = 0; a < m; ++a) {
          const float* fa = column(a, t, ones.data());
          for (int j = 0; j < VECS; ++j) u[j] = v[j] * load(fa + j * LANES);
          for (int b = 0; b <= a; ++b) {
            const float* fb = column(b, t, ones.data());
            Vec sum = u[0] * load(fb);
            for (int j = 1; j < VECS; ++j) sum += u[j] * load(fb + j * LANES);
            add(&lanes[((size_t)a * m + b) * LANES], sum);
          }
        }
      }
      for (size_t i = 0; i < h.size(); ++i)
        for (int l = 0; l < LANES; ++l) h[i] += lanes[i * LANES + l];
    }
    for (int k = 1; k < m; ++k) h[(size_t)k * m + k] += ridge;
    return inverted(h, inverse, m);
  }

  const float* column(int k, int64_t t, const float* ones) const {
    return k ? followed((k - 1) / lags, 1 + (k - 1) % lags, t) : ones;
  }

  // The inverse of a positive definite matrix given by its lower triangle (Cholesky).
  static bool inverted(std::vector<double>& a, std::vector<double>& inverse, int m) {
    for (int i = 0; i < m; ++i)
      for (int j = 0; j <= i; ++j) {
        double s = a[(size_t)i * m + j];
        for (int k = 0; k < j; ++k) s -= a[(size_t)i * m + k] * a[(size_t)j * m + k];
        if (i == j) {
          if (!(s > 1e-12)) return false;
          a[(size_t)i * m + i] = std::sqrt(s);
        } else {
          a[(size_t)i * m + j] = s / a[(size_t)j * m + j];
        }
      }
    std::vector<double> column(m);
    for (int c = 0; c < m; ++c) {
      for (int i = 0; i < m; ++i) {
        double s = i == c;
        for (int k = 0; k < i; ++k) s -= a[(size_t)i * m + k] * column[k];
        column[i] = s / a[(size_t)i * m + i];
      }
      for (int i = m - 1; i >= 0; --i) {
        double s = column[i];
        for (int k = i + 1; k < m; ++k) s -= a[(size_t)k * m + i] * column[k];
        column[i] = s / a[(size_t)i * m + i];
      }
      for (int i = 0; i < m; ++i) inverse[(size_t)i * m + c] = column[i];
    }
    return true;
  }

  // Steps with a given inverse Hessian for as long as they converge fast, with a new one when not.
  int solve(std::vector<double>& beta, const double* inverse) const {
    const int m = weights;
    std::vector<double> g(m), step(m), own;
    double before = INFINITY;
    bool fresh = false;
    for (int count = 1; count <= MAX_STEPS; ++count) {
      gradient(beta, g);
      double decrement = product(inverse, g, step);
      if (decrement > DECREMENT && decrement > 0.1 * before) {
        if (own.empty()) own.resize((size_t)m * m);
        if (!inverse_hessian(beta, own)) return -count;
        inverse = own.data();
        fresh = true;
        decrement = product(inverse, g, step);
      }
      double largest = 0;
      for (int k = 0; k < m; ++k) largest = std::max(largest, std::fabs(step[k]));
      const double size = largest > 1.0 ? 1.0 / largest : 1.0;
      for (int k = 0; k < m; ++k) beta[k] += size * step[k];
      if (!(decrement > DECREMENT)) return count;
      before = fresh && size < 1.0 ? 0.0 : decrement;
      fresh = false;
    }
    return -MAX_STEPS;
  }

  double product(const double* inverse, const std::vector<double>& g,
                 std::vector<double>& step) const {
    double decrement = 0;
    for (int i = 0; i < weights; ++i) {
      double s = 0;
      for (int k = 0; k < weights; ++k) s += inverse[(size_t)i * weights + k] * g[k];
      step[i] = s;
      decrement += s * g[i];
    }
    return decrement;
  }
};

}  // namespace

extern "C" {

// For resamples first ... first + count - 1: position t's type is type_a with `probability`, else
// type_b; or drawn[i][t] of the i-th of them where `drawn` is not null. Its weight is scored[t] x
// session_weight[resample][session[t]] (null: 1). Writes `weights` numbers a resample, and how many
// steps they took (negative: not converged).
void accumbens_refit(int64_t n, int types, int lags, const float* sign, const uint8_t* type_a,
                     const uint8_t* type_b, const double* probability, const float* response,
                     const float* scored, const int32_t* session, const float* session_weight,
                     int sessions, const uint8_t* drawn, const double* start,
                     const double* inverse_hessian, double ridge, uint64_t seed, int64_t first,
                     int64_t count, float* out, int32_t* steps) {
  Problem p(n, types, lags, ridge);
  std::copy(response, response + n, p.response.begin());
  std::copy(scored, scored + n, p.weight.begin());
  const auto symbol = [&](int64_t t, int type) {
    return sign[t] == 0 ? 0 : 1 + 2 * type + (sign[t] > 0);
  };
  int32_t* own = p.symbol.data() + lags;
  // u < probability, in integers: u is a whole number of 2^-53, and so is what it is compared with.
  std::vector<int32_t> open, first_symbol, second_symbol;  // where both types can come
  std::vector<uint64_t> jump, limit;
  for (int64_t t = 0; t < n && !drawn; ++t) {
    const uint64_t below = probability[t] > 0 ? (uint64_t)std::ceil(probability[t] * 0x1p53) : 0;
    own[t] = symbol(t, below ? type_a[t] : type_b[t]);
    if (type_a[t] == type_b[t] || !below || below >= 1ull << 53 || sign[t] == 0) continue;
    open.push_back(t), limit.push_back(below), jump.push_back((uint64_t)(t + 1) * GOLDEN);
    first_symbol.push_back(own[t]), second_symbol.push_back(symbol(t, type_b[t]));
  }
  std::vector<int32_t> came(open.size());
  std::vector<double> beta(p.weights);
  p.sort_positions();
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t stream = mixed(seed + (uint64_t)(first + i + 1) * GOLDEN);
    if (drawn)
      for (int64_t t = 0; t < n; ++t) own[t] = symbol(t, drawn[i * n + t]);
    for (size_t k = 0; k < open.size(); ++k)
      came[k] = mixed(stream + jump[k]) >> 11 < limit[k] ? first_symbol[k] : second_symbol[k];
    for (size_t k = 0; k < open.size(); ++k) own[open[k]] = came[k];
    if (drawn || !open.empty()) p.sort_positions();
    if (session_weight)
      for (int64_t t = 0; t < n; ++t)
        p.weight[t] = scored[t] * session_weight[(first + i) * sessions + session[t]];
    std::copy(start, start + p.weights, beta.begin());
    steps[i] = p.solve(beta, inverse_hessian);
    std::copy(beta.begin(), beta.end(), out + i * p.weights);
  }
}
}
