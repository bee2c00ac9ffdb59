// Who is told of an alert, when somebody owns it, and how far it climbs (domain §16). The same draws decide in the run,
// where an operation reacts when the alert is acknowledged, and in the report after it.
//
// Readings: P1, P2 … of the documents' first scale are Sev1, Sev2 …; a severity of neither scale counts as Sev3, but
// `critical` and `page` as Sev1 and `warning` as Sev2. Business hours are Monday to Friday, 09:00 to 17:00 UTC. Slack
// and tickets are read in business hours only. Whoever has been told acknowledges after a time of his own; the first
// one owns the alert. What resolves before that is closed without an owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/base/time.h"
#include "engine/ports/random.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

enum class Channel : std::uint8_t { page, slack, ticket, backlog };
enum class Person : std::uint8_t { oncall, lead, vp, executives };
std::string_view to_string(Channel channel);
std::string_view to_string(Person person);

/// 0 to 3.
int severity_level(std::string_view severity);
/// Sev0 and Sev1, in whichever words, page a person; the others open tickets.
bool is_page(std::string_view severity);

/// The time within which somebody should answer: 15 min, 1 h, 4 h; none for Sev3.
std::optional<Duration> response_target(int level);

/// Somebody is told.
struct Notice {
  Instant at;
  Channel channel = Channel::page;
  Person person = Person::oncall;
  bool operator==(const Notice&) const = default;
};

/// What became of one firing.
struct PageResult {
  std::string rule;
  std::string rule_set;
  std::string severity;
  int level = 3;
  Instant firing_at;
  std::optional<Instant> resolved_at;
  std::vector<Notice> notices;             // those that went out before it was owned, resolved, or over
  std::optional<Instant> acknowledged_at;  // absent: it resolved, or the run ended, before
  std::optional<Person> owner;
  Duration without_owner;  // from the firing until it was owned, resolved, or over; zero for Sev3, which nobody owns
  bool late = false;       // the response target passed without an owner
  bool paged = false;      // somebody was paged
};

/// All firings of a run, by instant, then by rule set and rule.
struct EscalationResult {
  std::vector<PageResult> firings;
  std::uint64_t pages() const;         // firings of which somebody was paged
  std::uint64_t acknowledged() const;  // firings that somebody came to own
  std::uint64_t late() const;
  std::uint64_t escalated() const;  // firings of which more than the person on call was told
  Duration without_owner() const;   // all in all
};

/// A firing, told from any other by its rule and its number among the rule's firings that count, from 0.
struct FiringId {
  std::string_view rule_set;
  std::string_view rule;
  std::uint64_t number = 0;
};

struct AlertResult;

class OnCall {
 public:
  OnCall(const OncallSpec& spec, Escalation escalation, UnixNanos start, const Random& random);

  /// When the first of those who are told acknowledges it, should it still fire then; nullopt: nobody is told (Sev3).
  std::optional<Instant> acknowledged_at(FiringId id, std::string_view severity, Instant firing_at) const;

  /// Every firing of every rule.
  EscalationResult follow(const std::vector<AlertResult>& alerts, Instant end) const;

  PageResult follow(FiringId id, std::string_view severity, Instant firing_at, std::optional<Instant> resolved_at,
                    Instant end) const;

 private:
  struct Told {
    Notice notice;
    Instant answers_at;
  };
  std::vector<Told> ladder(FiringId id, int level, Instant firing_at) const;
  /// The first instant from `at` on that lies in business hours.
  Instant in_business_hours(Instant at) const;

  Distribution acknowledge_;
  OncallHours hours_;
  Escalation escalation_;
  UnixNanos start_;
  const Random& random_;
};

}  // namespace dvt::sim
