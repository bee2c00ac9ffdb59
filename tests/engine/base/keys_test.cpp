// SHA-256, UUIDs, event types and the two idempotency keys.
#include <gtest/gtest.h>

#include "engine/base/event_type.h"
#include "engine/base/idempotency.h"
#include "engine/base/json.h"
#include "engine/base/sha256.h"
#include "engine/base/uuid.h"
#include "tests/engine/base/contract_vectors.h"

namespace dvt {
namespace {

TEST(Sha256, HashesThePublishedExamples) {
  // FIPS 180-4 examples and the empty message.
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, HashesInPiecesAndIsReusable) {
  Sha256 hasher;
  EXPECT_EQ(hasher.finish(), sha256("")) << "nothing was fed";
  for (int round = 0; round < 2; ++round) {
    hasher.update("a");
    hasher.update("");
    hasher.update("bc");
    EXPECT_EQ(hasher.finish(), sha256("abc"));
  }
}

TEST(Sha256, ReadsItsHexForm) {
  const Digest digest = sha256("abc");
  EXPECT_EQ(from_hex(to_hex(digest)), digest);
  EXPECT_EQ(from_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), digest);
  EXPECT_EQ(from_hex(to_hex(digest).substr(1)), std::nullopt);
  EXPECT_EQ(from_hex(std::string(63, '0') + "g"), std::nullopt);
}

TEST(Uuid, SetsVersionAndVariant) {
  EXPECT_EQ(to_string(uuid_v4_from(0, 0)), "00000000-0000-4000-8000-000000000000");
  EXPECT_EQ(to_string(uuid_v4_from(~0ULL, ~0ULL)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  EXPECT_EQ(to_string(uuid_v4_from(0x0123456789abcdef, 0xfedcba9876543210)), "01234567-89ab-4def-bedc-ba9876543210");
}

TEST(Uuid, ReadsWhatItWrites) {
  const Uuid uuid = uuid_v4_from(0x0123456789abcdef, 0xfedcba9876543210);
  EXPECT_EQ(parse_uuid(to_string(uuid)), uuid);
  EXPECT_EQ(parse_uuid("01234567-89AB-4DEF-BEDC-BA9876543210"), uuid);
  EXPECT_EQ(parse_uuid("01234567-89ab-4def-bedc-ba987654321"), std::nullopt);
  EXPECT_EQ(parse_uuid("01234567-89ab-4def-bedc-ba98765432100"), std::nullopt);
  EXPECT_EQ(parse_uuid("01234567+89ab-4def-bedc-ba9876543210"), std::nullopt);
  EXPECT_EQ(parse_uuid("0123456789-ab-4def-bedc-ba9876543210"), std::nullopt);
  EXPECT_EQ(parse_uuid("01234567-89ag-4def-bedc-ba9876543210"), std::nullopt);
}

TEST(EventType, ReadsWhatItWritesAndNothingElse) {
  for (EventType type : kEventTypes) EXPECT_EQ(parse_event_type(to_string(type)), type);
  EXPECT_EQ(to_string(EventType::run_queued), "RunQueued");
  EXPECT_EQ(to_string(EventType::step_skipped), "StepSkipped");
  EXPECT_EQ(parse_event_type("RunArchived"), std::nullopt);
  EXPECT_EQ(parse_event_type("runqueued"), std::nullopt);
}

TEST(EventType, KnowsWhichTypesCarryAStep) {
  for (EventType type : kEventTypes) EXPECT_EQ(is_step_event(type), to_string(type).starts_with("Step"));
}

EventKeyFields step_fields() {
  return {"0d3c6a9e-4f0c-4a8e-9d5d-3d4c0f7dbb8a", "model.orders", 1, EventType::step_started, "plan_abc", "2"};
}

TEST(IdempotencyKey, AgreesWithTheContractVectors) {
  const std::optional<json::Value> contract = contract_vectors("idempotency-vectors-v2.json");
  if (!contract) GTEST_SKIP() << contract_vectors_hint();
  const json::Array& vectors = contract->find("vectors")->as_array();
  ASSERT_GE(vectors.size(), 3U);
  for (const json::Value& vector : vectors) {
    const auto text = [&](const char* key) -> std::string_view { return vector.find(key)->as_string(); };
    const auto attempt = static_cast<std::uint32_t>(vector.find("logicalAttemptId")->as_int());
    const std::optional<EventType> type = parse_event_type(text("eventType"));
    ASSERT_TRUE(type.has_value());
    const EventKeyFields fields{text("runId"), text("stepIdNormalized"), attempt,
                                *type,         text("planId"),           text("planVersion")};
    EXPECT_EQ(idempotency_preimage(fields), text("preimage")) << text("name");
    EXPECT_EQ(to_hex(idempotency_key(fields)), text("sha256")) << text("name");
  }
}

TEST(IdempotencyKey, JoinsItsFieldsWithBars) {
  EventKeyFields fields = step_fields();
  fields.logical_attempt = 4294967295;
  EXPECT_EQ(idempotency_preimage(fields),
            "0d3c6a9e-4f0c-4a8e-9d5d-3d4c0f7dbb8a|model.orders|4294967295|StepStarted|plan_abc|2");
  EXPECT_EQ(idempotency_key(fields), sha256(idempotency_preimage(fields)));
}

TEST(IdempotencyKey, IgnoresTheStepOfARunEvent) {
  EventKeyFields fields = step_fields();
  fields.type = EventType::run_started;
  EXPECT_EQ(to_hex(idempotency_key(fields)), "204197f81e5dc1a8491d8e411c440a730c51a741cd48a74863d3e5c4c452640d");
  EventKeyFields without = fields;
  without.step_id = {};
  EXPECT_EQ(idempotency_key(fields), idempotency_key(without));
}

TEST(IdempotencyKey, TakesIdsOfAnyLength) {
  for (std::size_t length : {1, 400, 440, 500, 5'000}) {
    EventKeyFields fields = step_fields();
    const std::string id(length, 's');
    fields.step_id = id;
    EXPECT_EQ(idempotency_key(fields),
              sha256("0d3c6a9e-4f0c-4a8e-9d5d-3d4c0f7dbb8a|" + id + "|1|StepStarted|plan_abc|2"));
  }
}

TEST(IdempotencyKeyDeathTest, RefusesBarsAndMissingSteps) {
  EventKeyFields bar = step_fields();
  bar.plan_id = "plan|abc";
  EXPECT_DEATH((void)idempotency_key(bar), "contains '\\|'");
  EXPECT_FALSE(valid_key_field(bar.plan_id));
  EXPECT_TRUE(valid_key_field("plan_abc"));
  EventKeyFields no_step = step_fields();
  no_step.step_id = {};
  EXPECT_DEATH((void)idempotency_key(no_step), "needs the step's id");
  EventKeyFields no_attempt = step_fields();
  no_attempt.logical_attempt = 0;
  EXPECT_DEATH((void)idempotency_key(no_attempt), "count from 1");
}

TEST(RunRequestKey, HashesItsSixFieldsInOrder) {
  const RunRequestKeyFields fields{"tenant-a", "default", "prod", "plan_abc", "2", "request-1"};
  EXPECT_EQ(run_request_key(fields), sha256("tenant-a|default|prod|plan_abc|2|request-1"));
  RunRequestKeyFields other = fields;
  other.run_request_id = "request-2";
  EXPECT_NE(run_request_key(other), run_request_key(fields));
}

}  // namespace
}  // namespace dvt
