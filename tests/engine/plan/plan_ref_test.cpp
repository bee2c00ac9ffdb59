// Plan references: bytes that differ are caught, and addresses that lead inside are not fetched, however spelled.
#include "engine/plan/plan_ref.h"

#include <gtest/gtest.h>

#include "engine/plan/plan_json.h"

namespace dvt::engine {
namespace {

PlanMetadata metadata() {
  return {"nightly", "7", "1.1", TargetAdapter::any, FallbackBehavior::reject, {}};
}

TEST(PlanRef, CarriesTheHashAndSizeOfTheBytes) {
  const PlanRef ref = make_plan_ref("plan://nightly/7", "abc", metadata());
  EXPECT_EQ(ref.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ref.size_bytes, 3U);
  EXPECT_EQ(ref.schema_version, "1.1");
  EXPECT_EQ(ref.plan_id, "nightly");
  EXPECT_EQ(ref.plan_version, "7");
}

TEST(PlanRef, VerifiesItsOwnBytesOnly) {
  const std::string bytes = plan_bytes({metadata(), {{"a", "dbt", std::nullopt}}});
  const PlanRef ref = make_plan_ref("plan://nightly/7", bytes, metadata());
  EXPECT_TRUE(verify(bytes, ref).has_value());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string corrupt = bytes;
    corrupt[i] = static_cast<char>(corrupt[i] ^ 1);
    const auto verdict = verify(corrupt, ref);
    ASSERT_FALSE(verdict.has_value()) << "byte " << i;
    ASSERT_EQ(code_text(verdict.error()), "PLAN_INTEGRITY_VALIDATION_FAILED");
  }
}

TEST(PlanRef, FailsOnAnotherSizeOrAHashThatIsNone) {
  PlanRef ref = make_plan_ref("plan://p/1", "abc", metadata());
  ref.size_bytes = 4;
  EXPECT_FALSE(verify("abc", ref).has_value());
  ref.size_bytes.reset();
  EXPECT_TRUE(verify("abc", ref).has_value());
  ref.sha256 = "deadbeef";
  EXPECT_FALSE(verify("abc", ref).has_value());
}

TEST(PlanRef, ComparesHashesWhateverTheCase) {
  PlanRef ref = make_plan_ref("plan://p/1", "abc", metadata());
  for (char& c : ref.sha256)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  EXPECT_TRUE(verify("abc", ref).has_value());
}

TEST(PlanRef, IsWrittenInTheContractsOrderAndReadBack) {
  PlanRef ref{"plan://p/1", "00ff", "1", "p", "2", 12};
  EXPECT_EQ(
      json::write(to_json(ref)),
      R"({"uri":"plan://p/1","sha256":"00ff","schemaVersion":"1","planId":"p","planVersion":"2","sizeBytes":12})");
  EXPECT_EQ(plan_ref_from_json(to_json(ref)), ref);
  ref.size_bytes.reset();
  EXPECT_EQ(to_json(ref).find("sizeBytes"), nullptr);
  EXPECT_EQ(plan_ref_from_json(to_json(ref)), ref);
}

TEST(PlanRef, IsNotReadFromIncompleteJson) {
  const std::string whole = R"({"uri":"u","sha256":"s","schemaVersion":"1","planId":"p","planVersion":"2"})";
  EXPECT_TRUE(plan_ref_from_json(json::parse(whole).value()).has_value());
  for (const std::string_view name : {"uri", "sha256", "schemaVersion", "planId", "planVersion"}) {
    json::Object without;
    const json::Value value = json::parse(whole).value();
    for (const json::Member& member : value.as_object())
      if (member.key != name) without.append(member.key, member.value);
    EXPECT_FALSE(plan_ref_from_json(without).has_value()) << name;
  }
}

TEST(UriPolicy, AllowsPlanStores) {
  for (const char* uri :
       {"plan://nightly/7", "s3://plans-prod/nightly/7.json", "gs://plans_prod/nightly.json",
        "https://plans.example.com/nightly.json", "HTTPS://Plans.Example.COM:8443/nightly.json?v=7#x",
        "https://plans.example.com./nightly.json", "https://93.184.216.34/plan.json", "https://[2606:2800:220::1]/p",
        "https://[2606:2800:220::1]:8443/p", "https://xn--bcher-kva.example/p"})
    EXPECT_EQ(to_string(check_uri(uri)), "none") << uri;
}

TEST(UriPolicy, RefusesEveryOtherScheme) {
  for (const char* uri : {"file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd", "ftp://plans.example.com/p",
                          "gopher://plans.example.com/", "http://plans.example.com/p", "data:application/json,{}",
                          "jar:https://x.example!/p", "s3a://plans/p"})
    EXPECT_EQ(to_string(check_uri(uri)), "scheme_not_allowed") << uri;
}

TEST(UriPolicy, RecognisesTheMetadataEndpointInEverySpelling) {
  for (const char* host : {"169.254.169.254",
                           "169.254.169.254.",
                           "2852039166",
                           "0xA9FEA9FE",
                           "0xa9.0xfe.0xa9.0xfe",
                           "0251.0376.0251.0376",
                           "025177524776",
                           "169.254.43518",
                           "169.16689662",
                           "0xa9.254.0251.254",
                           "[::ffff:169.254.169.254]",
                           "[::ffff:a9fe:a9fe]",
                           "[0:0:0:0:0:FFFF:A9FE:A9FE]",
                           "[::169.254.169.254]",
                           "[64:ff9b::a9fe:a9fe]",
                           "[2002:a9fe:a9fe::1]",
                           "[fd00:ec2::254]",
                           "[fe80::a9fe:a9fe]",
                           "100.100.100.200",
                           "192.0.0.192",
                           "metadata.google.internal",
                           "METADATA.google.internal.",
                           "metadata",
                           "metadata.goog",
                           "instance-data.ec2.internal"})
    EXPECT_EQ(to_string(check_uri(std::string("https://") + host + "/latest/meta-data/")), "denied_host") << host;
}

TEST(UriPolicy, RefusesThisMachineAndPrivateNetworks) {
  for (const char* host : {"localhost",
                           "LOCALHOST",
                           "localhost.",
                           "plans.localhost",
                           "localhost.localdomain",
                           "printer.local",
                           "127.0.0.1",
                           "127.1",
                           "0x7f.1",
                           "0177.0.0.1",
                           "2130706433",
                           "0",
                           "0.0.0.0",
                           "[::1]",
                           "[::]",
                           "[0:0:0:0:0:0:0:1]",
                           "[::ffff:127.0.0.1]",
                           "10.1.2.3",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "100.64.0.1",
                           "198.18.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "[fc00::1]",
                           "[ff02::1]",
                           "[fec0::1]",
                           "intranet"})
    EXPECT_EQ(to_string(check_uri(std::string("https://") + host + ":8080/p")), "denied_host") << host;
}

TEST(UriPolicy, TakesTheNeighboursOfPrivateNetworksForPublic) {
  for (const char* host : {"11.0.0.1", "172.15.255.255", "172.32.0.1", "192.169.0.1", "169.253.0.1", "169.255.0.1",
                           "100.63.255.255", "100.128.0.1", "126.0.0.1", "128.0.0.1", "198.20.0.1", "223.255.255.255",
                           "[2002:5db8:d822::1]", "[::ffff:93.184.216.34]"})
    EXPECT_EQ(to_string(check_uri(std::string("https://") + host + "/p")), "none") << host;
}

TEST(UriPolicy, RefusesWhatFetchersReadInDifferentWays) {
  for (const char* uri : {"",
                          "plans.example.com/p",
                          "://x/p",
                          "https:plans.example.com",
                          "https:/plans.example.com",
                          "https://",
                          "https:///p",
                          "https://plans.example.com@169.254.169.254/",
                          "https://user:pass@plans.example.com/p",
                          "https://%31%36%39.254.169.254/",
                          "https://plans.example.com\\@127.0.0.1/",
                          " https://plans.example.com/p",
                          "https://plans.example.com/p\n",
                          "https://①⑥⑨.254.169.254/",
                          "https://plans..example.com/p",
                          "https://plans.example.com:0/",
                          "https://plans.example.com:99999/",
                          "https://plans.example.com:80x/",
                          "https://plans.example.com:/",
                          "https://1.2.3.4.5/",
                          "https://256.1.1.1/",
                          "https://08.1.1.1/",
                          "https://[::1/",
                          "https://[1:2:3]/",
                          "https://[1::2::3]/",
                          "https://[fe80::1%25eth0]/",
                          "https://[12345::]/",
                          "https://[1:2:3:4:5:6:7:8:9]/",
                          "https://[]/"})
    EXPECT_EQ(to_string(check_uri(uri)), "malformed") << uri;
}

TEST(UriPolicy, HoldsAHostListWhereThereIsOne) {
  UriPolicy policy;
  policy.hosts = {"plans.example.com", "plans-prod"};
  EXPECT_EQ(check_uri("https://PLANS.example.com/p", policy), UriViolation::none);
  EXPECT_EQ(check_uri("s3://plans-prod/p", policy), UriViolation::none);
  EXPECT_EQ(check_uri("https://evil.plans.example.com/p", policy), UriViolation::host_not_listed);
  EXPECT_EQ(check_uri("https://93.184.216.34/p", policy), UriViolation::host_not_listed);
}

TEST(UriPolicy, EndsAsAnActivitysErrorCode) {
  EXPECT_TRUE(require_allowed_uri("plan://nightly/7").has_value());
  const auto refused = require_allowed_uri("https://2852039166/");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(code_text(refused.error()), "PLAN_URI_NOT_ALLOWED");
}

}  // namespace
}  // namespace dvt::engine
