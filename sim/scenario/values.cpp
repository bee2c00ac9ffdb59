// Distributions as values, from their specification; see values.h for the forms.
#include "sim/scenario/values.h"

#include "sim/scenario/csv_column.h"

namespace dvt::sim {

Duration Rate::interval() const {
  DVT_ASSERT(micro_events > 0, "a rate of zero has no interval");
  __extension__ typedef __int128 Wide;
  const Wide ns = static_cast<Wide>(per.ns) * 1'000'000 / micro_events;
  return {ns < 1 ? 1 : ns > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(ns)};
}

Dist Dist::constant(Duration value) {
  Dist dist;
  dist.a = value;
  return dist;
}

Dist Dist::uniform(Duration min, Duration max) {
  Dist dist;
  dist.form = Form::uniform;
  dist.a = min;
  dist.b = max;
  return dist;
}

Dist Dist::lognormal(Duration p50, Duration p99) {
  Dist dist;
  dist.form = Form::lognormal_quantiles;
  dist.a = p50;
  dist.b = p99;
  return dist;
}

Dist Dist::lognormal_log(double mu, double sigma, Duration unit) {
  Dist dist;
  dist.form = Form::lognormal_log;
  dist.x = mu;
  dist.y = sigma;
  dist.a = unit;
  return dist;
}

Distribution Dist::build() const {
  switch (form) {
    case Form::constant:
      return Distribution::constant(a);
    case Form::uniform:
      return Distribution::uniform(a, b);
    case Form::exponential:
      return Distribution::exponential(a);
    case Form::normal:
      return Distribution::normal(a, b);
    case Form::lognormal_quantiles:
      return Distribution::lognormal(a, b);
    case Form::lognormal_log:
      return Distribution::lognormal(x, y, a);
    case Form::gamma:
      return Distribution::gamma(a, x);
    case Form::bimodal: {
      Distribution fast = parts.at(0).build();
      Distribution slow = parts.at(1).build();
      return Distribution::bimodal(std::move(fast), std::move(slow), share.fraction());
    }
    case Form::empirical_list:
      return Distribution::empirical(values);
    case Form::empirical_file:
      return Distribution::empirical(load_duration_column(file.path, column, a));
  }
  DVT_ASSERT(false, "unknown form of distribution");
  return {};
}

std::optional<Duration> Dist::p99() const {
  if (form == Form::empirical_file) return std::nullopt;
  for (const Dist& part : parts) {
    if (!part.p99()) return std::nullopt;
  }
  return build().quantile(0.99);
}

}  // namespace dvt::sim
