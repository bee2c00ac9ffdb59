#include "engine/base/distribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>  // exact: sqrt, isfinite

#include "engine/base/assert.h"
#include "engine/base/detmath.h"

namespace dvt {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr double kInvSqrtTwoPi = 0x1.9884533d43651p-2;  // 1 / sqrt(2 pi)

void check_range(Duration duration) {
  DVT_ASSERT(duration.ns >= 0 && duration <= Distribution::kMax,
             "a distribution's parameter is outside 0 to ten years");
}

Duration cut(double ns) {
  return {std::clamp<std::int64_t>(detmath::round_to_int64(ns), 0, Distribution::kMax.ns)};
}

// Uniform in 0 … count - 1, from one word; off by at most 2^-64 * count.
std::uint64_t below(std::uint64_t count, BitSource& bits) {
  return static_cast<std::uint64_t>((Uint128{bits.next()} * count) >> 64);
}

double standard_normal(BitSource& bits) {
  return detmath::inverse_normal_cdf(bits.uniform());
}

// Marsaglia and Tsang (2000) for a shape of at least 1, given as d = shape - 1/3 and c = 1 / sqrt(9 d).
double gamma_from(double d, double c, BitSource& bits) {
  for (;;) {
    const double z = standard_normal(bits);
    const double root = 1.0 + c * z;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = bits.uniform();
    if (detmath::log(u) < 0.5 * z * z + d * (1.0 - v + detmath::log(v))) return d * v;
  }
}

// Smallest whole number of nanoseconds at which `share` (never falling) reaches q.
template <class Share>
std::int64_t invert(Share share, double q) {
  std::int64_t low = 0;
  std::int64_t high = Distribution::kMax.ns;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (share(static_cast<double>(middle)) >= q) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// "s" for 1s and so on: a unit reads better without its one.
std::string unit_name(Duration unit) {
  const std::string text = format_duration(unit);
  const bool is_one = text.size() > 1 && text[0] == '1' && text.find_first_of("0123456789", 1) == std::string::npos;
  return is_one ? text.substr(1) : text;
}

}  // namespace

// ---- Factories

Distribution Distribution::constant(Duration value) {
  check_range(value);
  return Distribution(Constant{value.ns});
}

Distribution Distribution::uniform(Duration min, Duration max) {
  check_range(min);
  check_range(max);
  DVT_ASSERT(min <= max, "a uniform distribution's min is above its max");
  return Distribution(Uniform{min.ns, max.ns});
}

Distribution Distribution::exponential(Duration mean) {
  check_range(mean);
  return Distribution(Exponential{static_cast<double>(mean.ns)});
}

Distribution Distribution::normal(Duration mean, Duration sd) {
  check_range(mean);
  check_range(sd);
  return Distribution(Normal{static_cast<double>(mean.ns), static_cast<double>(sd.ns)});
}

Distribution Distribution::lognormal(Duration p50, Duration p99) {
  check_range(p99);
  DVT_ASSERT(p50.ns > 0 && p50 <= p99, "a lognormal needs 0 < p50 <= p99");
  const double median = static_cast<double>(p50.ns);
  const double sigma = detmath::log(static_cast<double>(p99.ns) / median) / detmath::inverse_normal_cdf(0.99);
  return Distribution(Lognormal{median, sigma, 0.0, p99.ns, 0});
}

Distribution Distribution::lognormal(double mu, double sigma, Duration unit) {
  check_range(unit);
  DVT_ASSERT(unit.ns > 0 && std::isfinite(mu) && std::isfinite(sigma) && sigma >= 0, "bad lognormal parameters");
  return Distribution(Lognormal{detmath::exp(mu) * static_cast<double>(unit.ns), sigma, mu, 0, unit.ns});
}

Distribution Distribution::gamma(Duration mean, double cv) {
  check_range(mean);
  DVT_ASSERT(mean.ns > 0 && cv >= kMinGammaCv && cv <= kMaxGammaCv, "bad gamma parameters");
  const double shape = 1.0 / (cv * cv);
  const double raised = shape < 1.0 ? shape + 1.0 : shape;
  const double d = raised - 1.0 / 3.0;
  const double mean_ns = static_cast<double>(mean.ns);
  return Distribution(Gamma{mean_ns, cv, shape, mean_ns / shape, d, 1.0 / std::sqrt(9.0 * d)});
}

Distribution Distribution::bimodal(Distribution fast, Distribution slow, double slow_share) {
  DVT_ASSERT(slow_share >= 0 && slow_share <= 1, "a share is from 0 to 1");
  return Distribution(Bimodal{std::make_shared<const Distribution>(std::move(fast)),
                              std::make_shared<const Distribution>(std::move(slow)), slow_share});
}

Distribution Distribution::empirical(std::vector<Duration> values) {
  DVT_ASSERT(!values.empty(), "an empirical distribution needs values");
  std::vector<std::int64_t> ns;
  ns.reserve(values.size());
  for (Duration value : values) {
    check_range(value);
    ns.push_back(value.ns);
  }
  return Distribution(Empirical{std::make_shared<const std::vector<std::int64_t>>(std::move(ns))});
}

// ---- Drawing

Duration Distribution::sample(BitSource& bits) const {
  struct Draw {
    BitSource& bits;
    Duration operator()(const Constant& d) const { return {d.ns}; }
    Duration operator()(const Uniform& d) const {
      const auto count = static_cast<std::uint64_t>(d.max_ns - d.min_ns) + 1;
      return {d.min_ns + static_cast<std::int64_t>(below(count, bits))};
    }
    Duration operator()(const Exponential& d) const { return cut(-d.mean_ns * detmath::log(bits.uniform())); }
    Duration operator()(const Normal& d) const { return cut(d.mean_ns + d.sd_ns * standard_normal(bits)); }
    Duration operator()(const Lognormal& d) const {
      return cut(d.median_ns * detmath::exp(d.sigma * standard_normal(bits)));
    }
    Duration operator()(const Gamma& d) const {
      const double raised = gamma_from(d.d, d.c, bits);
      if (d.shape >= 1.0) return cut(raised * d.scale_ns);
      return cut(raised * d.scale_ns * detmath::exp(detmath::log(bits.uniform()) / d.shape));
    }
    Duration operator()(const Bimodal& d) const {
      const bool slow = bits.uniform() < d.slow_share;
      return (slow ? d.slow : d.fast)->sample(bits);
    }
    Duration operator()(const Empirical& d) const { return {(*d.values_ns)[below(d.values_ns->size(), bits)]}; }
  };
  return std::visit(Draw{bits}, kind_);
}

// ---- Properties

double Distribution::mean_ns() const {
  struct Mean {
    double operator()(const Constant& d) const { return static_cast<double>(d.ns); }
    double operator()(const Uniform& d) const {
      return static_cast<double>(d.min_ns) + 0.5 * static_cast<double>(d.max_ns - d.min_ns);
    }
    double operator()(const Exponential& d) const { return d.mean_ns; }
    // Of max(0, N(m, s)).
    double operator()(const Normal& d) const {
      if (d.sd_ns == 0) return d.mean_ns;
      const double x = d.mean_ns / d.sd_ns;
      return d.mean_ns * detmath::normal_cdf(x) + d.sd_ns * kInvSqrtTwoPi * detmath::exp(-0.5 * x * x);
    }
    double operator()(const Lognormal& d) const { return d.median_ns * detmath::exp(0.5 * d.sigma * d.sigma); }
    double operator()(const Gamma& d) const { return d.mean_ns; }
    double operator()(const Bimodal& d) const {
      const double fast = d.fast->mean_ns();
      const double slow = d.slow->mean_ns();
      return fast + d.slow_share * (slow - fast);
    }
    double operator()(const Empirical& d) const {
      Uint128 sum = 0;
      for (std::int64_t ns : *d.values_ns) sum += static_cast<std::uint64_t>(ns);
      const Uint128 n = d.values_ns->size();
      return static_cast<double>(static_cast<std::uint64_t>((sum + n / 2) / n));
    }
  };
  return std::visit(Mean{}, kind_);
}

Duration Distribution::mean() const {
  return cut(mean_ns());
}

double Distribution::share_below(double ns) const {
  // A continuous draw within half a nanosecond above rounds down to `ns`.
  struct Share {
    double ns;
    double operator()(const Constant& d) const { return static_cast<double>(d.ns) <= ns ? 1.0 : 0.0; }
    double operator()(const Uniform& d) const {
      const double first = static_cast<double>(d.min_ns);
      const double count = static_cast<double>(d.max_ns - d.min_ns) + 1.0;
      return std::clamp((ns - first + 1.0) / count, 0.0, 1.0);
    }
    double operator()(const Exponential& d) const {
      return d.mean_ns == 0 ? 1.0 : 1.0 - detmath::exp(-(ns + 0.5) / d.mean_ns);
    }
    double operator()(const Normal& d) const {
      if (d.sd_ns == 0) return d.mean_ns <= ns ? 1.0 : 0.0;
      return detmath::normal_cdf((ns + 0.5 - d.mean_ns) / d.sd_ns);
    }
    double operator()(const Lognormal& d) const {
      if (d.sigma == 0) return d.median_ns <= ns + 0.5 ? 1.0 : 0.0;
      return detmath::normal_cdf(detmath::log((ns + 0.5) / d.median_ns) / d.sigma);
    }
    double operator()(const Gamma& d) const { return detmath::gamma_cdf(d.shape, (ns + 0.5) / d.scale_ns); }
    double operator()(const Bimodal& d) const {
      const double fast = d.fast->share_below(ns);
      const double slow = d.slow->share_below(ns);
      return fast + d.slow_share * (slow - fast);
    }
    double operator()(const Empirical& d) const {
      const auto count = std::count_if(d.values_ns->begin(), d.values_ns->end(),
                                       [this](std::int64_t value) { return static_cast<double>(value) <= ns; });
      return static_cast<double>(count) / static_cast<double>(d.values_ns->size());
    }
  };
  return std::visit(Share{ns}, kind_);
}

Duration Distribution::quantile(double q) const {
  DVT_ASSERT(q > 0 && q < 1, "a quantile lies between 0 and 1");
  if (const auto* d = std::get_if<Constant>(&kind_)) return {d->ns};
  if (const auto* d = std::get_if<Exponential>(&kind_)) return cut(-d->mean_ns * detmath::log(1.0 - q));
  if (const auto* d = std::get_if<Normal>(&kind_)) return cut(d->mean_ns + d->sd_ns * detmath::inverse_normal_cdf(q));
  if (const auto* d = std::get_if<Lognormal>(&kind_)) {
    return cut(d->median_ns * detmath::exp(d->sigma * detmath::inverse_normal_cdf(q)));
  }
  if (const auto* d = std::get_if<Empirical>(&kind_)) {
    std::vector<std::int64_t> sorted = *d->values_ns;
    std::sort(sorted.begin(), sorted.end());
    const std::int64_t rank = detmath::ceil_to_int64(q * static_cast<double>(sorted.size()));
    const auto last = static_cast<std::int64_t>(sorted.size());
    return {sorted[static_cast<std::size_t>(std::clamp<std::int64_t>(rank, 1, last) - 1)]};
  }
  if (const auto* d = std::get_if<Uniform>(&kind_)) {
    const double count = static_cast<double>(d->max_ns - d->min_ns) + 1.0;
    return {std::clamp(d->min_ns + detmath::ceil_to_int64(q * count) - 1, d->min_ns, d->max_ns)};
  }
  return {invert([this](double ns) { return share_below(ns); }, q)};
}

bool Distribution::is_constant() const {
  struct Constancy {
    bool operator()(const Constant&) const { return true; }
    bool operator()(const Uniform& d) const { return d.min_ns == d.max_ns; }
    bool operator()(const Exponential& d) const { return d.mean_ns == 0; }
    bool operator()(const Normal& d) const { return d.sd_ns == 0; }
    bool operator()(const Lognormal& d) const { return d.sigma == 0; }
    bool operator()(const Gamma&) const { return false; }
    bool operator()(const Bimodal& d) const {
      if (d.slow_share == 0) return d.fast->is_constant();
      if (d.slow_share == 1) return d.slow->is_constant();
      return d.fast->is_constant() && d.slow->is_constant() && d.fast->mean() == d.slow->mean();
    }
    bool operator()(const Empirical& d) const {
      return std::all_of(d.values_ns->begin(), d.values_ns->end(),
                         [&](std::int64_t ns) { return ns == d.values_ns->front(); });
    }
  };
  return std::visit(Constancy{}, kind_);
}

std::string Distribution::describe() const {
  struct Describe {
    static std::string text(double ns) { return format_duration(cut(ns)); }
    static std::string text(std::int64_t ns) { return format_duration({ns}); }
    std::string operator()(const Constant& d) const { return text(d.ns); }
    std::string operator()(const Uniform& d) const {
      return fmt::format("{{uniform: {{min: {}, max: {}}}}}", text(d.min_ns), text(d.max_ns));
    }
    std::string operator()(const Exponential& d) const {
      return fmt::format("{{exponential: {{mean: {}}}}}", text(d.mean_ns));
    }
    std::string operator()(const Normal& d) const {
      return fmt::format("{{normal: {{mean: {}, sd: {}}}}}", text(d.mean_ns), text(d.sd_ns));
    }
    std::string operator()(const Lognormal& d) const {
      if (d.unit_ns == 0) return fmt::format("{{lognormal: {{p50: {}, p99: {}}}}}", text(d.median_ns), text(d.p99_ns));
      return fmt::format("{{lognormal: {{mu: {}, sigma: {}, unit: {}}}}}", d.given_mu, d.sigma, unit_name({d.unit_ns}));
    }
    std::string operator()(const Gamma& d) const {
      return fmt::format("{{gamma: {{mean: {}, cv: {}}}}}", text(d.mean_ns), d.cv);
    }
    std::string operator()(const Bimodal& d) const {
      return fmt::format("{{bimodal: {{fast: {}, slow: {}, slowShare: {}}}}}", d.fast->describe(), d.slow->describe(),
                         d.slow_share);
    }
    std::string operator()(const Empirical& d) const {
      constexpr std::size_t kMostShown = 8;
      const std::vector<std::int64_t>& values = *d.values_ns;
      std::string list;
      for (std::size_t i = 0; i < values.size() && i < kMostShown; ++i) {
        list += (i > 0 ? ", " : "") + text(values[i]);
      }
      if (values.size() <= kMostShown) return fmt::format("{{empirical: [{}]}}", list);
      return fmt::format("{{empirical: [{}, … {} values]}}", list, values.size());
    }
  };
  return std::visit(Describe{}, kind_);
}

// ---- Comparison

bool Distribution::Bimodal::operator==(const Bimodal& other) const {
  return slow_share == other.slow_share && *fast == *other.fast && *slow == *other.slow;
}

bool Distribution::Empirical::operator==(const Empirical& other) const {
  return *values_ns == *other.values_ns;
}

bool Distribution::operator==(const Distribution& other) const {
  return kind_ == other.kind_;
}

}  // namespace dvt
