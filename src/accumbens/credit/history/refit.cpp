// Many trial-history regressions of one sequence of choices, each with outcome types drawn anew (or
// with sessions weighted anew). The regressors are past choices, +1 or -1, split by outcome type, so
// X w is a sum of convolutions of `types` short sequences, and no design matrix is ever made.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

constexpr int BLOCK = 64;       // positions that are handled together, along the vector lanes
constexpr int MAX_STEPS = 80;
constexpr double DECREMENT = 1e-6;  // twice the log likelihood left to gain, before the last step

uint64_t mixed(uint64_t z) {  // the finaliser of SplitMix64 (Steele, Lea & Flood 2014)
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}
constexpr uint64_t GOLDEN = 0x9E3779B97F4A7C15ull;

constexpr int LANES = 8, VECS = BLOCK / LANES;
typedef float Vec __attribute__((vector_size(4 * LANES)));
typedef int32_t Int __attribute__((vector_size(4 * LANES)));
typedef float Loose __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

inline Vec load(const float* p) { return *reinterpret_cast<const Loose*>(p); }
inline void add(float* p, Vec x) { *reinterpret_cast<Loose*>(p) += x; }

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

struct Problem {
  int64_t n;  // positions
  int types, lags, weights;
  std::vector<float> x;  // [type][lags + n + BLOCK]: signed choices followed by each type
  std::vector<float> response, weight;
  double ridge;

  int64_t row() const { return lags + n + BLOCK; }
  const float* followed(int type, int lag, int64_t t) const {
    return x.data() + type * row() + lags + t - lag;
  }

  void probabilities(const float* w, int64_t t, Vec* p) const {
    Vec e[VECS];
    for (int j = 0; j < VECS; ++j) e[j] = w[0] - Vec{};
    for (int i = 0, k = 1; i < types; ++i)
      for (int lag = 1; lag <= lags; ++lag, ++k) {
        const float* f = followed(i, lag, t);
        for (int j = 0; j < VECS; ++j) e[j] += w[k] * load(f + j * LANES);
      }
    for (int j = 0; j < VECS; ++j) p[j] = sigmoid(e[j]);
  }

  // Gradient of the penalised log likelihood.
  void gradient(const std::vector<double>& beta, std::vector<double>& g) const {
    std::vector<float> w(beta.begin(), beta.end()), lanes((size_t)weights * LANES);
    for (int k = 0; k < weights; ++k) g[k] = k ? -ridge * beta[k] : 0.0;
    const int64_t span = 16 * BLOCK;  // summed in single precision, then added in double
    for (int64_t from = 0; from < n; from += span) {
      std::fill(lanes.begin(), lanes.end(), 0.0f);
      for (int64_t t = from; t < std::min(n, from + span); t += BLOCK) {
        Vec r[VECS];
        probabilities(w.data(), t, r);
        for (int j = 0; j < VECS; ++j) {
          r[j] = load(&weight[t + j * LANES]) * (load(&response[t + j * LANES]) - r[j]);
          add(lanes.data(), r[j]);
        }
        for (int i = 0, k = 1; i < types; ++i)
          for (int lag = 1; lag <= lags; ++lag, ++k) {
            const float* f = followed(i, lag, t);
            Vec sum = r[0] * load(f);
            for (int j = 1; j < VECS; ++j) sum += r[j] * load(f + j * LANES);
            add(&lanes[(size_t)k * LANES], sum);
          }
      }
      for (int k = 0; k < weights; ++k)
        for (int l = 0; l < LANES; ++l) g[k] += lanes[(size_t)k * LANES + l];
    }
  }

  // Inverse Hessian of the penalised negative log likelihood; false if it has none.
  bool inverse_hessian(const std::vector<double>& beta, std::vector<double>& inverse) const {
    const int m = weights;
    std::vector<float> w(beta.begin(), beta.end()), lanes((size_t)m * m * LANES);
    std::vector<double> h((size_t)m * m, 0.0);
    std::vector<float> ones(BLOCK, 1.0f);
    const int64_t span = 64 * BLOCK;
    for (int64_t from = 0; from < n; from += span) {
      std::fill(lanes.begin(), lanes.end(), 0.0f);
      for (int64_t t = from; t < std::min(n, from + span); t += BLOCK) {
        Vec v[VECS], u[VECS];
        probabilities(w.data(), t, v);
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
  Problem p;
  p.n = n, p.types = types, p.lags = lags, p.weights = 1 + types * lags, p.ridge = ridge;
  p.x.assign((size_t)types * p.row(), 0.0f);
  p.response.assign(n + BLOCK, 0.0f);
  p.weight.assign(n + BLOCK, 0.0f);
  std::copy(response, response + n, p.response.begin());
  std::copy(scored, scored + n, p.weight.begin());
  std::vector<double> beta(p.weights);
  // u < probability, in integers: u is a whole number of 2^-53, and so is what it is compared with.
  std::vector<uint64_t> bits(n), limit(n);
  for (int64_t t = 0; t < n; ++t)
    limit[t] = probability[t] > 0 ? (uint64_t)std::ceil(probability[t] * 0x1p53) : 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t stream = mixed(seed + (uint64_t)(first + i + 1) * GOLDEN);
    std::fill(p.x.begin(), p.x.end(), 0.0f);
    if (drawn) {
      for (int64_t t = 0; t < n; ++t) p.x[drawn[i * n + t] * p.row() + lags + t] = sign[t];
    } else {
      for (int64_t t = 0; t < n; ++t) bits[t] = mixed(stream + (uint64_t)(t + 1) * GOLDEN) >> 11;
      for (int64_t t = 0; t < n; ++t) {
        const int type = bits[t] < limit[t] ? type_a[t] : type_b[t];
        p.x[type * p.row() + lags + t] = sign[t];
      }
    }
    if (session_weight)
      for (int64_t t = 0; t < n; ++t)
        p.weight[t] = scored[t] * session_weight[(first + i) * sessions + session[t]];
    std::copy(start, start + p.weights, beta.begin());
    steps[i] = p.solve(beta, inverse_hessian);
    std::copy(beta.begin(), beta.end(), out + i * p.weights);
  }
}
}
