// SPDX-License-Identifier: MIT
#include "fs/control/protocol.hpp"

#include "core/base/coding.hpp"
#include "tests/support/check.hpp"

using namespace memoria;

namespace {

std::string encoded(FrameType type, const std::string& payload) {
  return encode_frame_head(type, payload.size()) + payload;
}

std::string head_of(uint32_t size, char type) {
  std::string head;
  append_le(head, size);
  return head + type;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(protocol)

BOOST_AUTO_TEST_CASE(frame_has_the_documented_layout) {
  BOOST_TEST(encoded(FrameType::kData, "abc") == std::string("\x03\0\0\0Dabc", 8));
}

BOOST_AUTO_TEST_CASE(every_type_survives_a_round_trip) {
  for (const char type : std::string("QPIDHERX")) {
    FrameDecoder decoder;
    decoder.append(encoded(FrameType(type), "payload"));
    const auto frame = test::unwrap(decoder.next());
    BOOST_REQUIRE(frame.has_value());
    BOOST_TEST(char(frame->type) == type);
    BOOST_TEST(frame->payload == "payload");
    BOOST_TEST(decoder.at_boundary());
  }
}

BOOST_AUTO_TEST_CASE(every_truncation_waits_for_more) {
  const auto whole = encoded(FrameType::kRequest, "{\"command\":\"stats\"}");
  for (size_t size = 0; size < whole.size(); ++size) {
    FrameDecoder decoder;
    decoder.append(whole.substr(0, size));
    BOOST_TEST(!test::unwrap(decoder.next()).has_value());
    BOOST_TEST(decoder.at_boundary() == (size == 0));
    decoder.append(whole.substr(size));
    BOOST_TEST(test::unwrap(decoder.next()).has_value());
  }
}

BOOST_AUTO_TEST_CASE(frames_that_arrive_byte_by_byte_are_taken_apart) {
  const auto stream = encoded(FrameType::kData, "one") + encoded(FrameType::kEnd, "") +
                      encoded(FrameType::kResult, "{}");
  FrameDecoder decoder;
  std::string types;
  for (const char c : stream) {
    decoder.append(std::string(1, c));
    if (const auto frame = test::unwrap(decoder.next())) types += char(frame->type);
  }
  BOOST_TEST(types == "DER");
  BOOST_TEST(decoder.at_boundary());
}

BOOST_AUTO_TEST_CASE(several_frames_in_one_piece_come_one_after_the_other) {
  FrameDecoder decoder;
  decoder.append(encoded(FrameType::kData, "one") + encoded(FrameType::kData, "two"));
  BOOST_TEST(test::unwrap(decoder.next())->payload == "one");
  BOOST_TEST(test::unwrap(decoder.next())->payload == "two");
  BOOST_TEST(!test::unwrap(decoder.next()).has_value());
}

BOOST_AUTO_TEST_CASE(largest_payload_passes_and_one_more_byte_does_not) {
  FrameDecoder fits;
  fits.append(encoded(FrameType::kData, std::string(kMaxFramePayload, 'x')));
  BOOST_TEST(test::unwrap(fits.next())->payload.size() == kMaxFramePayload);
  FrameDecoder too_long;
  too_long.append(head_of(kMaxFramePayload + 1, 'D'));
  CHECK_FAILS(Errc::kInvalidArgument, too_long.next());
}

BOOST_AUTO_TEST_CASE(enormous_length_is_refused_from_the_head_alone) {
  FrameDecoder decoder;
  decoder.append(head_of(0xffffffff, 'D'));
  CHECK_FAILS(Errc::kInvalidArgument, decoder.next());
  CHECK_FAILS(Errc::kInvalidArgument, decoder.next());
}

BOOST_AUTO_TEST_CASE(every_unknown_type_is_refused) {
  for (int type = 0; type < 256; ++type) {
    if (std::string("QPIDHERX").find(char(type)) != std::string::npos) continue;
    FrameDecoder decoder;
    decoder.append(head_of(0, char(type)));
    CHECK_FAILS(Errc::kInvalidArgument, decoder.next());
  }
}

BOOST_AUTO_TEST_CASE(random_garbage_gives_frames_or_an_error_and_never_more_than_was_sent) {
  const auto seed = test::base_seed();
  WITH_SEED(seed) {
    test::Random random(seed);
    for (uint64_t round = 0; round < test::rounds(2000); ++round) {
      FrameDecoder decoder;
      const auto garbage = random.bytes(random.below(64));
      decoder.append(garbage);
      for (auto frame = decoder.next(); frame.has_value() && frame.value();
           frame = decoder.next()) {
        BOOST_REQUIRE(frame.value()->payload.size() <= garbage.size());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(payload_that_is_no_json_is_refused) {
  for (const std::string text :
       {"", "{", "nonsense", "{\"a\":}", "\"text\"", "12", "null", "\xff\xfe", "{}trailing"}) {
    CHECK_FAILS(Errc::kInvalidArgument, parse_payload({FrameType::kRequest, text}));
  }
}

BOOST_AUTO_TEST_CASE(deeply_nested_json_does_no_harm) {
  CHECK_FAILS(Errc::kInvalidArgument,
              parse_payload({FrameType::kRequest, std::string(kMaxFramePayload, '[')}));
  const size_t depth = kMaxFramePayload / 2;
  const auto nested = std::string(depth, '[') + std::string(depth, ']');
  BOOST_TEST(parse_payload({FrameType::kItems, nested}).has_value());
}

BOOST_AUTO_TEST_CASE(errors_keep_code_errno_and_message) {
  for (const auto& error :
       {Error(Errc::kNotFound, "no such file"), Error::posix(ENOTEMPTY, "not empty"),
        Error(Errc::kCorrupt, "bad"), Error(Errc::kNoSpace, ENOSPC, "full")}) {
    const auto back = error_from_json(error_to_json(error));
    BOOST_TEST(int(back.code) == int(error.code));
    BOOST_TEST(back.to_errno() == error.to_errno());
    BOOST_TEST(back.describe() == error.describe());
  }
}

BOOST_AUTO_TEST_CASE(error_that_makes_no_sense_is_an_io_error) {
  for (const Json& json :
       {Json(), Json::array(), Json::object(), Json{{"code", 3}}, Json{{"code", "no-such-code"}}}) {
    BOOST_TEST(int(error_from_json(json).code) == int(Errc::kIo));
  }
  const Json odd = {{"code", "not-found"}, {"message", 7}, {"errno", "two"}};
  BOOST_TEST(int(error_from_json(odd).code) == int(Errc::kNotFound));
}

BOOST_AUTO_TEST_SUITE_END()
