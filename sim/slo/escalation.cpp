#include "sim/slo/escalation.h"

#include <algorithm>
#include <array>

#include "engine/base/sha256.h"
#include "sim/slo/alerts.h"

namespace dvt::sim {
namespace {

struct Rung {
  int level;
  Duration after;
  Channel channel;
  Person person;
  bool business_only;  // sent in business hours only: outside of them it does not go out at all
};

// Domain §16.
constexpr std::array kLadder{
    Rung{0, Duration{}, Channel::page, Person::oncall, false},
    Rung{0, minutes(15), Channel::page, Person::lead, false},
    Rung{0, minutes(30), Channel::page, Person::vp, false},
    Rung{0, minutes(60), Channel::page, Person::executives, false},
    Rung{1, Duration{}, Channel::slack, Person::oncall, false},
    Rung{1, Duration{}, Channel::page, Person::oncall, true},
    Rung{1, hours(2), Channel::page, Person::oncall, false},
    Rung{1, hours(4), Channel::page, Person::lead, false},
    Rung{2, hours(4), Channel::ticket, Person::oncall, false},
    Rung{2, hours(24), Channel::ticket, Person::lead, false},
};

// Without the documents' chain: whoever is on call is paged at once, and nobody else ever is.
constexpr std::array kNoLadder{
    Rung{0, Duration{}, Channel::page, Person::oncall, false},
    Rung{1, Duration{}, Channel::page, Person::oncall, false},
    Rung{2, Duration{}, Channel::page, Person::oncall, false},
};

constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr std::int64_t kHourNs = 3'600'000'000'000;
constexpr std::int64_t kOpens = 9 * kHourNs;
constexpr std::int64_t kCloses = 17 * kHourNs;

// 0: Sunday. 1970-01-01 was a Thursday.
std::int64_t weekday(std::int64_t day) {
  const std::int64_t shifted = (day + 4) % 7;
  return shifted < 0 ? shifted + 7 : shifted;
}

bool is_workday(std::int64_t day) {
  return weekday(day) >= 1 && weekday(day) <= 5;
}

// Stable under any change of what else is loaded: the first bytes of the name's digest.
std::uint64_t key_of(FiringId id) {
  const Digest digest = sha256(std::string(id.rule_set) + "/" + std::string(id.rule));
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 8; ++i) key = key << 8 | digest.bytes[i];
  return key;
}

}  // namespace

std::string_view to_string(Channel channel) {
  static constexpr std::array<std::string_view, 4> kNames{"page", "slack", "ticket", "backlog"};
  return kNames.at(static_cast<std::size_t>(channel));
}

std::string_view to_string(Person person) {
  static constexpr std::array<std::string_view, 4> kNames{"oncall", "lead", "vp", "executives"};
  return kNames.at(static_cast<std::size_t>(person));
}

int severity_level(std::string_view severity) {
  if (severity.starts_with("Sev"))
    severity.remove_prefix(3);
  else if (severity.starts_with("P"))
    severity.remove_prefix(1);
  else if (severity == "critical" || severity == "page")
    return 1;
  else if (severity == "warning")
    return 2;
  else
    return 3;
  return severity.size() == 1 && severity[0] >= '0' && severity[0] <= '3' ? severity[0] - '0' : 3;
}

bool is_page(std::string_view severity) {
  return severity_level(severity) <= 1;
}

std::optional<Duration> response_target(int level) {
  if (level == 0) return minutes(15);
  if (level == 1) return hours(1);
  if (level == 2) return hours(4);
  return std::nullopt;
}

OnCall::OnCall(const OncallSpec& spec, Escalation escalation, UnixNanos start, const Random& random)
    : acknowledge_(spec.acknowledge.build()),
      hours_(spec.hours),
      escalation_(escalation),
      start_(start),
      random_(random) {}

Instant OnCall::in_business_hours(Instant at) const {
  std::int64_t unix_ns = start_.ns + at.ns;
  for (;;) {
    std::int64_t day = unix_ns / kDayNs;
    if (unix_ns < 0 && unix_ns % kDayNs != 0) --day;
    const std::int64_t of_day = unix_ns - day * kDayNs;
    if (is_workday(day) && of_day < kCloses) return Instant{day * kDayNs + std::max(of_day, kOpens) - start_.ns};
    unix_ns = (day + 1) * kDayNs;
  }
}

