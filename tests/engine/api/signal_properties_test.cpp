// Random signals, with repeats, limits, outages and runs that end: whatever happens, an id has one decision and at most
// one effect, effects follow records, the limit holds, and the counts agree.
#include "tests/support/api_fixture.h"

namespace dvt::test {
namespace {

class SignalProperties : public ApiFixture, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  std::uint64_t draw(std::uint64_t n) { return mix(GetParam() * 1'000'003 + drawn_++) % n; }
  engine::SignalRequest random_signal();
  void check(std::size_t sent, std::size_t waiting);

 private:
  std::uint64_t drawn_ = 0;
};

engine::SignalRequest SignalProperties::random_signal() {
  static constexpr std::array kTypes{SignalType::pause,         SignalType::resume,         SignalType::cancel,
                                     SignalType::update_params, SignalType::emergency_stop, SignalType::escalate_alert,
                                     SignalType::skip_step,     SignalType::retry_run};
  const SignalType type = kTypes[draw(kTypes.size())];
  std::string payload;
  if (type == SignalType::update_params) payload = draw(4) == 0 ? "{}" : R"({"params": {"a": 1}})";
  if (type == SignalType::escalate_alert) payload = R"({"level": "INFO"})";
  if (type == SignalType::skip_step) payload = R"({"stepId": "load"})";
  const auto run = static_cast<std::uint32_t>(draw(4));
  engine::SignalRequest request = signal(run, type, payload, "id-" + std::to_string(draw(150)));
  if (draw(5) == 0) request.roles = {Role::operator_};
  if (draw(9) == 0) request.reason.clear();
  if (draw(9) == 0) request.tenant = TenantOrdinal{static_cast<std::uint32_t>(draw(2))};
  return request;
}

void SignalProperties::check(std::size_t sent, std::size_t waiting) {
  // One record that is new for each (run, id), and what replaces it names the same signal.
  std::map<std::pair<std::uint32_t, std::string>, std::uint64_t> owner;
  std::map<std::uint64_t, DecisionStatus> stands;
  std::map<std::uint32_t, std::vector<Instant>> accepted_at;
  for (const SignalDecision& record : facts.records) {
    const auto key = std::pair(record.run.value, record.signal_id);
    const bool is_new = owner.emplace(key, record.signal).second;
    EXPECT_EQ(is_new, !record.replaces);
    EXPECT_EQ(owner.at(key), record.signal) << "only the signal that has the record may replace it";
    stands[record.signal] = record.status;
    if (record.status == DecisionStatus::accepted) accepted_at[record.run.value].push_back(record.decided_at);
  }
  // Effects: once each, and only of signals with an accepted record.
  for (const auto& [signal, times] : facts.applied) {
    EXPECT_EQ(times, 1);
    ASSERT_TRUE(stands.contains(signal));
    EXPECT_EQ(stands.at(signal), DecisionStatus::accepted);
  }
  std::set<std::uint64_t> at_provider;
  for (const ProviderSignal& signal : provider.signals) EXPECT_TRUE(at_provider.insert(signal.signal).second);
  // The limit, in every minute.
  for (auto& [run, times] : accepted_at) {
    std::sort(times.begin(), times.end());
    for (std::size_t i = options.signals.per_run.count; i < times.size(); ++i)
      EXPECT_GE(times[i] - times[i - options.signals.per_run.count], options.signals.per_run.per) << "run " << run;
  }
  // Counts: every signal sent was accepted, refused, deferred or a repeat; what was deferred was settled or waits.
  std::size_t at_once = 0, deferred = 0, settled = 0, accepted = 0;
  for (const ApiFacts::Decided& decided : facts.decided) {
    if (decided.was_deferred)
      ++settled;
    else if (decided.status == DecisionStatus::deferred)
      ++deferred;
    else
      ++at_once;
    if (decided.status == DecisionStatus::accepted) ++accepted;
  }
  EXPECT_EQ(at_once + deferred + facts.repeated.size(), sent);
  EXPECT_EQ(deferred, settled + waiting);
  EXPECT_EQ(facts.applied.size(), accepted);
  EXPECT_EQ(facts.waiting, waiting);
}

TEST_P(SignalProperties, Hold) {
  options.signals.per_run = {5, minutes(1)};
  options.signals.processors = 1;
  options.signals.per_signal = milliseconds(20);
  for (std::uint32_t ordinal = 0; ordinal < 4; ++ordinal) run(ordinal, ordinal % 2);
  constexpr std::size_t kSignals = 400;
  for (std::size_t i = 0; i < kSignals; ++i) {
    send(random_signal());
    if (draw(3) == 0) pass(milliseconds(static_cast<std::int64_t>(draw(4'000))));
    if (draw(60) == 0) model.set_outage(true);
    if (draw(10) == 0) model.set_outage(false);
    if (draw(130) == 0 && !provider.open.empty()) provider.end(*provider.open.begin(), RunOutcome::failed);
    if (draw(80) == 0) api().signals().stop_processors(true);
    if (draw(20) == 0) api().signals().stop_processors(false);
    if (draw(90) == 0) api().signals().requeue_deferred();
    if (draw(90) == 0) api().signals().purge_deferred();
  }
  pass(seconds(1));
  check(kSignals, api().signals().deferred());
  model.set_outage(false);
  api().signals().stop_processors(false);
  pass(minutes(30));
  check(kSignals, 0);
  EXPECT_EQ(api().signals().deferred(), 0U);
  EXPECT_GT(facts.applied.size(), 20U);
  EXPECT_GT(facts.repeated.size(), 20U);
  EXPECT_GT(facts.waiting_max, 0U);
  std::set<std::uint32_t> once(provider.started.begin(), provider.started.end());
  EXPECT_EQ(once.size(), provider.started.size()) << "a run was started twice";
}

INSTANTIATE_TEST_SUITE_P(Seeds, SignalProperties, ::testing::Range<std::uint64_t>(0, 20));

}  // namespace
}  // namespace dvt::test
