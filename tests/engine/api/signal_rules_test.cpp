// Payloads, roles and reasons of the eleven signals, against the table of domain §8.
#include "engine/api/signal_rules.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace dvt::engine {
namespace {

constexpr std::array kTypes{SignalType::pause,          SignalType::resume,          SignalType::cancel,
                            SignalType::retry_step,     SignalType::retry_run,       SignalType::skip_step,
                            SignalType::update_params,  SignalType::inject_override, SignalType::update_target,
                            SignalType::emergency_stop, SignalType::escalate_alert};

std::string fields_of(SignalType type) {
  std::string text;
  for (const PayloadField& field : payload_fields(type))
    text += (text.empty() ? "" : " ") + std::string(field.name) + (field.required ? "" : "?");
  return text;
}

TEST(SignalPayloads, HaveTheFieldsOfTheTable) {
  EXPECT_EQ(fields_of(SignalType::pause), "reason?");
  EXPECT_EQ(fields_of(SignalType::resume), "");
  EXPECT_EQ(fields_of(SignalType::cancel), "reason?");
  EXPECT_EQ(fields_of(SignalType::retry_step), "stepId force?");
  EXPECT_EQ(fields_of(SignalType::retry_run), "reason? force?");
  EXPECT_EQ(fields_of(SignalType::skip_step), "stepId reason?");
  EXPECT_EQ(fields_of(SignalType::update_params), "params");
  EXPECT_EQ(fields_of(SignalType::inject_override), "stepId override");
  EXPECT_EQ(fields_of(SignalType::update_target), "stepId newTarget");
  EXPECT_EQ(fields_of(SignalType::emergency_stop), "reason? forceKill?");
  EXPECT_EQ(fields_of(SignalType::escalate_alert), "level note?");
}

TEST(SignalPayloads, AreReadWhenRight) {
  EXPECT_TRUE(parse_payload(SignalType::resume, "").has_value());
  EXPECT_EQ(parse_payload(SignalType::pause, R"({"reason": "deploy"})").value().reason, "deploy");
  const auto retry = parse_payload(SignalType::retry_step, R"({"stepId": "a", "force": true})");
  ASSERT_TRUE(retry.has_value());
  EXPECT_EQ(retry.value().step_id, "a");
  EXPECT_TRUE(retry.value().force);
  EXPECT_TRUE(parse_payload(SignalType::emergency_stop, R"({"reason": "x", "forceKill": true})").value().force_kill);
  EXPECT_EQ(parse_payload(SignalType::escalate_alert, R"({"level": "P1"})").value().level, "P1");
  EXPECT_EQ(json::write(parse_payload(SignalType::update_params, R"({"params": {"b": 1}})").value().object),
            R"({"b":1})");
}

TEST(SignalPayloads, SayWhatIsWrong) {
  struct Wrong {
    SignalType type;
    const char* payload;
    const char* expected;
  };
  const std::vector<Wrong> cases{
      {SignalType::retry_step, "{}", "payload.stepId is missing: expected a text that is not empty"},
      {SignalType::retry_step, R"({"stepId": 3})", "payload.stepId: expected a text that is not empty"},
      {SignalType::retry_step, R"({"stepId": ""})", "payload.stepId: expected a text that is not empty"},
      {SignalType::retry_step, R"({"stepId": "a|b"})", "payload.stepId: no '|' is allowed"},
      {SignalType::retry_step, R"({"stepId": "a", "force": "yes"})", "payload.force: expected true or false"},
      {SignalType::skip_step, R"({"stepID": "a"})",
       "payload.stepID: not a field of this signal (did you mean stepId?)"},
      {SignalType::resume, R"({"reason": "x"})", "payload.reason: not a field of this signal"},
      {SignalType::update_params, R"({"params": [1]})", "payload.params: expected an object"},
      {SignalType::escalate_alert, R"({"level": "P2"})", "payload.level: expected INFO, WARNING, CRITICAL or P1"},
      {SignalType::pause, "[]", "payload: expected an object"},
      {SignalType::pause, "{", "payload: no JSON"},
      {SignalType::pause, R"({"reason": "a", "reason": "b"})", "payload: no JSON"},
  };
  for (const Wrong& wrong : cases) {
    const auto parsed = parse_payload(wrong.type, wrong.payload);
    ASSERT_FALSE(parsed.has_value()) << wrong.payload;
    EXPECT_EQ(parsed.error().substr(0, std::string(wrong.expected).size()), wrong.expected) << wrong.payload;
  }
}

TEST(SignalRoles, AreTheLeastPowerfulThatSuffice) {
  const RoleSet all{Role::system, Role::operator_, Role::engineer, Role::admin};
  EXPECT_EQ(effective_role(all, SignalType::pause), Role::operator_);
  EXPECT_EQ(effective_role(all, SignalType::retry_step), Role::engineer);
  EXPECT_EQ(effective_role(all, SignalType::emergency_stop), Role::admin);
  EXPECT_EQ(effective_role(all, SignalType::escalate_alert), Role::system);
  EXPECT_EQ(effective_role({Role::admin, Role::engineer}, SignalType::pause), Role::engineer);
  EXPECT_EQ(effective_role({Role::operator_}, SignalType::retry_step), std::nullopt);
}

TEST(SignalRoles, LetOnlySystemEscalateAndSystemDoNothingElse) {
  for (const SignalType type : kTypes) {
    const bool escalation = type == SignalType::escalate_alert;
    EXPECT_EQ(effective_role({Role::system}, type).has_value(), escalation) << to_string(type);
    EXPECT_EQ(effective_role({Role::admin}, type).has_value(), !escalation) << to_string(type);
  }
}

TEST(SignalRoles, CallDestructiveWhatOnlyAnAdminMaySend) {
  std::set<std::string> destructive;
  for (const SignalType type : kTypes)
    if (is_destructive(type)) destructive.insert(to_string(type));
  EXPECT_EQ(destructive,
            (std::set<std::string>{"UPDATE_PARAMS", "INJECT_OVERRIDE", "UPDATE_TARGET", "EMERGENCY_STOP"}));
}

TEST(ApiErrors, HaveOneCodeEachAndAStatusOfTheirKind) {
  std::set<std::string_view> codes;
  for (const ApiErrorInfo& row : api_errors()) {
    EXPECT_EQ(&info(row.error), &row);
    EXPECT_TRUE(codes.insert(row.code).second) << row.code;
    EXPECT_FALSE(row.meaning.empty()) << row.code;
    EXPECT_EQ(http_status(row.code), row.http);
    EXPECT_EQ(is_retryable(row.code), row.http == 429 || row.http >= 500) << row.code;
  }
  EXPECT_EQ(http_status("POOL_EXHAUSTED"), 503) << "what the store says is passed on";
  EXPECT_TRUE(is_retryable("POOL_EXHAUSTED"));
}

TEST(ApiErrors, AreAllListedInTheReadme) {
  std::ifstream file(std::string(DVTSIM_SOURCE_ROOT) + "/engine/api/README.md");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string readme = text.str();
  for (const ApiErrorInfo& row : api_errors()) {
    if (row.code.empty()) continue;
    const std::string line = "| `" + std::string(row.code) + "` | " + std::to_string(row.http) + " |";
    EXPECT_NE(readme.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace dvt::engine