std::vector<OnCall::Told> OnCall::ladder(FiringId id, int level, Instant firing_at) const {
  std::vector<Told> told;
  const std::uint64_t key = key_of(id);
  const bool now_in_hours = in_business_hours(firing_at) == firing_at;
  const auto climb = [&](const auto& rungs) {
    for (const Rung& rung : rungs) {
      if (rung.level != level || (rung.business_only && !now_in_hours)) continue;
      Told one;
      one.notice = {firing_at + rung.after, rung.channel, rung.person};
      const bool waits = hours_ == OncallHours::business || rung.channel != Channel::page;
      const Instant reads_at = waits ? in_business_hours(one.notice.at) : one.notice.at;
      // One draw a person: a second message does not make him slower or faster by chance.
      Draws draws(random_, Purpose::oncall, key, id.number, static_cast<std::uint64_t>(rung.person));
      one.answers_at = reads_at + acknowledge_.sample(draws);
      told.push_back(one);
    }
  };
  if (escalation_ == Escalation::documents) {
    climb(kLadder);
  } else {
    climb(kNoLadder);
  }
  return told;
}

std::optional<Instant> OnCall::acknowledged_at(FiringId id, std::string_view severity, Instant firing_at) const {
  std::optional<Instant> first;
  for (const Told& told : ladder(id, severity_level(severity), firing_at))
    if (!first || told.answers_at < *first) first = told.answers_at;
  return first;
}

PageResult OnCall::follow(FiringId id, std::string_view severity, Instant firing_at, std::optional<Instant> resolved_at,
                          Instant end) const {
  PageResult page;
  page.rule = id.rule;
  page.rule_set = id.rule_set;
  page.severity = severity;
  page.level = severity_level(severity);
  page.firing_at = firing_at;
  page.resolved_at = resolved_at;
  const Instant over = resolved_at.value_or(end);
  const std::vector<Told> told = ladder(id, page.level, firing_at);
  for (const Told& one : told) {
    if (one.answers_at > over || (page.acknowledged_at && one.answers_at >= *page.acknowledged_at)) continue;
    page.acknowledged_at = one.answers_at;
    page.owner = one.notice.person;
  }
  const Instant until = page.acknowledged_at.value_or(over);
  for (const Told& one : told)
    if (one.notice.at <= until) page.notices.push_back(one.notice);
  page.paged = std::any_of(page.notices.begin(), page.notices.end(),
                           [](const Notice& notice) { return notice.channel == Channel::page; });
  if (told.empty()) return page;
  page.without_owner = until - firing_at;
  const std::optional<Duration> target = response_target(page.level);
  page.late = target && page.without_owner > *target;
  return page;
}

EscalationResult OnCall::follow(const std::vector<AlertResult>& alerts, Instant end) const {
  EscalationResult out;
  for (const AlertResult& alert : alerts) {
    for (std::size_t i = 0; i < alert.firings.size(); ++i) {
      const Firing& firing = alert.firings[i];
      out.firings.push_back(
          follow({alert.set, alert.rule, i}, alert.severity, firing.firing_at, firing.resolved_at, end));
    }
  }
  std::stable_sort(out.firings.begin(), out.firings.end(),
                   [](const PageResult& a, const PageResult& b) { return a.firing_at < b.firing_at; });
  return out;
}

namespace {
template <class Holds>
std::uint64_t count(const EscalationResult& result, Holds holds) {
  return static_cast<std::uint64_t>(std::count_if(result.firings.begin(), result.firings.end(), holds));
}
}  // namespace

std::uint64_t EscalationResult::pages() const {
  return count(*this, [](const PageResult& page) { return page.paged; });
}
std::uint64_t EscalationResult::acknowledged() const {
  return count(*this, [](const PageResult& page) { return page.acknowledged_at.has_value(); });
}
std::uint64_t EscalationResult::late() const {
  return count(*this, [](const PageResult& page) { return page.late; });
}
std::uint64_t EscalationResult::escalated() const {
  return count(*this, [](const PageResult& page) {
    return std::any_of(page.notices.begin(), page.notices.end(),
                       [](const Notice& notice) { return notice.person != Person::oncall; });
  });
}
Duration EscalationResult::without_owner() const {
  Duration sum;
  for (const PageResult& page : firings) sum += page.without_owner;
  return sum;
}

}  // namespace dvt::sim
