#include "engine/base/base64.h"

#include <gtest/gtest.h>

namespace dvt {
namespace {

TEST(Base64, WritesTheVectorsOfItsStandard) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("\xff\xfe\xfd"), "//79");
}

TEST(Base64, ReadsBackEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (std::size_t length : {255U, 256U, 254U}) {
    EXPECT_EQ(from_base64(to_base64(bytes.substr(0, length))), bytes.substr(0, length)) << length;
  }
}

TEST(Base64, RefusesWhatIsNot) {
  for (const char* wrong : {"Zg=", "Zg", "Z===", "Zm9v\n", "Zm=v", "Zm9!", "===="})
    EXPECT_EQ(from_base64(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace dvt
